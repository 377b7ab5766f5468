"""A run on the page Layers: what is known of its layers, and how a figure of it is made again."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.layers import LayerSide
from analysis.layers.results import LayersResult
from analysis.layers.settings import LayersConfig, check_data
from analysis.layers.trace import Trace, read_trace, removed_layers
from analysis.store import find_analysis
from app.ui.frame import Code
from app.ui.measure import DATA_WORDS, measure_command, show_measuring
from dpflat.runs.record import Run


@dataclass(frozen=True)
class Side:
    """A run on this page.

    Attributes:
        letter: A or B.
        run: the run.
        config: what is asked of it.
        result: as far as it is measured; None before the first part.
        trace: the scores behind its removal; None where no layer was scored.
        removed: layers whose prefix was removed, in order.
    """

    letter: str
    run: Run
    config: LayersConfig
    result: LayersResult | None
    trace: Trace | None
    removed: tuple[int, ...]

    def drawn(self) -> LayerSide:
        """As the figures see it."""
        assert self.result is not None
        return LayerSide(self.run.config.method(), self.result, self.removed)


def gather(letter: str, run: Run, config: LayersConfig) -> Side:
    """A run with what is known of its layers.

    Raises:
        DPFlatError: when a file is damaged, or the rows do not fit the run.
    """
    check_data(config, run.config)
    found = find_analysis(run, config)
    show_measuring(run, config, found, letter)
    return Side(letter, run, config, found.result if found else None, read_trace(run), removed_layers(run))


def make_code(side: Side, call: str) -> Code:
    """How a figure of one run is made again."""
    name = call.partition("(")[0]
    python = (
        f"from analysis.figures.layers import LayerSide, {name}\n"
        "from analysis.layers.settings import LayersConfig\n"
        "from analysis.layers.trace import read_trace, removed_layers\n"
        "from analysis.store import find_analysis\n"
        "from dpflat import load_run\n\n"
        f'run = load_run("{side.run.id}")\n'
        f'result = find_analysis(run, LayersConfig(data="{side.config.data}")).result\n'
        "side = LayerSide(run.config.method(), result, removed_layers(run))\n"
        f"{call}"
    )
    return Code(measure_command(side.run, side.config), python)


def rows_of(side: Side) -> str:
    """Which rows were asked, by name and hash."""
    return f"{DATA_WORDS.get(side.config.data, side.config.data)}, rows {side.result.rows if side.result else ''}"


def seeds_of(sides: list[Side]) -> str:
    """The seed of each run."""
    return ", ".join(f"{side.letter} seed {side.run.config.seed}" for side in sides)


def weights_of(sides: list[Side]) -> str:
    """Which weights of each run were asked."""
    return "; ".join(f"{side.letter}: weights of {side.result.weights}" for side in sides if side.result)
