"""Loss and accuracy over a plane through the weights."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from analysis.begun import Begun
from analysis.curvature.hessian import hessian_at
from analysis.curvature.lanczos import find_extremes
from analysis.landscape.directions import (
    draw_gaussian,
    draw_isotropic,
    normalise_filters,
    span_path,
)
from analysis.landscape.scoring import score
from analysis.landscape.settings import RADII, PlaneConfig, noise_deviation
from analysis.opening import Point, open_point, read_path, read_weights
from analysis.parts import Meter, Part, Tell
from analysis.vectors import move, unflatten
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import Parameters
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.training.heartbeat import Heartbeat, unwatched

AXES, GRID = "axes", "grid"
SAVE_SECONDS = 1.0
MOST_PRODUCTS = 60
Pair = tuple[Parameters, Parameters]


def begin_plane(run: Run, config: PlaneConfig) -> Begun:
    """A run whose plane is ready to be measured.

    Raises:
        DPFlatError: when its files are damaged, or no path was stored that spans a plane.
    """
    point = open_point(run, config)
    deviation = noise_deviation(run.config, config.noise_epsilon)
    radius = config.radius or RADII[config.plane]

    def work(parts: Mapping[str, Any], tell: Tell) -> Iterator[Part]:
        axes, reported = find_axes(run, point, config, deviation, Meter(tell, AXES, MOST_PRODUCTS * point.examples))
        same = AXES in parts and reported.items() <= parts[AXES].items()
        if not same:
            yield Part(AXES, reported)
        positions = np.linspace(-radius, radius, config.points)
        yield from cover(point, axes, positions, parts.get(GRID) if same else None, tell)

    return Begun(point.objective.backbone, point.conditions(deviation), work)


def find_axes(
    run: Run, point: Point, config: PlaneConfig, deviation: float, beat: Heartbeat
) -> tuple[Pair, dict[str, Any]]:
    """The two directions that span the plane, each as long as 1 on its axis, and what there is to tell of them.

    Privacy: eigenvectors read the rows without noise; random directions and the stored path read nothing.
    """
    if config.plane == "isotropic":
        first, second = (draw_isotropic(point, deviation, config.seed, number) for number in range(2))
        return (first, second), {}
    if config.plane == "filter":
        found = [normalise_filters(point, draw_gaussian(point, config.seed, number)) for number in range(2)]
        return (found[0][0], found[1][0]), {"zero_rows": found[0][1]}
    if config.plane == "path":
        return span_run_path(run, point, config.step)
    vectors, reported = find_top_two(point, config.seed, beat)
    size = deviation * point.size**0.5
    first, second = ({key: size * value for key, value in vector.items()} for vector in vectors)
    return (first, second), reported


def span_run_path(run: Run, point: Point, before: int | None) -> tuple[Pair, dict[str, Any]]:
    """The plane of a run's stored path before a step, its start included; 1 on an axis is the path's reach.

    Raises:
        DPFlatError: when fewer than two earlier weights are known.
    """
    kept = read_path(run)
    earlier = {s: weights for s, weights in kept.items() if before is None or s < before}
    path = [weights for weights in earlier.values() if set(point.keys) <= weights.keys()]
    if 0 not in kept:
        start = read_weights(run, 0, point.objective)
        path = [start, *path] if set(point.keys) <= start.keys() else path
    path = [weights for weights in path if any(not _equal(weights, point, key) for key in point.keys)]
    if len(path) < 2:
        raise DPFlatError(
            f"'{run.id}' kept {len(path)} earlier weights, and a plane needs 2. "
            "Train with execution.trajectory_points of at least 2."
        )
    axes, places, shares = span_path(point, path)
    reach = float(np.abs(places).max())
    first, second = ({key: reach * value for key, value in axis.items()} for axis in axes)
    return (first, second), {
        "path": (places / reach).tolist(),
        "share": float(shares.sum()),
        "shares": shares.tolist(),
    }


def _equal(weights: Parameters, point: Point, key: str) -> bool:
    return bool((weights[key].to(point.weights[key]) == point.weights[key]).all())


def find_top_two(point: Point, seed: int, beat: Heartbeat) -> tuple[list[Parameters], dict[str, Any]]:
    """Unit eigenvectors of the two largest eigenvalues.

    Raises:
        DPFlatError: when they have not converged.

    Privacy: reads the rows without noise.
    """
    generator = seed_generator(seed, Purpose.CURVATURE)
    extremes = find_extremes(hessian_at(point, point.keys, beat), 2, 1e-2, MOST_PRODUCTS, generator)
    if not extremes.top.converged.all():
        raise DPFlatError(f"The top two eigenvectors have not converged within {MOST_PRODUCTS} products.")
    reported = {
        "eigenvalues": extremes.top.values.tolist(),
        "residuals": extremes.top.residuals.tolist(),
    }
    return [unflatten(vector, point.weights, point.keys) for vector in extremes.top.vectors], reported


def order_points(count: int) -> list[tuple[int, int]]:
    """Every point of a (count, count) grid: first every other row and column, through the middle, then the rest."""
    middle = count // 2 % 2
    every = [(row, column) for row in range(count) for column in range(count)]
    coarse = [place for place in every if place[0] % 2 == middle and place[1] % 2 == middle]
    return [*coarse, *(place for place in every if place not in set(coarse))]


def cover(
    point: Point, axes: Pair, positions: np.ndarray, so_far: Mapping[str, Any] | None, tell: Tell = unwatched
) -> Iterator[Part]:
    """Scores at every point of a grid over the plane, coarse ones first; what is there is handed out every second.

    Args:
        point: the weights.
        axes: two directions.
        positions: (N,) distances along both.
        so_far: the grid as it was handed out before, to go on with.
        tell: hears how far it is.

    Privacy: reads the rows of the point without noise.
    """
    count = len(positions)
    empty: list[list[float | None]] = [[None] * count for _ in range(count)]
    loss = [list(row) for row in so_far["loss"]] if so_far else [list(row) for row in empty]
    accuracy = [list(row) for row in so_far["accuracy"]] if so_far else [list(row) for row in empty]
    order = [place for place in order_points(count) if loss[place[0]][place[1]] is None]
    done, total, saved = count**2 - len(order), count**2, time.monotonic()
    beat = Meter(tell, GRID, total * point.examples, done=done * point.examples)

    def grid() -> dict[str, Any]:
        copies = ([list(row) for row in values] for values in (loss, accuracy))
        return {"positions": positions.tolist(), **dict(zip(("loss", "accuracy"), copies, strict=True))}

    for row, column in order:
        found = score_in_plane(point, axes, float(positions[column]), float(positions[row]), beat)
        loss[row][column], accuracy[row][column] = found
        done += 1
        if time.monotonic() - saved > SAVE_SECONDS and done < total:
            saved = time.monotonic()
            yield Part(GRID, grid(), complete=False)
    yield Part(GRID, grid())


def score_in_plane(point: Point, axes: Pair, first: float, second: float, beat: Heartbeat) -> tuple[float, float]:
    """Mean loss (nats) and share right at a place of a plane. Privacy: reads the rows of the point without noise."""
    return score(point, move(move(point.weights, axes[0], first), axes[1], second), beat)
