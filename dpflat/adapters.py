"""What is trained: prefixes, a prompt, a head alone, or every weight."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dpflat.settings.section import Section


class PrefixAdapter(Section, use_attribute_docstrings=True):
    """White box: trained keys and values in front of every layer's own, and the readout's own."""

    kind: Literal["prefix"] = "prefix"
    length: int = Field(8, ge=1, le=200)
    """Prefix tokens P in each layer. Default: the authors' small setting; 50 in their paper runs."""
    init_std: float = Field(0.02, gt=0, le=10)
    """Standard deviation of the initial prefix entries, in units of `scale`. 0.02 is BERT's initialiser."""
    scale: float = Field(10.0, gt=0, le=100)
    """What the trained entries are multiplied with before attention: sets the share of the clipping norm
    that prefixes take beside the head. Tuned on imdb (presets/TUNING.md)."""
    feature_norm: float = Field(1.0, gt=0, le=100)
    """L2 norm that each pooled text vector is rescaled to before the head. Default: unit vectors."""


class PromptAdapter(Section):
    """Black box: trained vectors in front of the words' own embeddings, at the input only, and the readout's own."""

    kind: Literal["prompt"] = "prompt"
    length: int = Field(8, ge=1, le=200)
    """Prompt vectors P."""
    init_std: float = Field(0.02, gt=0, le=10)
    """Standard deviation of the initial entries, in units of `scale`. 0.02 is BERT's initialiser."""
    scale: float = Field(10.0, gt=0, le=100)
    """What the trained entries are multiplied with before the first layer. As for prefixes; not tuned."""
    feature_norm: float = Field(1.0, gt=0, le=100)
    """L2 norm that each pooled text vector is rescaled to before the head. Default: unit vectors."""


class HeadOnlyAdapter(Section):
    """No prefix: a linear head on the frozen features."""

    kind: Literal["head_only"] = "head_only"
    feature_norm: float = Field(1.0, gt=0, le=100)
    """L2 norm that each pooled text vector is rescaled to before the head. Default: unit vectors."""


class FullAdapter(Section):
    """No prefix: every weight of the backbone is trained, with a linear head. Without privacy only."""

    kind: Literal["full"] = "full"
    learning_rate: float = Field(0.0003, ge=0, le=100)
    """Adam step size of the backbone's weights; 0 trains the head alone. Tuned on imdb (presets/TUNING.md)."""
    feature_norm: float = Field(1.0, gt=0, le=100)
    """L2 norm that each pooled text vector is rescaled to before the head. Default: unit vectors."""


Adapter = Annotated[PrefixAdapter | PromptAdapter | HeadOnlyAdapter | FullAdapter, Field(discriminator="kind")]
