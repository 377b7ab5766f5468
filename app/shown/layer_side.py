"""What is known of a run's layers, and how a figure of it is made again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.curvature.exchangeable import Dominant, find_dominant
from analysis.curvature.settings import CurvatureConfig
from analysis.figures.layers import LayerSide
from analysis.layers.results import SUBSET_MEASURES, LayersResult
from analysis.layers.settings import LayersConfig, check_data
from analysis.layers.trace import Trace, read_trace, removed_layers
from analysis.store import Analysis, analyze_command, find_analysis
from app.shown.code import Code, open_run, write_imports, write_settings
from app.shown.cost import name_rows
from app.withheld import tell_tasks_apart
from dpflat.errors import DPFlatError
from dpflat.flatness.mode import Mode
from dpflat.flatness.removal import ScoredRemoval
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.files import unreadable
from dpflat.runs.layout import ENV
from dpflat.runs.record import Run
from dpflat.runs.store import store_of

MODULES = {"draw_strip": "analysis.figures.layer_choices"}


@dataclass(frozen=True)
class Side:
    """A run beside at most one other.

    Attributes:
        letter: A or B.
        run: the run.
        config: what is asked of it.
        result: as far as it is measured; None before the first part.
        trace: the scores behind its removal; None where no layer was scored, or they are not here.
        removed: layers whose prefix was removed, in order.
        dominant: the layer that holds most of the curvature at the final weights; None where none does, or it is not
            measured.
    """

    letter: str
    run: Run
    config: LayersConfig
    result: LayersResult | None
    trace: Trace | None
    removed: tuple[int, ...]
    dominant: Dominant | None = None

    @property
    def layers(self) -> int:
        """Number L of layers of the backbone."""
        try:
            return int(self.run.environment["backbone_layers"])
        except KeyError:
            raise unreadable(self.run.folder / ENV, "lacks fields") from None

    @property
    def fixed(self) -> bool:
        """Whether the layers that went were fixed beforehand."""
        mode = self.run.config.flatness.cross_layer
        return isinstance(mode, Mode) and not isinstance(mode, ScoredRemoval)

    @property
    def measures(self) -> tuple[str, ...]:
        """What sets of layers are compared by; not as if entries were alike where one layer holds most curvature."""
        return tuple(measure for measure in SUBSET_MEASURES if measure != "matched" or self.dominant is None)

    def entry_class(self) -> EntryClass:
        """What showing what was measured costs."""
        return self.config.entry_class(self.run.ledger.guarantee().answer)

    def drawn(self) -> LayerSide | None:
        """As the figures see it; None where nothing is measured."""
        if self.result is None:
            return None
        return LayerSide(self.run.config.describe(), self.result, self.removed, self.letter, self.trace is not None)


def find_layers(run: Run, config: LayersConfig, root: Path | None = None) -> Analysis | None:
    """The analysis of a run's layers; None where it was never begun.

    Args:
        run: the run.
        config: what is asked of it.
        root: folder of one's own runs; None for that of the store that the run was found for.

    Raises:
        DPFlatError: when the run has no such layers or cannot answer these rows.
    """
    check_data(config, run.config)
    return find_analysis(run, config, root)


def read_side(letter: str, run: Run, config: LayersConfig, found: Analysis | None, root: Path | None = None) -> Side:
    """A run with what is known of its layers; `root` as of `find_layers`.

    Raises:
        DPFlatError: when a file is damaged.
    """
    result, dominant = found.result if found else None, _read_dominant(run, config, root)
    return Side(letter, run, config, result, read_trace(run), removed_layers(run), dominant)


def _read_dominant(run: Run, config: LayersConfig, root: Path | None) -> Dominant | None:
    """What the curvature on the same rows says of the layers; nothing where it is not there or cannot be read."""
    try:
        found = find_analysis(run, CurvatureConfig(data=config.data), root)
        blocks = found.result if found else None
    except DPFlatError:
        return None
    return find_dominant(blocks) if blocks else None


def list_differences(a: Side, b: Side) -> list[str]:
    """Why two runs do not go on one ruler; empty where they do."""
    first, second = a.run.config, b.run.config
    assert first.adapter.kind == second.adapter.kind == "prefix"
    reported = [
        ("layers", a.layers, b.layers),
        ("backbone", first.backbone.title(), second.backbone.title()),
        ("task", *tell_tasks_apart(a.run, b.run)),
        ("prefix length", first.adapter.length, second.adapter.length),
    ]
    if a.result and b.result:
        reported.append(("rows", a.result.rows, b.result.rows))
        reported.append(("weights", a.result.weights, b.result.weights))
    return [f"{name}: {x} against {y}" for name, x, y in reported if x != y]


def code_of_measured(sides: list[Side], function: str, drawing: str, more: str = "") -> Code:
    """How a figure of what was measured is made again.

    Args:
        sides: the runs.
        function: what draws it, of `analysis.figures.layers`, or `draw_strip`.
        drawing: draws it from `sides`.
        more: lines that read something else before it.
    """
    runs = ", ".join(f'"{side.letter}": {open_run(side.run)}' for side in sides)
    drawers = {"analysis.figures.layers": ["LayerSide"]}
    drawers.setdefault(MODULES.get(function, "analysis.figures.layers"), []).append(function)
    imports = write_imports(
        drawers
        | {
            "analysis.kinds": ["build_settings"],
            "analysis.layers.trace": ["read_trace", "removed_layers"],
            "analysis.measuring": ["find_or_measure"],
            "dpflat": ["load_run"],
        }
    )
    reading = (
        f"settings = {write_settings(sides[0].config)}\n"
        "sides = [\n"
        "    LayerSide(run.config.describe(), find_or_measure(run, settings), removed_layers(run), letter,\n"
        "              read_trace(run) is not None)\n"
        f"    for letter, run in runs.items()\n]\n{more}"
    )
    commands = "\n".join(analyze_command(side.run, side.config) for side in sides)
    opening, shown = f"{imports}\n\nruns = {{{runs}}}", tuple(side.run for side in sides)
    return Code(commands, opening, reading, drawing, sides[0].config, runs=shown)


def code_of_run(side: Side, call: str) -> Code:
    """How a figure of what the run itself keeps is made again; `call` draws it from `trace`."""
    imports = write_imports(
        {
            "analysis.figures.layer_choices": [call.partition("(")[0]],
            "analysis.layers.trace": ["read_trace"],
            "dpflat": ["load_run"],
        }
    )
    command = f"{store_of(side.run).command('show', side.run.folder)} --json"
    return Code(command, f"{imports}\n\nrun = {open_run(side.run)}", "trace = read_trace(run)", call, runs=(side.run,))


def rows_of(side: Side) -> str:
    """Which rows were asked, by name and hash."""
    words = name_rows(side.config.data)
    return f"{words}, rows {side.result.rows}" if side.result else words


def seeds_of(sides: list[Side]) -> str:
    """The seed of each run."""
    return ", ".join(f"{side.letter} seed {side.run.config.seed}" for side in sides)
