"""What was measured of a run, or what a worker measures now, for a notebook. No torch in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.settings import AnalysisConfig
from analysis.store import find_analysis, open_analysis
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.runs.record import Run
from dpflat.runs.store import store_of


def find_or_measure(run: Run, config: AnalysisConfig, root: Path | None = None) -> Any:
    """The result of an analysis: as it is stored where it is finished, else measured to its end first.

    Args:
        run: a finished run.
        config: what is asked of it.
        root: one's own store, where analyses of shipped runs lie; None for the one the run was found for.

    Returns:
        The typed result of the kind.

    Raises:
        DPFlatError: when it cannot be measured here, or its worker did not finish.

    Privacy: of the class that the analysis has in the ledger.

    Example:
        >>> from analysis import build_settings
        >>> from dpflat import load_run
        >>> run = load_run("20261125-223848")  # whose attacks are shipped too
        >>> sorted(find_or_measure(run, build_settings({"kind": "attacks"})).attacks)
        ['threshold']
    """
    store = store_of(run) if root is None else store_of(run).at(root)
    analysis = find_analysis(run, config, store.root)
    if analysis is None or analysis.state != "finished":
        analysis = open_analysis(run, config, store)
        jobs.do_to_end(analysis.folder, store, "analysis.worker")
    if analysis.state != "finished":
        message = analysis.status.message if analysis.status else None
        raise DPFlatError(f"Measuring {config.kind} of '{run.id}': {analysis.state}. {message or ''}".rstrip())
    return analysis.result
