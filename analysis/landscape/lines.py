"""Loss and accuracy along lines through the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.begun import Begun
from analysis.landscape.directions import draw_gaussian, draw_isotropic, length, normalise_filters
from analysis.landscape.scoring import score
from analysis.landscape.settings import RADII, LinesConfig, noise_deviation
from analysis.opening import Point, open_point, read_weights
from analysis.parts import Meter, Part, Tell
from analysis.vectors import move
from dpflat.core.prefix import Parameters
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.runs.store import store_of
from dpflat.training.heartbeat import unwatched

BEYOND = 0.25
LINES = "lines"


def begin_lines(run: Run, config: LinesConfig) -> Begun:
    """A run whose lines are ready to be measured.

    Raises:
        DPFlatError: when its files are damaged, or the other run has other entries.
    """
    point = open_point(run, config)
    deviation = noise_deviation(run.config, config.noise_epsilon)
    if config.toward is None:
        radius = config.radius or RADII[config.directions]
        positions = np.linspace(-radius, radius, config.points)
        directions, zero = draw_directions(point, config, deviation)
    else:
        positions = np.linspace(-BEYOND, 1 + BEYOND, config.points)
        directions, zero = [aim_at(point, run, config)], 0
    conditions = point.conditions(deviation) | {
        "zero_rows": zero,
        "positions": positions.tolist(),
        "norms": [length(direction) for direction in directions],
    }

    return Begun(
        point.objective.backbone,
        conditions,
        lambda parts, tell: score_lines(point, directions, positions, parts.get(LINES, {}).get("rows", []), tell),
    )


def draw_directions(point: Point, config: LinesConfig, deviation: float) -> tuple[list[Parameters], int]:
    """The random directions, and how many rows of the weights were zero."""
    if config.directions == "isotropic":
        return [draw_isotropic(point, deviation, config.seed, number) for number in range(config.lines)], 0
    found = [normalise_filters(point, draw_gaussian(point, config.seed, number)) for number in range(config.lines)]
    return [direction for direction, _ in found], found[0][1]


def aim_at(point: Point, run: Run, config: LinesConfig) -> Parameters:
    """The way from the weights to those of the run that the settings name.

    Raises:
        DPFlatError: when that run is not there or not finished, or its entries are others.
    """
    assert config.toward is not None
    other = store_of(run).at(run.folder.parent).load_run(config.toward)
    if other.state != "finished":
        raise DPFlatError(f"'{other.id}' is {other.state}; only a finished run has weights to go toward.")
    if other.config.backbone.identity() != run.config.backbone.identity():
        raise DPFlatError(
            f"'{other.id}' has the backbone '{other.config.backbone.title()}', not '{run.config.backbone.title()}': "
            "there is no line between them."
        )
    if (other.config.adapter, other.config.task.name) != (run.config.adapter, run.config.task.name):
        raise DPFlatError(f"'{other.id}' has another task or other settings of its prefixes: no line leads there.")
    weights = read_weights(other, None, point.objective)
    mine, theirs = ({key: tuple(value.shape) for key, value in found.items()} for found in (point.weights, weights))
    if mine != theirs:
        raise DPFlatError(
            f"'{other.id}' has other trained entries ({', '.join(theirs)}) than this run ({', '.join(mine)}), so no "
            "line leads to it. Choose a run with the same layers and prefix length."
        )
    return {key: weights[key].to(point.weights[key]) - point.weights[key] for key in point.keys}


def score_lines(
    point: Point,
    directions: list[Parameters],
    positions: np.ndarray,
    rows: list[dict[str, Any]],
    tell: Tell = unwatched,
) -> Iterator[Part]:
    """Scores at every position of every line; each line is handed out as soon as it is there.

    The weights are evaluated once. A line from one run to another has the point 0 where the positions have one.

    Args:
        point: the weights.
        directions: one a line.
        positions: (N,) distances along each.
        rows: lines that are there already.
        tell: hears how far it is.

    Privacy: reads the rows of the point without noise.
    """
    rows = list(rows)
    each = len(positions) * point.examples
    beat = Meter(tell, LINES, len(directions) * each, done=len(rows) * each)
    centre: tuple[float, float] | None = None
    for direction in directions[len(rows) :]:
        found = []
        for position in positions:
            if abs(position) < 1e-12 and centre is not None:
                found.append(centre)
                beat.done += point.examples
                continue
            result = score(point, move(point.weights, direction, float(position)), beat)
            if abs(position) < 1e-12:
                centre = result
            found.append(result)
        rows.append({"loss": [loss for loss, _ in found], "accuracy": [share for _, share in found]})
        yield Part(LINES, {"rows": list(rows)}, complete=len(rows) == len(directions))
