"""Where Python begins, as a notebook or a script: with the store that the environment names, or a folder."""

from __future__ import annotations

from pathlib import Path

from dpflat.config import RunConfig
from dpflat.execution import trained
from dpflat.runs.record import Run
from dpflat.runs.store import open_store


def load_run(run_id: str = "latest", root: str | Path | None = None) -> Run:
    """One run by its id, by the start of its id, or the `latest`.

    Args:
        run_id: the id, an unambiguous start of it, or `latest`: of one's own, else of the shipped ones.
        root: the folder of runs; None for `DPFLAT_RUNS` or `./runs`.

    Raises:
        DPFlatError: when there is no such run, or several.

    Example:
        >>> run = load_run("20261123-170622")  # of the shipped ones
        >>> run.config.method(), run.state
        ('DP prefix', 'finished')
    """
    return open_store(root).load_run(run_id)


def list_runs(root: str | Path | None = None, shipped: bool = True) -> list[Run]:
    """All runs, newest first, shipped ones last.

    Args:
        root: the folder of runs; None for `DPFLAT_RUNS` or `./runs`.
        shipped: whether those that come with the lab are among them.

    Example:
        >>> methods = {run.config.method() for run in list_runs() if run.shipped}
        >>> "DP prefix" in methods
        True
    """
    return open_store(root).list_runs(shipped)


def find_or_train(config: RunConfig, root: str | Path | None = None) -> Run:
    """A finished run of one's own with these settings and seed: as it is there, else trained to its end first.

    Args:
        config: the settings.
        root: the folder of runs; None for `DPFLAT_RUNS` or `./runs`.

    Raises:
        DPFlatError: when nothing may be started here, or the run did not finish.

    Privacy: the run's own, as its ledger says.

    Example:
        >>> run = load_run("20261123-170622")
        >>> find_or_train(run.config, run.folder.parent).id == run.id  # it is there
        True
    """
    return trained.find_or_train(config, open_store(root))
