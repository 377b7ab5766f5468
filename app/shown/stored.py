"""What is stored of one kind for one or two runs: figures, sentences, and what is not measured, with its command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.kinds import KINDS, kind_of
from analysis.settings import AnalysisConfig
from analysis.store import analyze_command, find_analysis, list_analyses
from app.shown.cost import describe_cost
from app.shown.figure import ShownFigure
from dpflat.errors import DPFlatError
from dpflat.runs.left_out import find_left_out
from dpflat.runs.record import Run

Runs = Mapping[str, Run]


@dataclass(frozen=True)
class Missing:
    """Something that is not measured.

    Attributes:
        sentence: that it is not, what measuring takes and what it reads.
        command: measures it.
    """

    sentence: str
    command: str


@dataclass
class Stored:
    """What is stored of a kind.

    Attributes:
        figures: in the order of the page.
        notes: what else is to be said.
        missing: what is not measured.
    """

    figures: list[ShownFigure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def add(self, shown: ShownFigure | None, letter: str = "") -> None:
        """Add a figure, if there is one; with a letter, the finding says of which run it is."""
        if shown is None:
            return
        named = replace(shown.finding, text=f"{letter}: {shown.finding.text}") if letter else shown.finding
        self.figures.append(replace(shown, finding=named, key=f"{shown.key}_{letter}" if letter else shown.key))

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence and sentence[0].upper() + sentence[1:] not in self.notes:
            self.notes.append(sentence[0].upper() + sentence[1:])


def list_settings(
    runs: Runs, kind: str, root: Path, wanted: AnalysisConfig | None, stored: Stored
) -> list[AnalysisConfig]:
    """The settings that are drawn: the wanted ones, else the default ones first and then whatever is stored.

    Args:
        runs: by letter.
        kind: name of a kind of analysis.
        root: one's own store.
        wanted: draw only these.
        stored: receives what cannot be read.
    """
    if wanted is not None:
        return [wanted]
    found = [KINDS.find(kind).settings.model_validate({"kind": kind})]
    for run in runs.values():
        for analysis in list_analyses(run, kind, root):
            try:
                config = analysis.config
            except DPFlatError as error:
                stored.note(str(error))
                continue
            if config not in found:
                found.append(config)
    return found


def tell_missing(stored: Stored, letter: str, run: Run, config: AnalysisConfig) -> None:
    """Say that something is not measured, with what it takes; or why it cannot be.

    Args:
        stored: receives it.
        letter: A or B; empty for a run alone.
        run: the run.
        config: what was not asked of it.
    """
    who = f"{letter}: " if letter else ""
    if run.state != "finished":
        stored.note(f"{who}this run is {run.state}; only a finished run can be measured.")
        return
    try:
        kind_of(config).check(config, run)
        if left_out := find_left_out(run):
            raise DPFlatError(f"not measured. {left_out}")
        sentence = f"{who}not measured. {describe_cost(run, config)}"
    except DPFlatError as error:
        stored.note(f"{who}{error}")
        return
    stored.missing.append(Missing(sentence[0].upper() + sentence[1:], analyze_command(run, config)))


def find_each(
    kind: str,
    runs: Runs,
    root: Path,
    wanted: AnalysisConfig | None,
    add: Callable[[Stored, str, Run, Any, Any], None],
) -> Stored:
    """What is stored of a kind whose figures show one result of one run each.

    Args:
        kind: name of a kind of analysis.
        runs: by letter.
        root: one's own store.
        wanted: settings to draw; None for all that are stored.
        add: of (stored, letter, run, settings, result): adds figures and sentences of a result.
    """
    stored = Stored()
    for number, config in enumerate(list_settings(runs, kind, root, wanted, stored)):
        for letter, run in runs.items():
            who = letter_of(runs, letter)
            try:
                analysis = find_analysis(run, config, root)
                found = analysis.result if analysis else None
            except DPFlatError as error:
                stored.note(str(error))
                continue
            if found is not None:
                add(stored, who, run, config, found)
            elif number == 0:
                tell_missing(stored, who, run, config)
    return stored


def letter_of(runs: Runs, letter: str) -> str:
    """The letter, where there are two runs to tell apart."""
    return letter if len(runs) > 1 else ""
