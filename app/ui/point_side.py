"""One question to A and B: what is measured, the offer to measure it, and how a figure of it is made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from analysis.figures.layer_findings import worst
from analysis.figures.point_side import PointSide
from analysis.settings import PointConfig
from analysis.store import analyze_command, find_analysis
from app.ui.frame import Code
from app.ui.measure import DATA_WORDS, show_measuring
from app.ui.pair_bar import Pair
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run


@dataclass(frozen=True)
class Asked:
    """What was asked of the runs of this page, and what is known.

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

    def entry_class(self) -> EntryClass:
        """What showing the results costs."""
        letters = [side.letter for side in self.sides]
        return worst(
            *(self.configs[letter].entry_class(self.runs[letter].ledger.guarantee().answer) for letter in letters)
        )

    def subtitle(self, what: str) -> str:
        """What is drawn, with rows and seeds."""
        conditions = self.sides[0].result.conditions
        data = DATA_WORDS.get(self.config.data, f"{self.config.data}, public")
        seeds = ", ".join(f"{side.letter} seed {self.runs[side.letter].config.seed}" for side in self.sides)
        return f"{what} · n = {conditions.examples:,} · {seeds} · {data}, rows {conditions.rows}"

    def differences(self) -> list[str]:
        """Why A and B have no common ruler; empty where they have one, or there is one of them."""
        if len(self.sides) < 2:
            return []
        a, b = (self.runs[side.letter].config for side in self.sides)
        first, second = (side.result.conditions for side in self.sides)
        told = [
            ("backbone", a.backbone.name, b.backbone.name),
            ("task", a.task.name, b.task.name),
            ("prefix length", getattr(a.adapter, "length", None), getattr(b.adapter, "length", None)),
            ("rows", first.rows, second.rows),
            ("noise length an entry", f"{first.noise_deviation:.3g}", f"{second.noise_deviation:.3g}"),
        ]
        return [f"{name}: {x} against {y}" for name, x, y in told if x != y]

    def on_rulers(self) -> list[Asked]:
        """A and B together where they have one ruler, else each by itself, with the reason said."""
        differences = self.differences()
        if not differences:
            return [self] if self.sides else []
        st.caption(f"Each on its own ruler. {'; '.join(differences)}.")
        return [Asked(self.runs, self.configs, [side]) for side in self.sides]

    def say_entries(self) -> None:
        """Where A and B move different numbers of entries: what that means for lengths."""
        counts = {side.letter: side.result.conditions.entries for side in self.sides}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{letter} {count:,}" for letter, count in counts.items())
            st.caption(
                f"Entries that move: {told}. One direction is drawn over all layers and each run takes its part, so "
                "lengths are equal for each entry. With fewer entries the loss changes less by construction."
            )

    @property
    def letters(self) -> str:
        """Of those with a result."""
        return "".join(side.letter for side in self.sides)

    def make_code(self, module: str, call: str) -> Code:
        """How the figure is made again: a command for each run, and Python."""
        letters = [side.letter for side in self.sides]
        commands = "\n".join(analyze_command(self.runs[letter], self.configs[letter]) for letter in letters)
        asked = ",\n".join(
            f'    ("{letter}", "{self.runs[letter].id}", '
            f"{self.configs[letter].model_dump(mode='json', exclude_defaults=True) | {'kind': self.config.kind}!r})"
            for letter in letters
        )
        return Code(commands, PYTHON.format(module=module, name=call.partition("(")[0], asked=asked, call=call))


PYTHON = """from analysis.figures.{module} import {name}
from analysis.figures.point_side import PointSide
from analysis.kinds import build_settings
from analysis.store import find_analysis
from dpflat import load_run

asked = [
{asked},
]
sides = []
for letter, run_id, settings in asked:
    run = load_run(run_id)
    result = find_analysis(run, build_settings(settings)).result
    sides.append(PointSide(letter, run.config.method(), result))
{call}
"""


def read_result(run: Run, config: PointConfig) -> Any:
    """What is known of another question; None where it is not measured or cannot be read."""
    try:
        found = find_analysis(run, config)
        return found.result if found else None
    except DPFlatError as error:
        st.warning(str(error))
        return None


def ask(pair: Pair, config: PointConfig) -> Asked:
    """What is known of A and B, with the offers to measure the rest."""
    runs: dict[str, Run] = {}
    configs: dict[str, PointConfig] = {}
    sides: list[PointSide[Any]] = []
    for letter, run in (("A", pair.a), ("B", pair.b)):
        if run is None:
            continue
        try:
            found = find_analysis(run, config)
            show_measuring(run, config, found, letter)
            result = found.result if found else None
        except DPFlatError as error:
            st.warning(f"{letter}: {error}")
            continue
        runs[letter], configs[letter] = run, config
        if result is not None:
            sides.append(PointSide(letter, run.config.method(), result))
    return Asked(runs, configs, sides)
