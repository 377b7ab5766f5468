"""What the figures of epsilon and accuracy are about, and how one is made again."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.comparison.gathered import Gathered
from analysis.comparison.reading import ANALYSES
from analysis.figures.tradeoff import BANDS
from analysis.figures.tradeoff_findings import describe_measured
from analysis.store import analyze_command
from analysis.tradeoff import Key
from app.shown.code import Code, write_imports
from dpflat.catalog import BACKBONES, TASKS
from dpflat.readout import READOUTS

NON_PRIVATE, REPAIRED, MOST_METHODS = "non-private prefix", "DP-Flat", 4
HOLLOW = "hollow: no guarantee, or one with a caveat"


@dataclass(frozen=True)
class Asked:
    """What the figures are about.

    Attributes:
        task: its name.
        backbone: its name.
        readout: its kind; a head alone stands beside any.
        methods: those that are drawn.
        runs: ids, where only some runs are asked; None for all.
        shipped_only: whether one's own runs are left out.
    """

    task: str
    backbone: str
    readout: str
    methods: tuple[str, ...]
    runs: tuple[str, ...] | None = None
    shipped_only: bool = False

    def describe(self) -> str:
        """Task, backbone and readout in words."""
        task, card = TASKS.get(self.task), BACKBONES.get(self.backbone)
        known = READOUTS.get(self.readout)
        readout = (known.words or "trained head") if known else self.readout
        return f"{task.title if task else self.task}, {card.title if card else self.backbone}, {readout}"

    def drawn(self, found: Gathered) -> list[Key]:
        """Methods and epsilons that are drawn, without those without noise."""
        keys = [(point.method, point.epsilon) for point in found.points]
        return [key for key in keys if key[0] in self.methods and key[1] is not None]


def say_measured(found: Gathered, asked: Asked) -> str:
    """How many runs of the drawn methods have the measure; empty where all have."""
    methods = (*asked.methods, *BANDS)
    measured, of, none = (
        sum(counts.get(m, 0) for m in methods) for counts in (found.answered, found.asked, found.meaningless)
    )
    return describe_measured(measured, of, none, found.measure) if measured < of or none else ""


def make_code(found: Gathered, asked: Asked, imports: dict[str, list[str]], reading: str, drawing: str) -> Code:
    """How a figure is made again: from all runs of the task and backbone that are here.

    Args:
        found: what it shows.
        asked: of which runs.
        imports: what it needs beside what reads the runs.
        reading: Python after `found`.
        drawing: Python that draws.
    """
    lines = write_imports(
        {
            "analysis.comparison.gathered": ["gather"],
            "analysis.comparison.measures": ["MEASURES"],
            "analysis.comparison.pooling": ["has_readout"],
            "dpflat": ["list_runs"],
            **imports,
        }
    )
    which = [
        'run.state == "finished"',
        f'run.config.task.name == "{asked.task}"',
        f'run.config.backbone.name == "{asked.backbone}"',
        f'has_readout(run.config, "{asked.readout}")',
    ]
    which += ["run.shipped"] if asked.shipped_only else []
    which += [f"run.id in {asked.runs!r}"] if asked.runs is not None else []
    conditions = "\n    and ".join(which)
    config = next(iter(ANALYSES.get(found.measure.name, ())), None)
    groups = [group for (method, _), group in found.pool.groups.items() if method in asked.methods]
    commands = [analyze_command(run, config) for group in groups for run in group] if config else []
    return Code(
        "\n".join(commands) or "dpflat list",
        f"{lines}\n\nruns = [\n    run\n    for run in list_runs()\n    if {conditions}\n]",
        f'measure = MEASURES["{found.measure.name}"]\nfound = gather(runs, measure)\n{reading}',
        drawing,
        config,
        runs=tuple(run for group in found.pool.groups.values() for run in group),
    )
