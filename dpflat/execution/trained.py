"""A run with given settings: the one that is there, or one that a worker trains now. No torch in this process."""

from __future__ import annotations

from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.runs.record import Run
from dpflat.runs.store import Store, find_same
from dpflat.settings.pinned import identify_backbone


def find_or_train(config: RunConfig, store: Store) -> Run:
    """A finished run of one's own with these settings and seed: as it is there, else trained to its end first.

    Args:
        config: the settings.
        store: where it is found or made.

    Raises:
        DPFlatError: when nothing may be started here, or the run did not finish.

    Privacy: the run's own, as its ledger says.
    """
    config = build_config(identify_backbone(config.model_dump(mode="json")))
    run = find_same(store.list_runs(shipped=False), config)
    if run is None:
        jobs.check_allowed(store)
        run = store.create_run(config)
    state = run.state if run.state == "finished" else jobs.do_to_end(run.folder, store)
    if state != "finished":
        message = run.status.message if run.status else None
        raise DPFlatError(f"Training '{run.id}': {state}. {message or ''}".rstrip())
    return run
