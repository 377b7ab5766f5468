"""What a random walk gives where a path is measured: large shares in few components come by themselves."""

from __future__ import annotations

import numpy as np


def walk_share(points: int, components: int = 2) -> float:
    """Share of the squared distances of a random walk from its end that its largest principal components hold.

    The walk has as many points before its end, one step apart, in so many dimensions that no two steps have anything in
    common: the products of its offsets are min(i, j), whose eigenvalues are 1 / (4 sin^2((2k - 1) pi / (4 M + 2))).
    With many points two components hold 90 % (Antognini and Sohl-Dickstein 2018, arXiv 1806.08805, for walks about
    their mean).

    Args:
        points: number M of points before the end.
        components: how many.

    Privacy: none.
    """
    orders = 2 * np.arange(1, points + 1) - 1
    values = 1 / (4 * np.sin(orders * np.pi / (4 * points + 2)) ** 2)
    return float(values[:components].sum() / values.sum())
