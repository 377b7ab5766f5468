"""One way to do a level of flatness: settings, words, what it costs, what it does. No torch.

A level is one of `LEVEL_WORDS`. A mode is a class in one file, and `@register` makes it a choice of its level
everywhere. What it does is in methods that the phases of a run call with tools (`step_tools`, `choosing`); what a mode
leaves out does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.privacy.plan import Mechanism, PrivacyPlan
from dpflat.privacy.sources import Source
from dpflat.registry import Registry
from dpflat.settings.registered import name_of
from dpflat.settings.section import Section
from dpflat.training.schedule import Schedule

if TYPE_CHECKING:
    from dpflat.core.batches import Batch
    from dpflat.core.gradients import PerUnitGradients
    from dpflat.core.prefix import Parameters
    from dpflat.flatness.choosing import Choosing
    from dpflat.flatness.cross_layer import Rounds
    from dpflat.flatness.inputs import Released
    from dpflat.flatness.step_tools import StepTools

LEVEL_WORDS = {"within_layer": "within layer", "cross_layer": "across layers", "cross_model": "across models"}
LEDGER_ORDER = ("cross_model", "within_layer", "cross_layer")
EpsilonOf = Callable[[tuple[Mechanism, ...], float], float]
"""Epsilon at delta of mechanisms."""


class Off(Section):
    """This level is off."""

    mode: Literal["off"] = "off"


class Mode(Section):
    """What every mode says of itself, and does in a run.

    Attributes:
        level: one of `LEVEL_WORDS`.
        entry_class: what its touch of the private data does to the guarantee.
        touches: that touch, as the ledger names it.
        words: what the page calls it.
        place: among the modes of its level, from 0.
        spends_epsilon: whether it is meaningless without noise.
        dial: the setting that says how strong it is; empty where none does.
        dial_words: what that is called.
    """

    level: ClassVar[str]
    entry_class: ClassVar[EntryClass]
    touches: ClassVar[str]
    words: ClassVar[str]
    place: ClassVar[int] = 100
    spends_epsilon: ClassVar[bool] = False
    dial: ClassVar[str] = ""
    dial_words: ClassVar[str] = ""

    mode: str

    def strength_of(self, layers: int | None) -> float | None:  # noqa: ARG002
        """How strong it is: the value of its dial; None where it has none, or it cannot be known.

        Args:
            layers: number L of layers of the backbone, where it is known.
        """
        return float(getattr(self, self.dial)) if self.dial else None

    def public_tasks(self) -> tuple[str, ...]:
        """Tasks whose training split it reads as public, without noise."""
        return ()

    def releases(self, units: int, count_layers: Callable[[], int]) -> tuple[Mechanism, ...]:  # noqa: ARG002
        """What it releases beside the gradient steps.

        Args:
            units: number N of units.
            count_layers: gives the number L of layers of the backbone.
        """
        return ()

    def chooses_after(self, schedule: Schedule) -> int | None:  # noqa: ARG002
        """The step after which `choose` is called; None where nothing is chosen on the way."""
        return None

    def rows_of_steps(self, schedule: Schedule) -> float:  # noqa: ARG002
        """What it adds to the steps, in rows of a gradient step."""
        return 0.0

    def rows_of_choice(self, layers: int) -> float:  # noqa: ARG002
        """What choosing takes, in rows of a gradient step."""
        return 0.0

    def when(self, schedule: Schedule) -> str:  # noqa: ARG002
        """When it touches data, as the ledger says it."""
        return "every step"

    def caveats(self) -> tuple[tuple[Source, str, str], ...]:
        """Conditions of the guarantee: source, mechanism and reason."""
        return ()

    def epsilon_alone(self, plan: PrivacyPlan, epsilon_of: EpsilonOf) -> float | None:  # noqa: ARG002
        """Epsilon of its own releases; None where it has none."""
        return None

    def entries(
        self, plan: PrivacyPlan, schedule: Schedule, train: str, epsilon_of: EpsilonOf
    ) -> tuple[LedgerEntry, ...]:
        """What it writes into the ledger.

        Args:
            plan: what the run will release.
            schedule: its steps.
            train: the private training split in words.
            epsilon_of: epsilon at delta of mechanisms.
        """
        noiseless = self.entry_class == EntryClass.ACCOUNTED and not plan.mechanisms
        entry_class = EntryClass.BREAKING if noiseless else self.entry_class
        breaking = entry_class == EntryClass.BREAKING
        entry = LedgerEntry(
            step=self.when(schedule),
            touched=train if breaking or entry_class == EntryClass.ACCOUNTED else self._reads(),
            mechanism=self.touches,
            entry_class=entry_class,
            epsilon_alone=self.epsilon_alone(plan, epsilon_of),
            because=self.touches if breaking else None,
            source=Source(self.level),
        )
        return (entry,)

    def _reads(self) -> str:
        public = self.public_tasks()
        if public:
            return f"training split of {public[0]}"
        return "released values" if self.entry_class == EntryClass.POST_PROCESSING else "nothing"

    def draw_removed(self, layers: int, seed: int) -> tuple[int, ...]:  # noqa: ARG002
        """Layers without a prefix from the start, by the public seed."""
        return ()

    def move(self, step: StepTools) -> Parameters:
        """Where the gradients of a step are taken. Privacy: as `entry_class`."""
        return step.parameters

    def unit_gradients(self, step: StepTools, at: Parameters, piece: Batch) -> PerUnitGradients | None:  # noqa: ARG002
        """Each unit's gradient, where it is taken in another way; None for the usual one."""
        return None

    def change_gradients(self, step: StepTools, at: Parameters, found: PerUnitGradients) -> PerUnitGradients:  # noqa: ARG002
        """Each unit's gradient before it is clipped."""
        return found

    def after_noise(self, step: StepTools) -> Parameters:  # noqa: ARG002
        """What is added to the noisy gradient: a function of released or public values."""
        return {}

    def remember(self, step: StepTools, released: Released) -> dict[str, Parameters]:  # noqa: ARG002
        """What is kept for the next step, by name, from the noisy gradient and the new state."""
        return {}

    def choose(self, choosing: Choosing) -> Rounds:
        """The layers that go, one a round. Privacy: as `entry_class`."""
        raise NotImplementedError(f"{type(self).__name__} chooses no layers.")


MODES_BY_LEVEL: dict[str, Registry[type[Mode]]] = {
    level: Registry(f"mode of {words}", "dpflat.flatness.modes", order=lambda mode: mode.place)
    for level, words in LEVEL_WORDS.items()
}
M = TypeVar("M", bound=type[Mode])


def register(mode: M) -> M:
    """Make a mode a choice of its level.

    Raises:
        DPFlatError: when its `mode` is no name, or another one has it.
    """
    name = name_of(mode, "mode")
    if name == "off":
        raise DPFlatError(f"{mode.__name__}.mode cannot be 'off', which is no mode; give it another name.")
    MODES_BY_LEVEL[mode.level].register(name, mode)
    return mode


def list_modes(level: str) -> tuple[str, ...]:
    """The names of a level's modes, `off` first."""
    return ("off", *MODES_BY_LEVEL[level])


def name_mode(level: str, mode: str) -> str:
    """A mode in the words of the page."""
    return MODES_BY_LEVEL[level].find(mode).words if mode != "off" else "off"
