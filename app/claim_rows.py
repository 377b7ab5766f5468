"""Claims as rows: of the table under a figure, of the terminal, of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.claims.costs import Cost
from analysis.claims.results import JudgedClaims, JudgedRow
from analysis.claims.rules import Claims, methods_of
from analysis.comparison.measures import SHARPNESS
from analysis.figures.claim_findings import (
    describe_card,
    describe_row,
    measure_of,
    show_amount,
    show_signed,
)
from analysis.figures.claims import interval_of
from analysis.figures.tradeoff_panels import on_axis


def claim_rows(rows: Sequence[JudgedRow], claims: Claims) -> list[dict[str, Any]]:
    """The numbers behind a card's figure."""
    return [_row(judged, claims) for judged in rows]


def _row(judged: JudgedRow, claims: Claims) -> dict[str, Any]:
    measure, interval = measure_of(judged), interval_of(judged)
    methods = methods_of(judged.row)
    margin = claims.margin(measure.name) if measure is not None and judged.correlation is None else None
    return {
        "question": judged.row.name,
        "first": methods[0] if methods else "",
        "second": methods[1] if len(methods) == 2 else "",
        "difference": show_signed(measure, interval) if measure and interval and judged.complete else "not measured",
        "raw": show_signed(SHARPNESS, judged.raw) if judged.raw and judged.complete else "",
        "margin": show_amount(measure, margin) if measure and margin else "",
        "seeds": judged.seeds,
        "verdict": str(judged.outcome),
    }


def claims_as_json(judged: JudgedClaims) -> dict[str, Any]:
    """All cards as data: differences in the unit of the figures, percent of change for a ratio."""
    claims = judged.claims
    return {
        "schema_version": 2,
        "written": claims.written.isoformat(),
        "counts": {str(outcome): count for outcome, count in judged.counts().items()},
        "cards": [
            {
                "number": card.card.number,
                "claim": card.card.claim,
                "source": card.card.source,
                "verdict": str(card.outcome),
                "finding": describe_card(card, claims).text,
                "rows": [_row_as_json(row, claims) for row in card.rows],
            }
            for card in judged.cards
        ],
        "unreadable": list(judged.unreadable),
    }


def _row_as_json(judged: JudgedRow, claims: Claims) -> dict[str, Any]:
    measure, interval = measure_of(judged), interval_of(judged) if judged.complete else None
    numbers = {
        name: on_axis(measure, getattr(interval, name)) if measure and interval else None
        for name in ("mean", "low", "high")
    }
    return {
        "question": judged.row.name,
        "rule": judged.row.rule,
        "verdict": str(judged.outcome),
        "finding": describe_row(judged, claims).text,
        **numbers,
        "unit": measure.axis if measure else None,
        "p_after_holm": judged.adjusted,
        "seeds": judged.seeds,
        "seeds_asked": judged.asked,
        "seeds_needed": judged.needed,
        "examples_reach": on_axis(measure, judged.examples_reach) if measure and judged.examples_reach else None,
        "inside_methods": None
        if judged.within is None
        else [judged.within.value, judged.within.low, judged.within.high],
        "runs": [run for runs in judged.runs for run in runs],
    }


def cost_rows(costs: Sequence[Cost]) -> list[dict[str, Any]]:
    """Time and memory of each level beside plain DP-SGD, as ratios with their lowest and highest."""
    return [
        {
            "level": cost.level,
            "time of a training": show_ratio(*cost.training),
            "memory": show_ratio(*cost.memory),
            "rounds": cost.rounds,
        }
        for cost in costs
    ]


def show_ratio(middle: float, low: float, high: float) -> str:
    """1.03 (0.96 to 1.05); one round has no range."""
    return f"{middle:.2f}" if low == high else f"{middle:.2f} ({low:.2f} to {high:.2f})"
