"""What turns the vectors of a text into an answer: its own parameters, loss, scores. No torch.

A readout is a class in one file; `@register` makes it a choice of `readout.kind` everywhere. Its parameters are entries
`head.<name>`: they have the head's step size, are clipped and noised with all others, and no flatness level moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar

from dpflat.catalog import Task
from dpflat.registry import Registry
from dpflat.settings.registered import name_of
from dpflat.settings.section import Section

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.core.batches import Batch
    from dpflat.core.objective import Classification, Scores
    from dpflat.core.prefix import Parameters


class Readout(Section):
    """How answers are read off.

    Attributes:
        words: what the name of a method says of it; empty for a linear head.
        title: what a person who chooses one reads; `words` where it is empty.
        is_trained: whether it has parameters of its own.
        reads_label_texts: whether it reads a task's label texts.
        reads_words: whether it reads a task's template and words, and the backbone's masked-language head.
        reads_pairs_apart: whether it reads a vector for each text of a pair, in place of one for both.
        prefix_learning_rate: step size of prefixes under it where none is given; tuned on imdb (presets/TUNING.md).
        has_row_per_class: whether its parameters are a row a class, so that one constant added to all changes nothing.
    """

    words: ClassVar[str]
    title: ClassVar[str] = ""
    is_trained: ClassVar[bool] = True
    reads_label_texts: ClassVar[bool] = False
    reads_words: ClassVar[bool] = False
    reads_pairs_apart: ClassVar[bool] = False
    has_row_per_class: ClassVar[bool] = True
    prefix_learning_rate: ClassVar[float] = 0.01

    kind: str

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:
        """Its parameters before the first step, float32, as `head.<name>`. Privacy: none."""
        raise NotImplementedError

    def freeze(self, backbone: Backbone, task: Task) -> Parameters:  # noqa: ARG002
        """What it reads beside its parameters, computed once of the frozen backbone and the task's card.

        It is `objective.frozen` wherever the others are called. Privacy: none; no row of the task is read.
        """
        return {}

    def tokenise(
        self,
        backbone: Backbone,
        task: Task,  # noqa: ARG002
        texts: list[str],
        pairs: list[str] | None,
        max_tokens: int,
    ) -> list[np.ndarray]:
        """What the model reads of each row: token ids, at most `max_tokens`, special tokens included.

        Args:
            backbone: reads them.
            task: its card.
            texts: (R,) one a row.
            pairs: (R,) second texts that are read with the first as one sequence; None where there are none.
            max_tokens: as `data.max_tokens`.

        Privacy: reads private data; what becomes of a row depends on that row alone.
        """
        return backbone.tokenise(texts, max_tokens, pairs)

    def features(self, objective: Classification, states: Tensor, batch: Batch) -> Tensor:
        """(B, E) of (T * B, S, E) last states: what `outputs` reads; `pool` gives a vector a text."""
        return objective.pool(states, batch)

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:
        """(B, C) logits of features; with `per_example` each entry has a leading B axis."""
        raise NotImplementedError

    def losses(self, objective: Classification, outputs: Tensor, batch: Batch) -> Tensor:
        """(B,) losses in nats."""
        return objective.cross_entropy(outputs, batch)

    def scores(self, objective: Classification, outputs: Tensor, batch: Batch) -> Scores:
        """Named (B,) scores: `loss`, `correct` and `log_odds`, and whatever else it has."""
        return objective.score_logits(outputs, batch)

    def metrics(self, scores: Mapping[str, np.ndarray]) -> dict[str, float]:  # noqa: ARG002
        """What it measures of a whole split beside accuracy and loss, by the words that show it (`METRIC`).

        Args:
            scores: by name, (N,) of the split.
        """
        return {}


METRIC = r"^[A-Za-z][A-Za-z0-9 ]{0,39}$"
"""The words of a metric: they stand on pages and in terminals as they are."""
READOUTS: Registry[type[Readout]] = Registry("readout", "dpflat.readouts")
R = TypeVar("R", bound=type[Readout])


def register(readout: R) -> R:
    """Make a readout a choice of `readout.kind`.

    Raises:
        DPFlatError: when its `kind` is no name, or another one has it.
    """
    READOUTS.register(name_of(readout, "kind"), readout)
    return readout
