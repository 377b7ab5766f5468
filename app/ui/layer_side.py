"""A run on the page Layers: what is known of its layers, and how a figure of it is made again."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from analysis.figures.layers import LayerSide
from analysis.layers.results import LayersResult
from analysis.layers.settings import LayersConfig, check_data
from analysis.layers.trace import Trace, read_trace, removed_layers
from analysis.store import analyze_command, find_analysis
from app.ui.frame import Code
from app.ui.measure import DATA_WORDS, show_measuring
from dpflat.errors import DPFlatError
from dpflat.flatness.settings import RemovalFixed
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run


@dataclass(frozen=True)
class Side:
    """A run on this page.

    Attributes:
        letter: A or B.
        run: the run.
        config: what is asked of it.
        result: as far as it is measured; None before the first part.
        trace: the scores behind its removal; None where no layer was scored, or they are not here.
        removed: layers whose prefix was removed, in order.
    """

    letter: str
    run: Run
    config: LayersConfig
    result: LayersResult | None
    trace: Trace | None
    removed: tuple[int, ...]

    @property
    def layers(self) -> int:
        """Number L of layers of the backbone."""
        return int(self.run.environment["backbone_layers"])

    @property
    def fixed(self) -> bool:
        """Whether the layers that went were fixed beforehand."""
        return isinstance(self.run.config.flatness.cross_layer, RemovalFixed)

    def entry_class(self) -> EntryClass:
        """What showing what was measured costs."""
        return self.config.entry_class(self.run.ledger.guarantee().answer)

    def drawn(self) -> LayerSide | None:
        """As the figures see it; None where nothing is measured."""
        if self.result is None:
            return None
        return LayerSide(self.run.config.method(), self.result, self.removed, self.letter, self.trace is not None)


def gather(letter: str, run: Run, config: LayersConfig) -> Side | None:
    """A run with what is known of its layers, and the offer to measure the rest; None where a file is damaged."""
    try:
        check_data(config, run.config)
        found = find_analysis(run, config)
        show_measuring(run, config, found, letter)
        return Side(letter, run, config, found.result if found else None, read_trace(run), removed_layers(run))
    except DPFlatError as error:
        st.warning(f"{letter}: {error}")
        return None


def list_differences(a: Side, b: Side) -> list[str]:
    """Why two runs do not go on one ruler; empty where they do."""
    first, second = a.run.config, b.run.config
    assert first.adapter.kind == second.adapter.kind == "prefix"
    told = [
        ("layers", a.layers, b.layers),
        ("backbone", first.backbone.name, second.backbone.name),
        ("task", first.task.name, second.task.name),
        ("prefix length", first.adapter.length, second.adapter.length),
    ]
    if a.result and b.result:
        told.append(("rows", a.result.rows, b.result.rows))
        told.append(("weights", a.result.weights, b.result.weights))
    if first.task.name == second.task.name and first.task.data_key() != second.task.data_key():
        told.append(("task", "one file", f"another of the name {first.task.name}"))
    return [f"{name}: {x} against {y}" for name, x, y in told if x != y]


LOAD = (
    "from analysis.figures.{module} import {name}\n"
    "from analysis.figures.layers import LayerSide\n"
    "from analysis.layers.settings import LayersConfig\n"
    "from analysis.layers.trace import read_trace, removed_layers\n"
    "from analysis.store import find_analysis\n"
    "from dpflat import load_run\n\n"
    'run = load_run("{run}")\n'
)
MEASURED = (
    'result = find_analysis(run, LayersConfig(data="{data}")).result\n'
    'side = LayerSide(run.config.method(), result, removed_layers(run), "{letter}")\n'
)


def make_code(side: Side, call: str, measured: bool = True) -> Code:
    """How a figure of one run is made again.

    Args:
        side: the run.
        call: draws it, from `run`, and from `result` and `side` where it was measured.
        measured: whether it shows what an analysis has measured.
    """
    name = call.partition("(")[0]
    module = "layers" if name in ("draw_alone", "draw_norms") else "layer_choices"
    python = LOAD.format(module=module, name=name, run=side.run.id)
    if measured:
        python += MEASURED.format(data=side.config.data, letter=side.letter)
    return Code(
        analyze_command(side.run, side.config) if measured else f"dpflat show {side.run.id} --json", python + call
    )


def rows_of(side: Side) -> str:
    """Which rows were asked, by name and hash."""
    words = DATA_WORDS.get(side.config.data, f"{side.config.data}, public")
    return f"{words}, rows {side.result.rows}" if side.result else words


def seeds_of(sides: list[Side]) -> str:
    """The seed of each run."""
    return ", ".join(f"{side.letter} seed {side.run.config.seed}" for side in sides)
