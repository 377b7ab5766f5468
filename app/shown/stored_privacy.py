"""What stands of the privacy of one or two runs: odds and budget from their plans, attacks where measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analysis.attacks.results import AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.attacks.tables import list_absent
from analysis.figures.findings import describe_budget, describe_void
from analysis.odds import curve_of_run
from analysis.settings import AnalysisConfig
from app.shown.attacks import compose_audit, compose_curves
from app.shown.budget import compose_budget
from app.shown.odds import compose_guesses, compose_members, compose_other_epsilons
from app.shown.stored import Runs, Stored, find_each, letter_of
from app.summary import NEVER_BEGAN
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run

ALARMS = 5


def find_attack_figures(runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """Figures of attacks, each run by itself."""
    return find_each("attacks", runs, root, wanted, _add_attacks)


def _add_attacks(stored: Stored, letter: str, run: Run, config: AttacksConfig, found: AttacksResult) -> None:
    if found.attacks:
        stored.add(compose_curves(run, found, config), letter)
    if found.audit is not None:
        stored.add(compose_audit(run, found, config), letter)
    for line in list_absent(found):
        stored.note(f"{letter}: {line}" if letter else line)


def find_odds_figures(runs: Runs) -> Stored:
    """Figures of odds, each run by itself; a sentence where nothing bounds an attacker."""
    return _add_each(runs, _add_odds)


def _add_each(runs: Runs, add: Callable[[str, Run, Stored], None]) -> Stored:
    stored = Stored()
    for letter, run in runs.items():
        who = letter_of(runs, letter)
        try:
            add(who, run, stored)
        except DPFlatError as error:
            stored.note(str(error))
    return stored


def _add_odds(letter: str, run: Run, stored: Stored) -> None:
    start = f"{letter}: " if letter else ""
    answer = run.ledger.guarantee().answer if run.has(LEDGER) else "none"
    if answer == "nothing_private":
        stored.note(f"{start}{wording.NOTHING_PRIVATE}")
        return
    curve = curve_of_run(run) if answer in ("holds", "nominal") else None
    if curve is None:
        stored.note(f"{start}{wording.NO_UPPER_LIMIT}")
        return
    for shown in (compose_guesses(run, curve), compose_members(run, curve, ALARMS), compose_other_epsilons(run)):
        stored.add(shown, letter)


def find_budget_figures(runs: Runs) -> Stored:
    """What epsilon went to, each run by itself; a sentence where it went to one thing or to none."""
    return _add_each(runs, _add_budget)


def _add_budget(letter: str, run: Run, stored: Stored) -> None:
    start = f"{letter}: " if letter else ""
    if not run.has(LEDGER):
        stored.note(f"{start}{NEVER_BEGAN}")
        return
    ledger = run.ledger
    if ledger.guarantee().answer == "void":
        stored.note(f"{start}{describe_void(ledger).text}.")
        return
    shown = compose_budget(run)
    stored.add(shown, letter)
    if shown is None:
        stored.note(f"{start}{describe_budget(ledger).text}.")
