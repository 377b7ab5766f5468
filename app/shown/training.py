"""What the curves of a run, or of the seeds of one experiment, show, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas as pd

from analysis.figures.findings import Finding, describe_training
from dpflat.runs.record import Run


def describe_curves(runs: Sequence[Run], read: Callable[[Run], pd.DataFrame] = lambda run: run.metrics) -> Finding:
    """Accuracy, clipping and the course of the loss, of finished runs.

    Args:
        runs: one, or seeds of one experiment.
        read: gives a run's metrics.
    """
    tables = [read(run) for run in runs]
    losses = [t.set_index("step")["loss"].astype(float) for t in tables if "loss" in t]
    loss = pd.concat(losses, axis=1, join="inner").mean(axis=1).tolist() if losses else []
    shares = [t["clipped_share"].dropna() for t in tables if "clipped_share" in t]
    ends = [float(s.tail(max(1, len(s) // 10)).mean()) for s in shares if len(s)]
    accuracies = [run.results["accuracy"] for run in runs]
    clipped = sum(ends) / len(ends) if ends and not math.isnan(sum(ends)) else None
    return describe_training(accuracies, int(runs[0].results["steps"]), clipped, loss, len(runs))
