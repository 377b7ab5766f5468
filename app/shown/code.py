"""How a figure is made again: a command, settings as YAML, Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.settings import AnalysisConfig
from analysis.store import analyze_command
from dpflat.runs.record import Run
from dpflat.runs.store import store_of
from dpflat.settings.text import write_yaml


@dataclass(frozen=True)
class Code:
    """How a figure is made again.

    Attributes:
        command: for the terminal.
        opening: Python that imports and opens the runs.
        reading: Python that reads what was measured, or measures it.
        drawing: Python that draws; its last line is the figure.
        settings: of the analysis behind it; None where it comes from the run's own files.
        runs: whose names and places may stand in the figure: its files withhold them.
    """

    command: str
    opening: str
    reading: str = ""
    drawing: str = ""
    settings: AnalysisConfig | None = None
    runs: tuple[Run, ...] = field(kw_only=True)

    @property
    def cells(self) -> tuple[str, ...]:
        """The Python, part by part."""
        return tuple(part.strip("\n") for part in (self.opening, self.reading, self.drawing) if part.strip())

    @property
    def python(self) -> str:
        """The Python as one text."""
        return "\n\n".join(self.cells)

    @property
    def yaml(self) -> str:
        """All settings of the analysis, as `dpflat analyze --config` takes them; empty where there are none."""
        return write_yaml(self.settings) if self.settings else ""


def open_run(run: Run) -> str:
    """The Python that opens a run, in the store where it is found."""
    place = store_of(run).place_to_name(run.named_at)
    name = json.dumps(run.id)
    return f"load_run({name})" if place is None else f"load_run({name}, {place!r})"


def write_imports(names: Mapping[str, Sequence[str]]) -> str:
    """Import lines, sorted: `from module import name, name`."""
    lines = [f"from {module} import {', '.join(sorted(given))}" for module, given in sorted(names.items())]
    return "\n".join(lines)


def write_settings(config: AnalysisConfig) -> str:
    """The Python that builds the settings of an analysis, of whatever kind."""
    changed = {"kind": config.kind} | config.model_dump(mode="json", exclude_defaults=True)
    return f"build_settings({changed!r})"


def code_of_result(
    run: Run, config: AnalysisConfig, imports: Mapping[str, Sequence[str]], drawing: str, more: str = ""
) -> Code:
    """How a figure of one result of one run is made again.

    Args:
        run: that was asked.
        config: what it was asked.
        imports: names by module, beside those that open and read.
        drawing: draws it from `run` and `found`.
        more: lines that read something else before it.
    """
    reading = {"analysis.kinds": ["build_settings"], "analysis.measuring": ["find_or_measure"], "dpflat": ["load_run"]}
    opening = f"{write_imports({**reading, **imports})}\n\nrun = {open_run(run)}"
    found = f"found = find_or_measure(run, {write_settings(config)})\n{more}"
    return Code(analyze_command(run, config), opening, found, drawing, config, runs=(run,))
