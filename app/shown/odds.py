"""Figures of what a run's noise leaves to an ideal attacker, as icons."""

from __future__ import annotations

import pandas as pd

from analysis.figures.findings import Finding
from analysis.figures.odds import Row, draw_odds
from analysis.figures.odds_findings import compare_odds, find_members, find_odds
from analysis.odds import LossCurve, curves_at, most_found, most_right
from app.shown.code import Code, open_run, write_imports
from app.shown.figure import ShownFigure
from app.withheld import visible_ledger
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run
from dpflat.runs.store import store_of
from dpflat.training.forecast import plan_privacy

COIN, WITH_WEIGHTS = "without the weights, a coin", "with this run's weights"


def compose_guesses(run: Run, curve: LossCurve) -> ShownFigure:
    """A thousand guesses with the weights, and a thousand without."""
    guarantee, right = run.ledger.guarantee(), most_right(curve)
    return _compose(
        run,
        "odds_guesses",
        find_odds(right, guarantee),
        f"did any one {run.ledger.unit} take part?",
        [Row(WITH_WEIGHTS, right), Row(COIN, 0.5, "reference")],
        (1000, "right"),
        (
            {"analysis.odds": ["curve_of_run", "most_right"]},
            "right = most_right(curve_of_run(run))",
            f'[Row("{WITH_WEIGHTS}", right), Row("{COIN}", 0.5, "reference")]',
        ),
    )


def compose_members(run: Run, curve: LossCurve, alarms: int) -> ShownFigure:
    """How many members can be found at n false alarms in 100."""
    found = float(most_found(curve, [alarms / 100])[0])
    return _compose(
        run,
        "odds_members",
        find_members(found, alarms, run.ledger.guarantee()),
        "members found",
        [Row(WITH_WEIGHTS, found), Row(COIN, alarms / 100, "reference")],
        (100, "found"),
        (
            {"analysis.odds": ["curve_of_run", "most_found"]},
            f"found = most_found(curve_of_run(run), [{alarms / 100}])[0]",
            f'[Row("{WITH_WEIGHTS}", found), Row("{COIN}", {alarms / 100}, "reference")]',
        ),
    )


def compose_other_epsilons(run: Run) -> ShownFigure | None:
    """The same steps at other epsilons; None where none of them can be met."""
    rights = {e: most_right(curve) for e, curve in curves_at(plan_privacy(run.config)[0]).items()}
    if not rights:
        return None
    return _compose(
        run,
        "odds_epsilons",
        compare_odds(rights),
        "same steps, same data",
        [Row(f"ε = {epsilon:g}", right) for epsilon, right in rights.items()],
        (1000, "right"),
        (
            {"analysis.odds": ["curves_at", "most_right"], "dpflat.training.forecast": ["plan_privacy"]},
            "curves = curves_at(plan_privacy(run.config)[0])",
            '[Row(f"ε = {epsilon:g}", most_right(curve)) for epsilon, curve in curves.items()]',
        ),
    )


def entry_class_of(run: Run) -> EntryClass:
    """The badge of a bound: a function of the plan, and a caveat where the guarantee has one."""
    nominal = run.ledger.guarantee().answer == "nominal"
    return EntryClass.CAVEAT if nominal else EntryClass.POST_PROCESSING


def _compose(
    run: Run,
    key: str,
    finding: Finding,
    what: str,
    rows: list[Row],
    counted: tuple[int, str],
    python: tuple[dict[str, list[str]], str, str],
) -> ShownFigure:
    total, word = counted
    condition = wording.describe_condition(visible_ledger(run).guarantee())
    imports, reading, listed = python
    opening = write_imports({"analysis.figures.odds": ["Row", "draw_odds"], "dpflat": ["load_run"], **imports})
    return ShownFigure(
        key,
        finding,
        f"{what[0].upper()}{what[1:]} · upper limits, of {total:,} · computed from the plan",
        lambda mode: draw_odds(rows, total, word, mode),
        entry_class_of(run),
        pd.DataFrame(
            {"case": [r.name for r in rows], word: [wording.out_of(r.share, total) for r in rows], "of": total}
        ),
        Code(
            store_of(run).command("ledger", run.folder),
            f"{opening}\n\nrun = {open_run(run)}",
            reading,
            f'draw_odds({listed}, {total}, "{word}", "light")',
            runs=(run,),
        ),
        (wording.IDEAL_ATTACKER, *([condition] if condition else [])),
    )
