"""The settings of the three levels (Chen et al. 2024, arXiv 2403.04124): one class a mode.

A mode says which class its touch of the private data has in the ledger, and why. `as_published` is what the authors'
code does; the others are repairs or controls.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from dpflat.privacy.ledger import EntryClass
from dpflat.section import Section

ASCENT_SHARE, REMOVAL_SHARE = 0.5, 0.25
AUTHORS_LISTS = {"authors_sst2": (11, 5, 10), "authors_qnli": (11, 10, 9), "authors_mnli": (1, 4, 9)}
"""Layers of roberta-base that the authors' code removes, by task: QQP as QNLI, TREC as MNLI."""


class Off(Section):
    """This level is off."""

    mode: Literal["off"] = "off"


class Ascent(Section):
    """Within a layer: gradients are taken at w + v, v = gamma ||w|| d / ||d||, during the first epochs."""

    entry_class: ClassVar[EntryClass]
    touches: ClassVar[str]

    mode: str

    gamma: float = Field(0.1, gt=0, le=10)
    """Length of the offset over that of the weights. Default: one that visibly raises the loss on imdb
    (presets/TUNING.md); 1e-4 in the authors' code, which raises it by less than 1e-5 there."""
    norm: Literal["layer", "whole"] = "layer"
    """Whether lengths are taken of each layer's prefix, or of all together as the authors do."""
    warmup_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes with the offset. None: half of the run, as the authors' 15 of 30."""


class AscentAsPublished(Ascent):
    """Along the un-noised gradient of the batch's first examples."""

    entry_class = EntryClass.BREAKING
    touches = "ascent along an un-noised gradient"

    mode: Literal["as_published"]
    examples: int = Field(20, ge=1, le=10_000)
    """Examples of the batch that the direction is computed on. 20 is the authors' micro-batch."""


class AscentPreviousNoisy(Ascent):
    """Along the last released, noisy gradient (DP-SAT, Park et al. 2023, arXiv 2306.05651); none in the first step."""

    entry_class = EntryClass.POST_PROCESSING
    touches = "ascent along the last noisy gradient"

    mode: Literal["previous_noisy"]
    gamma: float = Field(1.0, gt=0, le=10)
    """Length of the offset over that of the weights. Default: ten times that of the other modes, since noise and chance
    point uphill only a little (presets/TUNING.md)."""


class AscentPerExample(Ascent):
    """Each example along its own gradient, before clipping: twice the work, no further cost."""

    entry_class = EntryClass.ACCOUNTED
    touches = "each example ascends along its own gradient, inside its own contribution"

    mode: Literal["per_example"]


class AscentRandom(Ascent):
    """Along a random direction: the control."""

    entry_class = EntryClass.PUBLIC
    touches = "ascent along a random direction"

    mode: Literal["random"]
    gamma: float = Field(1.0, gt=0, le=10)
    """Length of the offset over that of the weights. Default: ten times that of the other modes, since noise and chance
    point uphill only a little (presets/TUNING.md)."""


