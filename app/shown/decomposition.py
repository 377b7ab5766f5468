"""What of a difference in sharpness between two runs goes with layers and heads: its figure, and what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from analysis.decomposition.results import DecompositionResult, pool_seeds
from analysis.decomposition.settings import DecompositionConfig, check_decomposition, find_other
from analysis.decomposition.tables import cell_rows, comparison_rows
from analysis.figures.decomposition import draw_decomposition
from analysis.figures.decomposition_findings import describe_decomposition, list_remarks
from analysis.layers.settings import check_data
from analysis.results import PairedDifference
from analysis.settings import AnalysisConfig
from analysis.store import analyze_command, find_analysis
from app.shown.code import code_of_result
from app.shown.cost import name_rows
from app.shown.figure import ShownFigure
from app.shown.stored import Missing, Runs, Stored, letter_of, list_settings, tell_missing
from app.shown.stored_layers import find_seeds
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

Pooled = Mapping[str, PairedDifference]


def compose_decomposition(
    run: Run, other: Run, config: DecompositionConfig, found: DecompositionResult, pooled: Pooled | None = None
) -> ShownFigure | None:
    """The comparisons of two runs on one axis; None before both are read as they are.

    Args:
        run: A, that was asked.
        other: B, that it is held against.
        config: the settings.
        found: what was read.
        pooled: the same comparisons over several pairs of runs.
    """
    if not {"a", "b"} <= found.cells.keys():
        return None
    methods = run.config.describe(), other.config.describe()
    sides = ", ".join(
        f"{letter}: {side.config.describe()}, seed {side.config.seed}" for letter, side in (("A", run), ("B", other))
    )
    return ShownFigure(
        "decomposition",
        describe_decomposition(found),
        f"Sharpness (Keskar's box, eta {config.eta:g}): highest of {config.restarts} starts, whisker down to the "
        f"lowest; hollow: mean of {config.corners} random corners of the same box · {sides} · n = {found.examples:,} · "
        f"{name_rows(config.data)}, rows {found.rows}",
        lambda mode: draw_decomposition(found, methods, mode),
        config.entry_class(run.ledger.guarantee().answer),
        pd.DataFrame(cell_rows(found)),
        code_of_result(
            run,
            config,
            {"analysis.figures.decomposition": ["draw_decomposition"]},
            f'draw_decomposition(found, {methods!r}, "light")',
        ),
        tuple(list_remarks(found, pooled)),
    )


def compare_rows(found: DecompositionResult) -> pd.DataFrame:
    """A and B in each comparison, with the loss beside."""
    return pd.DataFrame(comparison_rows(found)).set_index("compared")


def pool_pairs(
    ours: Mapping[int, Run], theirs: Mapping[int, Run], config: DecompositionConfig, root: Path | None = None
) -> Pooled:
    """The comparisons of every pair of runs of one seed that is measured with these settings.

    Args:
        ours: finished runs of A's experiment by seed.
        theirs: of B's.
        config: the settings.
        root: one's own store; None for that of each run.
    """
    found = {}
    for seed in sorted(ours.keys() & theirs.keys()):
        try:
            of_pair = config.model_copy(update={"against": theirs[seed].id})
            analysis = find_analysis(ours[seed], of_pair, root)
            result = analysis.result if analysis is not None and analysis.state == "finished" else None
        except DPFlatError:
            continue
        if result is not None:
            found[seed] = result
    return pool_seeds(found)


def find_decomposition_figures(runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """Figures of decompositions: of A against B where there are two runs, else of the run against any other.

    Args:
        runs: by letter.
        root: one's own store.
        wanted: settings to draw; None for all that are stored.
    """
    stored = Stored()
    first, *others = runs.values()
    configs = [
        config
        for config in list_settings({"A": first}, "decomposition", root, wanted, stored)
        if isinstance(config, DecompositionConfig) and config.against is not None
    ]
    if others:
        usual = DecompositionConfig(against=others[0].id)
        configs = [config for config in configs if config.against == others[0].id]
        configs = configs if usual in configs or wanted is not None else [usual, *configs]
    for config in configs:
        _add(first, config, root, stored, letter_of(runs, "A"))
    if not configs:
        _tell_how(first, stored)
    return stored


def _add(run: Run, config: DecompositionConfig, root: Path, stored: Stored, letter: str) -> None:
    try:
        analysis = find_analysis(run, config, root)
        found = analysis.result if analysis is not None else None
        if found is None:
            tell_missing(stored, letter, run, config)
            return
        other = find_other(run, config)
        pooled = pool_pairs(find_seeds(run, root), find_seeds(other, root), config, root)
        stored.add(compose_decomposition(run, other, config, found, pooled))
    except DPFlatError as error:
        stored.note(str(error))


def _tell_how(run: Run, stored: Stored) -> None:
    """How a run is held against another, where it was against none."""
    try:
        check_data(DecompositionConfig().of_layers(), run.config)
    except DPFlatError as error:
        stored.note(str(error))
        return
    command = analyze_command(run, DecompositionConfig(against="OTHER"))
    stored.missing.append(Missing("Not held against another run, OTHER.", command))


def why_not_compared(run: Run, config: DecompositionConfig) -> str:
    """Why two runs cannot be compared so; empty where they can."""
    try:
        check_decomposition(config, run)
    except DPFlatError as error:
        return str(error)
    return ""
