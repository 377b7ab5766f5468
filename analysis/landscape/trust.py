"""Whether the picture can be believed: one reading over many planes, a finer grid, and two exact rescalings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from analysis.begun import Begun
from analysis.landscape.directions import draw_isotropic, length
from analysis.landscape.planes import MOST_PRODUCTS, Pair, find_top_two, score_in_plane, span_run_path
from analysis.landscape.scoring import score
from analysis.landscape.settings import TrustConfig, noise_deviation
from analysis.opening import Point, open_point
from analysis.parts import Meter, Part, Tell, list_complete
from dpflat.core.prefix import Parameters, head_keys
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.training.heartbeat import Heartbeat

PLANES, TOP, PATH, FINER, RESCALING = "planes", "top", "path", "finer", "rescaling"
SHIFT = 1.0


def begin_trust(run: Run, config: TrustConfig) -> Begun:
    """A run whose planes are ready to be compared.

    Raises:
        DPFlatError: when its files are damaged.
    """
    point = open_point(run, config)
    deviation = noise_deviation(run.config, config.noise_epsilon)
    conditions = point.conditions(deviation) | {"radius": config.radius}

    def work(parts: Mapping[str, Any], tell: Tell) -> Iterator[Part]:
        done = set(list_complete(parts))
        if PLANES not in done:
            yield from read_planes(point, config, deviation, parts.get(PLANES, {}).get("rows", []), tell)
        others: dict[str, Callable[[], Part]] = {
            TOP: lambda: read_top(point, config, deviation, tell),
            PATH: lambda: read_path_plane(run, point, config, deviation, tell),
            FINER: lambda: read_finer(point, config, deviation, tell),
            RESCALING: lambda: read_shift(point, tell),
        }
        for name, read in others.items():
            if name not in done:
                yield read()

    return Begun(point.objective.backbone, conditions, work)


def read_disc(positions: np.ndarray, loss: np.ndarray, radius: float) -> float:
    """The reading of a plane: the mean rise of the loss over the grid's points within the radius.

    A perfect bowl reads 4 % less on 13 points a side than on 7.

    Args:
        positions: (N,) of both axes, 0 in the middle.
        loss: (N, N).
        radius: in the unit of the positions.

    Privacy: post-processing.
    """
    away = np.hypot(positions[:, None], positions[None, :])
    middle = len(positions) // 2
    return float(loss[away <= radius * (1 + 1e-9)].mean() - loss[middle, middle])


def read_plane(point: Point, axes: Pair, radius: float, points: int, beat: Heartbeat) -> float:
    """The reading of one plane. Privacy: reads the rows of the point without noise."""
    positions = np.linspace(-radius, radius, points)
    loss = [[score_in_plane(point, axes, float(x), float(y), beat)[0] for x in positions] for y in positions]
    return read_disc(positions, np.array(loss), radius)


def read_planes(point: Point, config: TrustConfig, deviation: float, rows: list[float], tell: Tell) -> Iterator[Part]:
    """The reading over random planes, each handed out as soon as it is there."""
    rows = list(rows)
    each = config.points**2 * point.examples
    beat = Meter(tell, PLANES, config.planes * each, done=len(rows) * each)
    for number in range(len(rows), config.planes):
        first, second = (draw_isotropic(point, deviation, config.seed, 2 * number + axis) for axis in range(2))
        rows.append(read_plane(point, (first, second), config.radius, config.points, beat))
        yield Part(PLANES, {"rows": list(rows)}, complete=len(rows) == config.planes)


def read_top(point: Point, config: TrustConfig, deviation: float, tell: Tell) -> Part:
    """The reading in the plane of the two top eigenvectors; none where these have not converged."""
    try:
        vectors, reported = find_top_two(
            point, config.seed, Meter(tell, TOP, MOST_PRODUCTS * point.examples, (0.0, 0.5))
        )
    except DPFlatError as error:
        return Part(TOP, {"reading": None, "why": str(error)})
    axes = as_long_as_noise(point, vectors, deviation)
    beat = Meter(tell, TOP, config.points**2 * point.examples, (0.5, 1.0))
    reading = read_plane(point, axes, config.radius, config.points, beat)
    return Part(TOP, reported | {"reading": reading})


def as_long_as_noise(point: Point, axes: list[Parameters] | Pair, deviation: float) -> Pair:
    """Two directions, each as long as one draw of noise."""
    size = deviation * point.size**0.5
    first, second = ({key: size / length(axis) * value for key, value in axis.items()} for axis in axes)
    return first, second


def read_path_plane(run: Run, point: Point, config: TrustConfig, deviation: float, tell: Tell) -> Part:
    """The reading in the plane of the stored path, as far out as in every other plane."""
    try:
        axes, reported = span_run_path(run, point, config.step)
    except DPFlatError as error:
        return Part(PATH, {"reading": None, "why": str(error)})
    ends = as_long_as_noise(point, axes, deviation)
    beat = Meter(tell, PATH, config.points**2 * point.examples)
    reading = read_plane(point, ends, config.radius, config.points, beat)
    return Part(PATH, {"reading": reading, "share": reported["share"]})


def read_finer(point: Point, config: TrustConfig, deviation: float, tell: Tell) -> Part:
    """The first random plane again, with every step halved."""
    first, second = (draw_isotropic(point, deviation, config.seed, axis) for axis in range(2))
    points = 2 * config.points - 1
    beat = Meter(tell, FINER, points**2 * point.examples)
    reading = read_plane(point, (first, second), config.radius, points, beat)
    return Part(FINER, {"reading": reading, "points": points})


def read_shift(point: Point, tell: Tell) -> Part:
    """What a constant added to every class's row of the head changes: no probability, but the size of Keskar's box.

    Nothing where no head is trained, or its parameters are not rows of classes.

    Privacy: reads the rows without noise.
    """
    if not head_keys(point.weights):
        return Part(RESCALING, {"why": "no head is trained here, so there is none to add to."})
    if not point.objective.readout.has_row_per_class:
        return Part(RESCALING, {"why": "this head has no row a class that a constant could be added to unnoticed."})
    moved = dict(point.weights)
    for key in head_keys(point.weights):
        moved[key] = point.weights[key] + SHIFT
    losses, widths = [], []
    beat = Meter(tell, RESCALING, 2 * point.examples)
    for weights in (point.weights, moved):
        losses.append(score(point, weights, beat)[0])
        widths.append(float((weights[head_keys(weights)[0]].abs() + 1).mean()))
    return Part(
        RESCALING,
        {"shift": SHIFT, "loss": losses[0], "shifted_loss": losses[1], "box": widths[0], "shifted_box": widths[1]},
    )
