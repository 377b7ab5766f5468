"""DP-Flat Lab: flatness and privacy when a language model is fine-tuned with differential privacy."""

from dpflat.lazy import load_later

_PLACES = {
    "RunConfig": "dpflat.config",
    "Store": "dpflat.runs.store",
    "build_config": "dpflat.config",
    "find_or_train": "dpflat.entry",
    "forecast_run": "dpflat.training.forecast",
    "list_runs": "dpflat.entry",
    "load_run": "dpflat.entry",
    "open_store": "dpflat.runs.store",
    "plan_ledger": "dpflat.training.forecast",
    "plan_privacy": "dpflat.training.forecast",
    "prepare": "dpflat.training.experiment",
    "train": "dpflat.training.phases",
}
__all__ = list(_PLACES)
__getattr__ = load_later(__name__, _PLACES)