class Removal(Section):
    """Across layers: prefixes are removed one layer a round, least sharpness first, until `keep_layers` remain."""

    entry_class: ClassVar[EntryClass]
    touches: ClassVar[str]

    mode: str

    keep_layers: int | None = Field(None, ge=1, le=200)
    """Layers that keep their prefix. None: three quarters, rounded down (the authors keep 9 of 12)."""

    def count_kept(self, layers: int) -> int:
        """Layers that keep their prefix, of so many."""
        return max(1, layers * 3 // 4) if self.keep_layers is None else self.keep_layers


class ScoredRemoval(Removal):
    """Removal by a score: max (L(w') - L(w)) / (1 + L(w)) over Keskar's box |w' - w| <= eta (|w| + 1)."""

    warmup_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes before the layers are scored, on one model. None: a quarter of the run."""
    eta: float = Field(0.02, gt=0, le=1)
    """Half width of the box. Default: where scores on imdb lie between 0.05 and 0.11, from layer to layer."""


class BoxRemoval(ScoredRemoval):
    """The maximum over the box, by projected ascent with restarts."""

    examples: int = Field(256, ge=1, le=100_000)
    """Examples that a score is computed on."""
    ascent_steps: int = Field(5, ge=1, le=1000)
    """Steps of the projected ascent."""
    restarts: int = Field(2, ge=1, le=100)
    """Random starts; their spread says how sure a score is."""


class RemovalAsPublished(BoxRemoval):
    """Scored on private examples without noise."""

    entry_class = EntryClass.BREAKING
    touches = "layers chosen by un-noised sharpness"

    mode: Literal["as_published"]


class RemovalPublic(BoxRemoval):
    """Scored on a public task, with a head trained there on the privately trained prefixes' features."""

    entry_class = EntryClass.PUBLIC
    touches = "layers chosen by sharpness on public data"

    mode: Literal["public"]
    public_task: str = "imdb"
    """A public task of the catalog."""


class RemovalExponential(ScoredRemoval):
    """Drawn by the exponential mechanism: bounded losses, a fixed divisor, directions that are free of private data.

    The first direction is that of the released gradients (Adam's running mean, noise included), the others are drawn by
    the seed: random corners of the box alone hardly raise the loss.
    """

    entry_class = EntryClass.ACCOUNTED
    touches = "layers drawn by the exponential mechanism"

    mode: Literal["exponential"]
    epsilon: float = Field(0.2, gt=0, le=10)
    """Budget of one round; composed into the run's epsilon."""
    loss_bound: float = Field(1.5, gt=0, le=100)
    """Losses are cut to [0, this], nats."""
    eta: float = Field(0.2, gt=0, le=1)
    """Half width of the box. Default: ten times that of the other modes, since a few directions miss its highest
    corner."""
    directions: int = Field(2, ge=1, le=100)
    """Corners that stand for the box: one along the released gradients, the others by lot."""
    examples: int = Field(2000, ge=1, le=1_000_000)
    """Expected size of the Poisson subset, and the public divisor."""


class RemovalFixed(Removal):
    """A list given beforehand, or drawn by the public seed: reads no data. Removed before the first step."""

    entry_class = EntryClass.PUBLIC
    touches = "layers fixed beforehand"

    mode: Literal["fixed"]
    remove: tuple[int, ...] | None = None
    """Layers whose prefixes are absent, counted from 0, or a name of `AUTHORS_LISTS`; replaces `keep_layers`. None:
    drawn by the seed."""

    @field_validator("remove", mode="before")
    @classmethod
    def _named(cls, remove: Any) -> Any:
        if not isinstance(remove, str):
            return remove
        if remove not in AUTHORS_LISTS:
            raise ValueError(f"the named lists are {', '.join(AUTHORS_LISTS)}; got '{remove}'")
        return AUTHORS_LISTS[remove]

    @model_validator(mode="after")
    def _each_once(self) -> RemovalFixed:
        if self.remove is not None and (len(set(self.remove)) < len(self.remove) or min(self.remove, default=0) < 0):
            raise ValueError(f"remove names each layer once, counted from 0; got {list(self.remove)}")
        return self


class Pull(Section):
    """Across models: a pull toward other weights, strength ||w - w_nor||^2, on the prefixes."""

    entry_class: ClassVar[EntryClass]
    touches: ClassVar[str]

    mode: str

    strength: float = Field(0.01, gt=0, le=1000)
    """Lambda. Default: the paper's."""
    distance: Literal["squared", "norm"] = "squared"
    """`squared` as in the paper; `norm`, not squared, as in the authors' code."""


class TwinPull(Pull):
    """Toward a second model that is trained first."""

    twin_epochs: float | None = Field(None, gt=0, le=1000)
    """Expected passes of the twin over its training units. None: as many as the run's."""


class PullAsPublished(TwinPull):
    """Toward a twin trained without noise on the same data; the pull stands inside each example's loss."""

    entry_class = EntryClass.BREAKING
    touches = "pull toward a twin trained without noise on the same data"

    mode: Literal["as_published"]


class PullPublic(TwinPull):
    """Toward a twin trained on a public task; the pull is added after the noise."""

    entry_class = EntryClass.PUBLIC
    touches = "pull toward a twin trained on public data"

    mode: Literal["public"]
    public_task: str = "imdb"
    """A public task of the catalog."""


class PullAverage(Pull):
    """Toward the running average of the noisy iterates; the pull is added after the noise."""

    entry_class = EntryClass.POST_PROCESSING
    touches = "pull toward the average of released iterates"

    mode: Literal["average"]
    decay: float = Field(0.9, gt=0, lt=1)
    """Share of the average that stays at each step."""


class PullDPTwin(TwinPull):
    """Toward a twin trained with noise on the same data, within the run's epsilon."""

    entry_class = EntryClass.ACCOUNTED
    touches = "pull toward a twin trained with noise"

    mode: Literal["dp_twin"]


MODES_OF = {
    "within_layer": ("off", "previous_noisy", "per_example", "random", "as_published"),
    "cross_layer": ("off", "exponential", "public", "fixed", "as_published"),
    "cross_model": ("off", "average", "public", "dp_twin", "as_published"),
}
MODES = tuple(dict.fromkeys(mode for modes in MODES_OF.values() for mode in modes))
LEVEL_WORDS = {"within_layer": "within layer", "cross_layer": "across layers", "cross_model": "across models"}
REPAIRED = {"within_layer": "previous_noisy", "cross_layer": "exponential", "cross_model": "average"}

Modes = Field(discriminator="mode")
WithinLayer = Annotated[Off | AscentAsPublished | AscentPreviousNoisy | AscentPerExample | AscentRandom, Modes]
CrossLayer = Annotated[Off | RemovalAsPublished | RemovalExponential | RemovalPublic | RemovalFixed, Modes]
CrossModel = Annotated[Off | PullAsPublished | PullPublic | PullAverage | PullDPTwin, Modes]


class FlatnessConfig(Section):
    """The three levels of DP-Flat."""

    within_layer: WithinLayer = Off()
    cross_layer: CrossLayer = Off()
    cross_model: CrossModel = Off()

    def levels(self) -> dict[str, Ascent | Removal | Pull]:
        """The levels that are on, by name."""
        named = {"within_layer": self.within_layer, "cross_layer": self.cross_layer, "cross_model": self.cross_model}
        return {name: level for name, level in named.items() if not isinstance(level, Off)}

    def public_tasks(self) -> tuple[str, ...]:
        """Tasks whose training split a level reads as public, without noise; sorted."""
        levels = self.levels().values()
        return tuple(sorted({level.public_task for level in levels if isinstance(level, PullPublic | RemovalPublic)}))


def describe_levels(flatness: FlatnessConfig) -> str:
    """What is on, for the name of a method; empty where nothing is.

    The two combinations of the presets have names of their own; any other is told level by level.
    """
    modes = {name: level.mode for name, level in flatness.levels().items()}
    if modes == REPAIRED:
        return "Flat"
    if modes == dict.fromkeys(LEVEL_WORDS, "as_published"):
        return "Flat as published"
    return " + ".join(f"{LEVEL_WORDS[name]} ({mode.replace('_', ' ')})" for name, mode in modes.items())
