"""What became of the claims, as types. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.claims.rules import AnyRow, Card, Claims
from analysis.comparison.correlation import Correlation
from analysis.results import PairedDifference


class Outcome(StrEnum):
    """A verdict, in the order in which a card takes over that of a row; the value is the word that is shown."""

    CONTRADICTED = "contradicted"
    PROOF = "fails by proof"
    SAME = "no difference seen"
    CANNOT_TELL = "cannot tell"
    NOT_YET = "not tested yet"
    UNTESTED = "not tested"
    REPRODUCED = "reproduced"
    EXPLORATORY = "exploratory"


DECIDED = (Outcome.REPRODUCED, Outcome.CONTRADICTED, Outcome.SAME, Outcome.CANNOT_TELL)


@dataclass(frozen=True)
class Trials:
    """Records taken away one at a time, and an attack on a claimed epsilon.

    Attributes:
        largest: for each published mode, how far one record moved the clipped sum at most, in units of C, at a strength
            chosen so that it can be seen.
        authors: the same at the authors' own strengths; empty where it was not tried.
        count: trials of each.
        repaired: the same largest movement over all other modes, repaired or off; None where there are none.
        chance: how far a record moved the log of the chance of a drawn layer at most, in modes that pay for it.
        paid: the epsilon of such a choice.
        bound: the highest epsilon that the attack measured for one setting at 95 %; None where there is no file.
        bound_over_all: the same, corrected for all settings that were tried.
        claimed: the epsilon that was attacked.
    """

    largest: Mapping[str, float]
    count: int
    repaired: float | None
    authors: Mapping[str, float] = field(default_factory=dict)
    chance: float | None = None
    paid: float | None = None
    bound: float | None = None
    bound_over_all: float | None = None
    claimed: float | None = None


@dataclass(frozen=True)
class JudgedRow:
    """One question and what the runs say.

    Attributes:
        row: its rule.
        found: what the rule comes to, whether or not it counts.
        seeds: seeds that are there on both sides, measured; runs for a correlation.
        asked: seeds, or runs, that the rule asks for.
        difference: first minus second, of logarithms for sharpness; of a barrier its height; None where nothing pairs.
        raw: the same without matched dimensions, where they differ.
        values: the same of each seed.
        examples_reach: half the width of the interval that no number of seeds takes away.
        means: of the first and of the second; None for a ratio.
        deviation: spread over seeds as the interval counts it.
        correlation: of a row that asks for one.
        within: the same inside each method, pooled.
        trials: of a row that asks for them.
        adjusted: p after Holm's correction; None outside a family.
        needed: seeds that would settle a difference that cannot be decided; None where the test examples are too few.
        runs: ids of the runs behind it, by method and seed.
        guarantee: the answer of the first run of the first method; empty where it cannot be read.
    """

    row: AnyRow
    found: Outcome
    seeds: int = 0
    asked: int = 0
    difference: PairedDifference | None = None
    raw: PairedDifference | None = None
    values: tuple[float, ...] = ()
    examples_reach: float = 0.0
    means: tuple[float, float] | None = None
    deviation: float = 0.0
    correlation: Correlation | None = None
    within: Correlation | None = None
    trials: Trials | None = None
    adjusted: float | None = None
    needed: int | None = None
    runs: tuple[tuple[str, ...], ...] = ()
    guarantee: str = ""

    @property
    def complete(self) -> bool:
        """Whether all seeds, or runs, that the rule asks for are there and measured."""
        return 0 < self.asked <= self.seeds

    @property
    def exploratory(self) -> bool:
        """Whether it never counts as reproduced or contradicted."""
        return self.row.kind in ("correlation", "barrier") or getattr(self.row, "family", "first") is None

    @property
    def outcome(self) -> Outcome:
        """The verdict: `exploratory` for what was measured outside the families."""
        return Outcome.EXPLORATORY if self.exploratory and self.found in DECIDED else self.found


@dataclass(frozen=True)
class JudgedCard:
    """One claim and its verdict.

    Attributes:
        card: what was claimed.
        rows: its questions.
    """

    card: Card
    rows: tuple[JudgedRow, ...]

    @property
    def outcome(self) -> Outcome:
        """Of the row furthest from reproduced; of exploratory rows only where there is no other."""
        deciding = [row.outcome for row in self.rows if not row.exploratory]
        if not deciding:
            measured = any(row.outcome is Outcome.EXPLORATORY for row in self.rows)
            return Outcome.EXPLORATORY if measured else Outcome.NOT_YET
        return min(deciding, key=list(Outcome).index)


@dataclass(frozen=True)
class JudgedClaims:
    """All claims.

    Attributes:
        claims: the rules.
        cards: in the paper's order.
        unreadable: a sentence for each file that could not be read and counts as missing.
    """

    claims: Claims
    cards: tuple[JudgedCard, ...]
    unreadable: tuple[str, ...] = ()

    def counts(self) -> dict[Outcome, int]:
        """Cards by verdict, those that occur, in the order in which they are reported."""
        reported = (
            Outcome.REPRODUCED,
            Outcome.SAME,
            Outcome.CONTRADICTED,
            Outcome.CANNOT_TELL,
            Outcome.PROOF,
            Outcome.EXPLORATORY,
            Outcome.NOT_YET,
            Outcome.UNTESTED,
        )
        found = [card.outcome for card in self.cards]
        return {outcome: found.count(outcome) for outcome in reported if outcome in found}
