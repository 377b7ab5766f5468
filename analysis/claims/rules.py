"""What was claimed, and by which rule each claim is judged: `studies/claims.yaml`. No torch.

Privacy: none.
"""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError
from dpflat.settings.section import Section
from dpflat.settings.text import kinds_first, read_settings, set_values
from dpflat.settings.wrong import describe_errors

Family = Literal["first", "later"]
MeasureName = Literal["accuracy", "sharpness", "attack"]


class Margins(Section):
    """The smallest effects that matter."""

    accuracy: float = Field(gt=0, le=0.5)
    """A share: 0.01 is 1 point."""
    sharpness: float = Field(gt=0, le=2)
    """Of a ratio, a share: 0.10 is 10 %."""
    attack: float = Field(gt=0, le=0.5)
    """Of an area under a curve."""
    barrier: float = Field(gt=0, le=10)
    """Of a loss, nats."""


class Cells(Section):
    """Runs that differ in method and seed alone."""

    studies: tuple[str, ...]
    """The study files that make them; none where nothing is planned yet."""
    task: str
    """A name of the catalog."""
    backbone: str
    """A name of the catalog."""
    epsilon: float = Field(gt=0)
    """Target of the runs with noise."""
    seeds: tuple[int, ...] = Field(min_length=1)
    """Each is needed before anything is judged."""
    settings: dict[str, Any] = {}
    """What else is not the default."""
    settings_schema: int = 1
    """Of which schema the settings are."""
    train_rows: int | None = Field(None, ge=1)
    """Rows of the training split, where a copy of the texts may be larger or smaller; None: whatever is there."""
    seen: bool = False
    """Whether runs of these cells were looked at before the rules were written."""


class Row(Section):
    """One question of a card."""

    name: str = Field(min_length=3)
    """What is looked at, in words."""
    rule: str = Field(min_length=20)
    """When the claim counts as what, in one sentence."""
    reason: str = ""
    """Why nothing is there as long as there is no run."""


class Compared(Row):
    """Runs of two methods, paired by seed: first minus second."""

    cells: str
    measure: MeasureName
    first: str
    second: str
    family: Family | None = None
    """The family of confirmatory comparisons that it counts in; None: exploratory."""


class Difference(Compared):
    """First is claimed to be higher, or lower, than second."""

    kind: Literal["difference"]
    direction: Literal["higher", "lower"]


class Equality(Compared):
    """First is claimed to be as good as second."""

    kind: Literal["equality"]
    side: Literal["not_lower", "not_higher"]
    """Not below by more than the margin; not above by more."""


class Correlation(Row):
    """Runs of several methods at one epsilon: whether flatter ones are more accurate."""

    kind: Literal["correlation"]
    cells: str
    methods: tuple[str, ...] = Field(min_length=1)
    direction: Literal["higher", "lower"]
    """Of the rank correlation of sharpness with accuracy that is claimed: `lower` than zero."""


class Barrier(Row):
    """The loss on the straight way from runs of one method to those of another, by seed."""

    kind: Literal["barrier"]
    cells: str
    first: str
    second: str


class Proof(Row):
    """How far one record moves the clipped sum: trials in a file of the shipped lessons."""

    kind: Literal["proof"]
    trials: str
    """A file under `cached_runs/lessons`."""
    attack: str
    """The file of the attack on the claimed epsilon, reported beside it."""


class Untested(Row):
    """Nothing that the lab can run."""

    kind: Literal["untested"]
    reason: str = Field(min_length=10)


AnyRow = Annotated[
    Difference | Equality | Correlation | Barrier | Proof | Untested,
    Field(discriminator="kind"),
]


class Card(Section):
    """One claim.

    Words are ours; the paper's sense is meant, and no sentence is copied but the one under `quote`.
    """

    number: int = Field(ge=1)
    claim: str = Field(min_length=10)
    source: str = Field(min_length=5)
    rows: tuple[AnyRow, ...] = Field(min_length=1)
    quote: str = ""
    """The author's own words, where they are quoted."""
    note: str = ""
    """What the reader has to know."""


class Claims(Section):
    """The whole file."""

    schema_version: Literal[1]
    kind: Literal["claims"]
    written: date
    """When the rules were written."""
    alpha: float = Field(gt=0, lt=1)
    """Two-sided, of each family."""
    margins: Margins
    rules: dict[Literal["verdicts", "cards", "runs", "accuracy", "sharpness", "family"], str]
    """What holds for all cards, in sentences."""
    methods: dict[str, dict[str, Any]]
    """Settings of each method, on top of those of the cells."""
    cells: dict[str, Cells]
    cards: tuple[Card, ...]

    @model_validator(mode="after")
    def _names_fit(self) -> Claims:
        if [card.number for card in self.cards] != list(range(1, len(self.cards) + 1)):
            raise ValueError("cards are numbered from 1 on, in the paper's order")
        for row in self.rows():
            if getattr(row, "cells", None) not in (None, *self.cells):
                raise ValueError(f"'{row.name}' names unknown cells")
            for method in methods_of(row):
                if method not in self.methods:
                    raise ValueError(f"'{row.name}' names the unknown method '{method}'")
        return self

    def rows(self) -> list[AnyRow]:
        """Every row of every card."""
        return [row for card in self.cards for row in card.rows]

    def margin(self, measure: str) -> float:
        """The smallest effect that matters, in the unit in which differences are taken: logarithms for a ratio."""
        value: float = getattr(self.margins, measure)
        return math.log1p(value) if measure == "sharpness" else value

    def config(self, cells: str, method: str) -> RunConfig:
        """The settings of the runs of a method in some cells; the task is a bundled one where theirs is not counted.

        Raises:
            DPFlatError: when the settings are not valid.
        """
        asked, own = self.cells[cells], self.methods[method]
        epsilon = {} if own.get("privacy.kind") == "none" else {"privacy.epsilon": asked.epsilon}
        settings = {"backbone.name": asked.backbone, **epsilon, **asked.settings, **own}
        content = set_values({"schema_version": asked.settings_schema}, kinds_first(settings).items())
        return build_config(content, f"claims, {cells}, {method}")


def methods_of(row: AnyRow) -> tuple[str, ...]:
    """The methods whose runs a row needs."""
    match row:
        case Difference() | Equality() | Barrier():
            return row.first, row.second
        case Correlation():
            return row.methods
    return ()


def claims_path() -> Path:
    """Where the rules lie: beside the study files."""
    return Path(__file__).resolve().parents[2] / "studies" / "claims.yaml"


def read_claims(path: Path | None = None) -> Claims:
    """The claims and their rules.

    Args:
        path: of the file; None for the one that comes with the lab.

    Raises:
        DPFlatError: when it cannot be read, or holds something unknown.

    Example:
        >>> claims = read_claims()
        >>> len(claims.cards), claims.written.isoformat()
        (12, '2026-11-26')
    """
    place = path or claims_path()
    try:
        return Claims.model_validate(read_settings(place))
    except ValidationError as error:
        raise DPFlatError(f"{place}: {describe_errors(error, Claims)}") from None
