"""What stands of the privacy of one or two runs: odds and budget from their plans, attacks where measured."""

from __future__ import annotations

from pathlib import Path

from analysis.attacks.settings import AttacksConfig
from analysis.figures.findings import describe_budget, describe_void
from analysis.odds import curve_of_run
from analysis.settings import AnalysisConfig
from analysis.store import find_analysis
from app.attack_rows import list_absent
from app.shown.attacks import compose_audit, compose_curves
from app.shown.budget import compose_budget
from app.shown.odds import compose_guesses, compose_members, compose_other_epsilons
from app.shown.stored import Runs, Stored, letter_of, list_settings, tell_missing
from app.summary import NEVER_BEGAN
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.runs.layout import LEDGER
from dpflat.runs.record import Run

ALARMS = 5


def find_attack_figures(runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """Figures of attacks, each run by itself."""
    stored = Stored()
    for number, config in enumerate(list_settings(runs, "attacks", root, wanted, stored)):
        assert isinstance(config, AttacksConfig)
        for letter, run in runs.items():
            _add_attacks(letter_of(runs, letter), run, config, root, stored, tell=number == 0)
    return stored


def _add_attacks(letter: str, run: Run, config: AttacksConfig, root: Path, stored: Stored, tell: bool) -> None:
    try:
        analysis = find_analysis(run, config, root)
        found = analysis.result if analysis else None
    except DPFlatError as error:
        stored.note(str(error))
        return
    if found is None:
        if tell:
            tell_missing(stored, letter, run, config)
        return
    if found.attacks:
        stored.add(compose_curves(run, found, config), letter)
    if found.audit is not None:
        stored.add(compose_audit(run, found, config), letter)
    for line in list_absent(found):
        stored.note(f"{letter}: {line}" if letter else line)


def find_odds_figures(runs: Runs) -> Stored:
    """Figures of odds, each run by itself; a sentence where nothing bounds an attacker."""
    stored = Stored()
    for letter, run in runs.items():
        who = letter_of(runs, letter)
        try:
            _add_odds(who, run, stored)
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
    stored = Stored()
    for letter, run in runs.items():
        who = letter_of(runs, letter)
        try:
            _add_budget(who, run, stored)
        except DPFlatError as error:
            stored.note(str(error))
    return stored


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
