"""Figures of what attacks find in a run, beside what its noise leaves at most."""

from __future__ import annotations

import pandas as pd

from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.attacks.tables import attack_rows, audit_rows, describe_failing
from analysis.figures.attack_findings import describe_attacks, describe_audit
from analysis.figures.attacks import draw_attacks, draw_audit
from analysis.odds import LossCurve, curve_of_run
from app.shown.code import Code, code_of_result
from app.shown.figure import ShownFigure
from app.withheld import visible_ledger, visible_task_name
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run

INTERVALS = (
    "Each interval is of one attack at one share of false alarms; that its threshold is drawn from the same rows that "
    "took no part is counted in."
)


def compose_curves(run: Run, found: AttacksResult, config: AttacksConfig) -> ShownFigure:
    """Members found against false alarms under the bound; `found` has at least one attack."""
    attacks = list(found.attacks.values())
    curve, problem = bound_of(run)
    sizes = ", ".join(f"{attack.name} n = {attack.members:,} and {attack.others:,}" for attack in attacks)
    guarantee = visible_ledger(run).guarantee()
    condition = wording.describe_condition(guarantee) if curve is not None else None
    no_limit = wording.NO_UPPER_LIMIT if curve is None else None
    notes = (problem, describe_failing(found), wording.ILLUSTRATION, INTERVALS, no_limit, condition)
    return ShownFigure(
        "attacks",
        describe_attacks(attacks, curve, guarantee.answer == "nominal"),
        f"Members found against false alarms, %, with 95 % intervals · {sizes} · seed {run.config.seed} · "
        f"{visible_task_name(run)}",
        lambda mode: draw_attacks(attacks, curve, mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(attack_rows(found)),
        _code(run, config, f'draw_attacks(list(found.attacks.values()), {"curve" if curve else "None"}, "light")'),
        tuple(note for note in notes if note),
    )


def bound_of(run: Run) -> tuple[LossCurve | None, str | None]:
    """What a run's noise leaves at most, None where nothing bounds it; and why that cannot be decided."""
    if run.ledger.guarantee().answer not in ("holds", "nominal"):
        return None, None
    try:
        return curve_of_run(run), None
    except DPFlatError as error:
        return None, str(error)


def compose_audit(run: Run, found: AttacksResult, config: AttacksConfig) -> ShownFigure:
    """What canaries prove about epsilon, what is claimed, and what n could show."""
    audit, guarantee = found.audit, visible_ledger(run).guarantee()
    assert audit is not None
    return ShownFigure(
        "canaries",
        describe_audit(audit, guarantee),
        f"Epsilon refuted with 95 % confidence at delta = {wording.show_delta(audit.delta)} · {audit.right:,} of "
        f"{audit.guesses:,} guesses right, {audit.canaries:,} canaries · seed {run.config.seed} · "
        f"{visible_task_name(run)}",
        lambda mode: draw_audit(audit, guarantee, mode),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(audit_rows(found)),
        _code(run, config, 'draw_audit(found.audit, run.ledger.guarantee(), "light")'),
        (wording.describe_ceiling(audit.canaries, audit.guesses, audit.ceiling, guarantee), wording.NOT_A_GUARANTEE),
    )


def _code(run: Run, config: AttacksConfig, call: str) -> Code:
    imports = {"analysis.figures.attacks": [call.partition("(")[0]]}
    if "curve," not in call:
        return code_of_result(run, config, imports, call)
    return code_of_result(run, config, imports | {"analysis.odds": ["curve_of_run"]}, call, "curve = curve_of_run(run)")
