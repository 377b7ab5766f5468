"""One question to A and B: what is measured, and how a figure of it is made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures.layer_findings import worst
from analysis.figures.point_side import PointSide
from analysis.settings import PointConfig
from analysis.store import Analysis, analyze_command, find_analysis
from app.shown.code import Code, open_run, write_imports, write_settings
from app.shown.cost import name_rows
from app.withheld import tell_tasks_apart
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run

Offer = Callable[[Run, PointConfig, Analysis | None, str], None]


@dataclass(frozen=True)
class Asked:
    """What was asked of at most two runs, and what is known.

    Attributes:
        runs: by letter, those that can be asked.
        configs: the settings of each.
        sides: those with a result, as figures see them.
    """

    runs: dict[str, Run]
    configs: dict[str, PointConfig]
    sides: list[PointSide[Any]]

    @property
    def config(self) -> PointConfig:
        """The settings of the first that has a result."""
        return self.configs[self.sides[0].letter]

    @property
    def letters(self) -> str:
        """Of those with a result."""
        return "".join(side.letter for side in self.sides)

    def only(self, has: Callable[[Any], bool]) -> Asked:
        """The same, without the runs whose result lacks something."""
        return replace(self, sides=[side for side in self.sides if has(side.result)])

    def alone(self, side: PointSide[Any]) -> Asked:
        """The same, with one of the runs."""
        return replace(self, sides=[side])

    def entry_class(self) -> EntryClass:
        """What showing the results costs."""
        letters = [side.letter for side in self.sides]
        return worst(
            *(self.configs[letter].entry_class(self.runs[letter].ledger.guarantee().answer) for letter in letters)
        )

    def subtitle(self, what: str) -> str:
        """What is drawn, with rows and seeds."""
        conditions = self.sides[0].result.conditions
        seeds = ", ".join(f"{side.letter} seed {self.runs[side.letter].config.seed}" for side in self.sides)
        return f"{what} · n = {conditions.examples:,} · {seeds} · {name_rows(self.config.data)}, rows {conditions.rows}"

    def differences(self) -> list[str]:
        """Why A and B have no common ruler; empty where they have one, or there is one of them."""
        if len(self.sides) < 2:
            return []
        one, other = (self.runs[side.letter] for side in self.sides)
        a, b = one.config, other.config
        first, second = (side.result.conditions for side in self.sides)
        reported = [
            ("backbone", a.backbone.title(), b.backbone.title()),
            ("task", *tell_tasks_apart(one, other)),
            ("prefix length", getattr(a.adapter, "length", None), getattr(b.adapter, "length", None)),
            ("rows", first.rows, second.rows),
            ("noise length an entry", f"{first.noise_deviation:.3g}", f"{second.noise_deviation:.3g}"),
        ]
        return [f"{name}: {x} against {y}" for name, x, y in reported if x != y]

    def on_rulers(self) -> list[Asked]:
        """A and B together where they have one ruler, else each by itself."""
        if self.differences():
            return [self.alone(side) for side in self.sides]
        return [self] if self.sides else []

    def ruler_note(self) -> str:
        """Why each stands by itself; empty where they have one ruler."""
        differences = self.differences()
        return f"Each on its own ruler. {'; '.join(differences)}." if differences else ""

    def entries_note(self) -> tuple[str, ...]:
        """Where A and B move different numbers of entries: what that means for lengths."""
        counts = {side.letter: side.result.conditions.entries for side in self.sides}
        if len(set(counts.values())) < 2:
            return ()
        reported = ", ".join(f"{letter} {count:,}" for letter, count in counts.items())
        return (
            f"Entries that move: {reported}. One direction is drawn over all layers and each run takes its part, so "
            "lengths are equal for each entry. With fewer entries the loss changes less by construction.",
        )

    def table(self, rows: Callable[[Any], list[dict[str, str]]]) -> pd.DataFrame:
        """The numbers of A and of B."""
        return pd.concat([pd.DataFrame(rows(side.result)).assign(run=side.letter) for side in self.sides])

    def make_code(self, module: str, call: str, more: str = "") -> Code:
        """How the figure is made again: a command for each run, and Python.

        Args:
            module: of `analysis.figures`.
            call: draws it from `sides`.
            more: lines that read something else before it.
        """
        letters = [side.letter for side in self.sides]
        commands = "\n".join(analyze_command(self.runs[letter], self.configs[letter]) for letter in letters)
        imports = write_imports(
            {
                f"analysis.figures.{module}": [call.partition("(")[0]],
                "analysis.figures.point_side": ["PointSide"],
                "analysis.kinds": ["build_settings"],
                "analysis.measuring": ["find_or_measure"],
                "dpflat": ["load_run"],
            }
        )
        opened = ", ".join(f'"{letter}": {open_run(self.runs[letter])}' for letter in letters)
        reading = f"{self.reading('sides')}\n{more}"
        return Code(
            commands, f"{imports}\n\nruns = {{{opened}}}", reading, call, self.config, runs=tuple(self.runs.values())
        )

    def reading(self, name: str) -> str:
        """The Python that reads the results into a list of this name, from `runs`."""
        return (
            f"settings = {write_settings(self.config)}\n"
            f"{name} = [\n"
            "    PointSide(letter, runs[letter].config.describe(), find_or_measure(runs[letter], settings))\n"
            f"    for letter in {self.letters!r}\n]"
        )


def ask_runs(
    runs: dict[str, Run],
    config: PointConfig,
    warn: Callable[[str], None],
    root: Path | None = None,
    offer: Offer | None = None,
) -> Asked:
    """What is known of runs.

    Args:
        runs: by letter.
        config: what is asked of them.
        warn: gets a sentence for each run whose files cannot be read.
        root: folder of one's own runs; None for that of the store that each run was found for.
        offer: receives each run's analysis, to offer what is not measured.
    """
    known: dict[str, Run] = {}
    sides: list[PointSide[Any]] = []
    for letter, run in runs.items():
        try:
            found = find_analysis(run, config, root)
            if offer is not None:
                offer(run, config, found, letter)
            result = found.result if found else None
        except DPFlatError as error:
            warn(f"{letter}: {error}")
            continue
        known[letter] = run
        if result is not None:
            sides.append(PointSide(letter, run.config.describe(), result))
    return Asked(known, dict.fromkeys(known, config), sides)
