"""What was measured of a run, or what a worker measures now, for a notebook. No torch in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.settings import AnalysisConfig
from analysis.store import find_analysis, open_analysis
from dpflat import jobs
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.record import Run


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
    """
    store = root or run.store or layout.runs_root()
    analysis = find_analysis(run, config, store)
    if analysis is None or analysis.state != "finished":
        analysis = open_analysis(run, config, store)
        jobs.do_to_end(analysis.folder, "analysis.worker")
    if analysis.state != "finished":
        message = analysis.status.message if analysis.status else None
        raise DPFlatError(f"Measuring {config.kind} of '{run.id}': {analysis.state}. {message or ''}".rstrip())
    return analysis.result
