"""Likelihood-ratio attack with few shadow runs (LiRA; Carlini et al. 2022, arXiv 2112.03570). No torch.

Each row's log odds have a normal distribution over runs that had it and another over runs that had not. Few shadow
runs cannot tell a row's variance: one for all rows stands for it, as the source advises.

Privacy: a function of scores of single rows: as private as those are.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

FEWEST_SHADOWS = 2


def score_rows(target: np.ndarray, shadows: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """The log likelihood ratio of each row, "in" over "out"; 0 says nothing.

    A row that no shadow run had (or that all had) gets its missing mean from its other one and the mean difference
    over all rows that have both. A row of which no shadow run says anything is left at 0.

    Args:
        target: (n,) log odds under the run that is attacked.
        shadows: (s, n) log odds under the shadow runs.
        inside: (s, n) bool, which rows each shadow run had.
        outside: (s, n) bool, which rows it did not have; neither is a row that it had with another label.

    Raises:
        ValueError: with fewer than two shadow runs, or where no row was in one and out of another.
    """
    if len(shadows) < FEWEST_SHADOWS:
        raise ValueError(f"A likelihood-ratio attack needs {FEWEST_SHADOWS} shadow runs or more; got {len(shadows)}.")
    weights = [inside.astype(float), outside.astype(float)]
    counts = [weight.sum(axis=0) for weight in weights]
    both = (counts[0] > 0) & (counts[1] > 0)
    if not both.any():
        raise ValueError("No row was in one shadow run and out of another.")
    means = [(w * shadows).sum(axis=0) / np.maximum(c, 1) for w, c in zip(weights, counts, strict=True)]
    shift = float((means[0] - means[1])[both].mean())
    mean_in = np.where(counts[0] > 0, means[0], means[1] + shift)
    mean_out = np.where(counts[1] > 0, means[1], mean_in - shift)
    deviations = [
        _pooled_deviation(w, c, shadows, m) for w, c, m in zip(weights, counts, (mean_in, mean_out), strict=True)
    ]
    if not all(np.isfinite(deviations)):
        middles = np.where(inside, mean_in, mean_out)
        deviations = [_pooled_deviation(weights[0] + weights[1], counts[0] + counts[1], shadows, middles)] * 2
    ratio: np.ndarray = norm.logpdf(target, mean_in, deviations[0]) - norm.logpdf(target, mean_out, deviations[1])
    return np.where(counts[0] + counts[1] > 0, ratio, 0.0)


def _pooled_deviation(weights: np.ndarray, counts: np.ndarray, values: np.ndarray, means: np.ndarray) -> float:
    """One standard deviation for all rows; NaN where no row was seen twice."""
    freedom = float(np.maximum(counts - 1, 0).sum())
    if freedom == 0:
        return float("nan")
    return max(1e-6, float(np.sqrt((weights * (values - means) ** 2)[:, counts > 1].sum() / freedom)))
