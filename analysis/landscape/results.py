"""What lines and planes found, as types. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from analysis.schema import Count, Entries, Known, Length, Matrix, OrNan, Vector


@dataclass(frozen=True)
class Conditions:
    """What a result was measured on.

    Attributes:
        run: id of the run.
        data: which rows, by name.
        rows: hash of their indices.
        examples: number of rows.
        entries: number of entries that move.
        noise_deviation: the unit of length, an entry.
    """

    run: str
    data: str
    rows: str
    examples: Count
    entries: Entries
    noise_deviation: Length


@dataclass(frozen=True)
class Lines:
    """Loss and accuracy along lines through the weights.

    Attributes:
        conditions: of the measurement.
        positions: (N,) distances, in lengths of the directions.
        norms: (M,) L2 norm of each direction.
        loss: (m, N) nats, m of M lines so far; not a number where it was not finite.
        accuracy: (m, N) shares.
        zero_rows: rows of the weights that were zero, where rows are normalised.
    """

    conditions: Conditions
    positions: Vector
    norms: Vector
    loss: Matrix
    accuracy: Matrix
    zero_rows: Count

    def __post_init__(self) -> None:
        if not self.loss.shape == self.accuracy.shape == (len(self.loss), len(self.positions)) or not self.loss.size:
            raise ValueError("a number for each line and position, and one or more of them")

    def rises(self) -> np.ndarray:
        """(m, N) loss over that at the weights."""
        rises: np.ndarray = self.loss - self.loss[:, [self.middle]]
        return rises

    @property
    def middle(self) -> int:
        """Place of the weights themselves."""
        return int(np.argmin(np.abs(self.positions)))

    def barrier(self) -> float | None:
        """How far the loss between two runs rises above the straight line between their losses, at most; at least 0.

        None where it was not finite somewhere between them.

        max over t in [0, 1] of L(t) - ((1 - t) L(0) + t L(1)), of the one line to another run.
        """
        inside = (self.positions >= -1e-9) & (self.positions <= 1 + 1e-9)
        at, loss = self.positions[inside], self.loss[0][inside]
        highest = float(np.max(loss - ((1 - at) * loss[0] + at * loss[-1])))
        return None if np.isnan(highest) else max(0.0, highest)


@dataclass(frozen=True)
class Plane:
    """Loss and accuracy over a plane through the weights.

    Attributes:
        conditions: of the measurement.
        positions: (N,) distances along both axes, in lengths of the axes.
        loss: (N, N) nats, row by row of the second axis; not a number where it is not there yet.
        accuracy: (N, N) shares.
        path: (M, 2) where the stored path lies, for a plane through it.
        share: share of the path's squared distances that the plane holds, for a plane through it.
        shares: of each axis by itself; None where nobody noted it.
        zero_rows: rows of the weights that were zero, where rows are normalised.
    """

    conditions: Conditions
    positions: Vector
    loss: Matrix
    accuracy: Matrix
    path: Matrix | None = None
    share: Known | None = None
    shares: tuple[Known, Known] | None = None
    zero_rows: Count = 0

    def __post_init__(self) -> None:
        if not self.loss.shape == self.accuracy.shape == 2 * self.positions.shape or not self.loss.size:
            raise ValueError("a number for each pair of positions, and one or more of them")
        if self.path is not None and self.path.shape[1:] != (2,):
            raise ValueError("two numbers for each point of the path")

    @property
    def done(self) -> int:
        """Number of points that are there."""
        return int(np.isfinite(self.accuracy).sum())

    def has_coarse(self) -> bool:
        """Whether every other row and column is there."""
        start = len(self.positions) // 2 % 2
        return bool(np.isfinite(self.accuracy[start::2, start::2]).all())

    def drawable(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, loss and accuracy of the finest grid that is whole: all of it, or every other row and column."""
        whole = np.isfinite(self.accuracy)
        start = len(self.positions) // 2 % 2
        step = 1 if whole.all() else 2
        places = np.arange(0 if step == 1 else start, len(self.positions), step)
        cut = np.ix_(places, places)
        return self.positions[places], self.loss[cut], self.accuracy[cut]


@dataclass(frozen=True)
class Trust:
    """One reading, the mean rise within a radius, over many planes.

    Attributes:
        conditions: of the measurement.
        radius: in noise lengths.
        planes: of random planes so far.
        top: in the plane of the two top eigenvectors; None where it is not there or they have not converged.
        path: in the plane of the stored path; None where it is not there.
        path_share: share of the path that this plane holds.
        why_no_path: why there is no such plane.
        finer: of the first random plane with every step halved; None where it is not there.
        shift: what was added to every row of the head.
        losses: before and after that; None where it is not there.
        boxes: mean of |w| + 1 over the head before and after that.
        why_no_shift: why nothing was added.
    """

    conditions: Conditions
    radius: Length
    planes: tuple[OrNan, ...]
    top: Known | None
    path: Known | None
    path_share: Known | None
    why_no_path: str
    finer: Known | None
    shift: Known
    losses: tuple[Known, Known] | None
    boxes: tuple[Known, Known] | None
    why_no_shift: str


LINES, PLANE, TRUST = TypeAdapter(Lines), TypeAdapter(Plane), TypeAdapter(Trust)


def read_lines(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> Lines:
    """The lines in `result.json`."""
    rows = content["parts"]["lines"]["rows"]
    measured = {name: [row[name] for row in rows] for name in ("loss", "accuracy")}
    return LINES.validate_python(content | measured | {"conditions": content})


def read_plane(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> Plane | None:
    """The plane in `result.json`; None before its coarse points are there."""
    axes, grid = content["parts"]["axes"], content["parts"].get("grid")
    if grid is None:
        return None
    plane = PLANE.validate_python(axes | grid | {"conditions": content})
    return plane if plane.has_coarse() else None


def read_trust(content: dict[str, Any], _: Mapping[str, np.ndarray]) -> Trust:
    """The readings in `result.json`."""
    parts = content["parts"]
    path, rescaling = parts.get("path", {}), parts.get("rescaling", {})
    shift = rescaling if "shift" in rescaling else None
    return TRUST.validate_python(
        {
            "conditions": content,
            "radius": content["radius"],
            "planes": parts.get("planes", {}).get("rows", ()),
            "top": parts.get("top", {}).get("reading"),
            "path": path.get("reading"),
            "path_share": path.get("share"),
            "why_no_path": path.get("why", ""),
            "finer": parts.get("finer", {}).get("reading"),
            "shift": shift["shift"] if shift else 0.0,
            "losses": (shift["loss"], shift["shifted_loss"]) if shift else None,
            "boxes": (shift["box"], shift["shifted_box"]) if shift else None,
            "why_no_shift": rescaling.get("why", ""),
        }
    )
