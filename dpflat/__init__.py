"""DP-Flat Lab: flatness and privacy when a language model is fine-tuned with differential privacy."""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "RunConfig": "dpflat.config",
    "load_run": "dpflat.runs.store",
    "list_runs": "dpflat.runs.store",
    "find_or_train": "dpflat.trained",
    "prepare": "dpflat.experiment",
    "train": "dpflat.training",
    "forecast_run": "dpflat.forecast",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'dpflat' has no attribute '{name}'")
