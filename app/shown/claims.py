"""The figures of the cards of Claims, and the commands that make their runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import lru_cache

import pandas as pd

from analysis.claims.comparing import FEW_SEEDS
from analysis.claims.results import JudgedCard, JudgedRow
from analysis.claims.rules import Barrier, Cells, Claims, Compared, Correlation, Proof
from analysis.figures.claim_findings import describe_card, describe_raw, measure_of, show_amount
from analysis.figures.claims import draw_claim, group_drawn
from analysis.landscape.settings import WAY_POINTS
from app.claim_rows import claim_rows
from app.shown.code import Code, write_imports
from app.shown.figure import ShownFigure
from app.shown.tradeoff_asked import HOLLOW
from dpflat.privacy.ledger import EntryClass

ANALYSIS = {"sharpness": "sharpness", "attack": "attacks"}


def cells_of(judged: JudgedRow, claims: Claims) -> Cells | None:
    """The runs that a row asks for; None where it asks for none."""
    row = judged.row
    return claims.cells[row.cells] if isinstance(row, Compared | Barrier | Correlation) else None


def write_commands(rows: Sequence[JudgedRow], claims: Claims) -> str:
    """The commands that make what some rows ask for; empty where there is no study yet."""
    commands: list[str] = []
    for judged in rows:
        if isinstance(judged.row, Proof):
            commands.append("python benchmarks/remove_one.py")
        cells = cells_of(judged, claims)
        for study in cells.studies if cells else ():
            commands.append(f"dpflat study run {shlex.quote(study)}")
            measure = "sharpness" if isinstance(judged.row, Correlation) else getattr(judged.row, "measure", "")
            if measure in ANALYSIS:
                commands.append(f"dpflat study analyze {shlex.quote(study)} {ANALYSIS[measure]}")
        if isinstance(judged.row, Barrier):
            commands.append(f"dpflat analyze RUN lines --set toward=OTHER --set head=true --set points={WAY_POINTS}")
    return "\n".join([*dict.fromkeys(commands), "dpflat claims"]) if commands else ""


def compose_card(judged: JudgedCard, claims: Claims) -> list[ShownFigure]:
    """The figures of a card: one for each measure that has an interval. Each is drawn once in a mode."""
    return [_compose(judged, name, rows, claims) for name, rows in group_drawn(judged).items()]


def _compose(judged: JudgedCard, name: str, rows: list[JudgedRow], claims: Claims) -> ShownFigure:
    number = judged.card.number
    finding = describe_card(JudgedCard(judged.card, tuple(rows)), claims)
    raw = describe_raw(rows)
    return ShownFigure(
        f"claim_{number}_{name}",
        finding,
        describe_cells(rows, claims),
        lru_cache(maxsize=2)(lambda mode: draw_claim(rows, claims, mode)),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(claim_rows(rows, claims)),
        Code(
            write_commands(rows, claims),
            write_imports(
                {
                    "analysis.claims.judge": ["judge_claims"],
                    "analysis.claims.rules": ["read_claims"],
                    "analysis.figures.claims": ["draw_claim", "group_drawn"],
                    "dpflat": ["open_store"],
                }
            ),
            "claims, store = read_claims(), open_store()\n"
            f"card = judge_claims(claims, store.list_runs(), store.lessons).cards[{number - 1}]",
            f'draw_claim(group_drawn(card)["{name}"], claims, "light")',
            runs=(),
        ),
        (raw,) if raw else (),
    )


def name_data(cells: Cells) -> str:
    """The task, and its training rows where the rules ask for a number of them."""
    return f"{cells.task} ({cells.train_rows:,} training rows)" if cells.train_rows else cells.task


def describe_cells(rows: Sequence[JudgedRow], claims: Claims) -> str:
    """What, unit, n, seeds and data behind the intervals of some rows of one measure."""
    first, measure = rows[0], measure_of(rows[0])
    assert measure is not None
    asked = [found for judged in rows if (found := cells_of(judged, claims)) is not None]
    sizes = list(dict.fromkeys(judged.difference.examples for judged in rows if judged.difference))
    several = any(size > 1 for size in sizes)
    if first.correlation is not None:
        what, over = "Rank correlation of sharpness with test accuracy", f"interval over {first.correlation.runs} runs"
    elif isinstance(first.row, Barrier):
        what, over = "Test loss above the straight line, nats", "interval over seeds only (Student's t)"
    else:
        matched = ", dimensions matched" if measure.ratio else ""
        what = f"Paired differences in {measure.words}{matched}"
        over = "interval over seeds and test examples" if several else "interval over seeds only (Student's t)"
        if several and any(len(each.seeds) < FEW_SEEDS for each in asked):
            over += f", at least that of Student's t over seeds under {FEW_SEEDS} seeds"
    spans = [f"{len(each.seeds)} seeds, {each.seeds[0]} to {each.seeds[-1]}" for each in asked]
    data = [f"{name_data(each)}, {each.backbone}, epsilon {each.epsilon:g}" for each in asked]
    parts = [
        what,
        f"n = {' and '.join(f'{size:,}' for size in sizes)} test examples" if several else "",
        "; ".join(dict.fromkeys(spans)),
        "; ".join(dict.fromkeys(data)),
        over,
        "" if first.correlation else f"shaded: ±{show_amount(measure, claims.margin(measure.name))}, less than matters",
        "small dots: single seeds" if first.values else "",
        HOLLOW,
    ]
    return " · ".join(part for part in parts if part)
