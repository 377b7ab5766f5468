"""What a training run tells while it goes on: at least one event for each piece of rows that went through the model.

A piece holds at most `execution.microbatch` rows, fewer where texts are long, so that at the default no two events
lie more than about two seconds apart: that is what makes Stop prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from dpflat.flatness.cross_layer import Round
    from dpflat.training.state import TrainState


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of the run begins.

    Attributes:
        phase: `twin`, `warm_up`, `selection`, `main` or `evaluation`.
        step: gradient steps done so far.
    """

    phase: str
    step: int


@dataclass(frozen=True)
class StepDone:
    """One gradient step was taken.

    Attributes:
        step: number of the step, from 1.
        metrics: plain numbers: loss, clipped share, gradient norms, signal to noise, epsilon.
        state: everything needed to go on from here.
    """

    step: int
    metrics: dict[str, Any]
    state: TrainState


@dataclass(frozen=True)
class TwinStep:
    """One step of the twin was taken.

    Attributes:
        step: number of the step, from 1.
        steps: steps of the twin.
        state: everything needed to go on from here.
    """

    step: int
    steps: int
    state: TrainState


@dataclass(frozen=True)
class LayerRemoved:
    """The prefix of one layer is gone.

    Attributes:
        step: gradient steps done.
        number: number of the round, from 1.
        round: every candidate's score, and the choice.
    """

    step: int
    number: int
    round: Round


@dataclass(frozen=True)
class Evaluated:
    """The test split was measured.

    Attributes:
        step: gradient steps done.
        examples: rows measured.
        loss: mean, nats.
        accuracy: share of correct answers, 0 to 1.
        scores: per-row `loss`, `correct`, `log_odds` in the split's order.
        majority_share: share of the largest class, which naming it always gives.
        balanced_accuracy: mean over classes of the share of correct answers; None where a class has no test row.
        absent_classes: number of classes without a test row.
        metrics: what the readout measures beside these, by the words that show it.
    """

    step: int
    examples: int
    loss: float
    accuracy: float
    scores: dict[str, np.ndarray]
    majority_share: float
    balanced_accuracy: float | None
    absent_classes: int = 0
    metrics: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """The run is complete.

    Attributes:
        state: the final state.
        evaluation: the measurement after the last step.
        arms: the same with all prefixes taken out (`without`) and with those of the start (`untrained`).
    """

    state: TrainState
    evaluation: Evaluated
    arms: dict[str, Evaluated] = field(default_factory=dict)


Event = PhaseStarted | TwinStep | StepDone | LayerRemoved | Evaluated | Trained
