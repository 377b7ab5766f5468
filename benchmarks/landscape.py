"""Eigenvalues and slices beside their peers, paired, at the final weights of a run.

    python benchmarks/landscape.py RUN [--runs FOLDER] [--examples 64] [--points 25] [--rounds 3] [--threads 1]

Eigenvalues: PyHessian's five by its default tolerance; then ours, until our five residuals are each no larger than its
five, both sorted. Slice: points of the default plane scored our way (each row padded to its own bucket; in the run's
own type, and in float32), and the plain way (float32, every row padded to the longest length, batches of 32), in turn.
Printed: processor seconds, which a busy machine moves little, ratios as medians over rounds, residuals, and the largest
difference in the rise of the loss from the plain way.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.curvature.hessian import hessian_at
from analysis.curvature.lanczos import Krylov, expand
from analysis.curvature.measure import residual_of
from analysis.curvature.operator import SymmetricOperator
from analysis.curvature.second_engine import LossSurface, find_by_pyhessian
from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.directions import draw_gaussian, normalise_filters
from analysis.landscape.scoring import score
from analysis.landscape.settings import PlaneConfig
from analysis.opening import Point, open_objective, open_point
from analysis.vectors import move
from dpflat.core.batches import Batch
from dpflat.core.keys import Purpose, seed_generator
from dpflat.entry import load_run
from dpflat.execution.worker import set_up_torch
from dpflat.runs.record import Run

COUNT, PLAIN_BATCH, PYHESSIAN_TOLERANCE, PYHESSIAN_ITERATIONS = 5, 32, 1e-3, 100


def compare_eigenvalues(run: Run, examples: int) -> dict[str, Any]:
    """Seconds and residuals of five eigenvalues."""
    point = open_point(run, CurvatureConfig(examples=examples))
    began = time.process_time()
    surface = LossSurface(point.objective, point.weights, point.keys, point.pieces)
    values, vectors = find_by_pyhessian(surface, COUNT, PYHESSIAN_TOLERANCE, PYHESSIAN_ITERATIONS)
    theirs = time.process_time() - began
    hessian = hessian_at(point, point.keys)
    residuals = sorted(residual_of(hessian, v, vector) for v, vector in zip(values, vectors, strict=True))
    began = time.process_time()
    krylov = expand_until(hessian_at(point, point.keys), residuals)
    seconds = time.process_time() - began
    found, _, reached = krylov.solve()
    return {
        "entries": point.size,
        "examples": examples,
        "pyhessian, s": round(theirs, 1),
        "pyhessian, values": [round(float(v), 4) for v in values],
        "pyhessian, residuals": [float(f"{r:.2g}") for r in residuals],
        "ours, s": round(seconds, 1),
        "ours, values": [round(float(v), 4) for v in found[::-1][:COUNT]],
        "ours, residuals": [float(f"{r:.2g}") for r in sorted(reached[-COUNT:])],
        "ours, products": len(found),
        "pyhessian over ours": round(theirs / seconds, 2),
    }


def expand_until(operator: SymmetricOperator, residuals: list[float]) -> Krylov:
    """The space in which the largest eigenvalues have residuals no larger than these, both sorted."""
    generator = seed_generator(0, Purpose.CURVATURE)
    for krylov in expand(operator, generator.standard_normal(operator.shape[0]), generator):
        if len(krylov.diagonal) > COUNT:
            reached = sorted(krylov.solve()[2][-COUNT:])
            if all(mine <= theirs for mine, theirs in zip(reached, residuals, strict=True)):
                break
    return krylov


def pad(point: Point, longest: int) -> list[Batch]:
    """All rows in batches of 32, every row padded to one length."""
    columns = {"input_ids": point.objective.backbone.pad_id, "mask": 0}
    rows = [
        Batch(
            *(
                torch.nn.functional.pad(getattr(piece, name), (0, longest - piece.mask.shape[1]), value=filler)
                for name, filler in columns.items()
            ),
            piece.labels,
            piece.unit,
        )
        for piece in point.pieces
    ]
    names = ("input_ids", "mask", "labels", "unit")
    whole = Batch(*(torch.cat([getattr(row, name) for row in rows]) for name in names))
    starts = range(0, len(whole), PLAIN_BATCH)
    return [Batch(*(getattr(whole, name)[s : s + PLAIN_BATCH] for name in names)) for s in starts]


def compare_slices(run: Run, examples: int, points: int, rounds: int) -> dict[str, Any]:
    """Seconds a point of the default plane, each way in turn, and how far their rises are apart."""
    config = PlaneConfig(examples=examples)
    single = open_point(run, config)
    own = replace(single, objective=open_objective(run))
    plain = replace(single, pieces=pad(single, run.config.data.max_tokens))
    ways = {"own type": own, "float32": single, "plain": plain}
    axes = [normalise_filters(own, draw_gaussian(own, 0, number))[0] for number in range(2)]
    places = np.random.default_rng(0).uniform(-2, 2, (points, 2))
    middle = {name: score(p, p.weights)[0] for name, p in ways.items()}
    spent = {name: np.zeros(rounds) for name in ways}
    apart = dict.fromkeys(ways, 0.0)
    for number in range(rounds):
        for x, y in places:
            rises = {}
            for name, point in ways.items():
                began = time.process_time()
                at = move(move(point.weights, axes[0], float(x)), axes[1], float(y))
                rises[name] = score(point, at)[0] - middle[name]
                spent[name][number] += time.process_time() - began
            apart = {name: max(apart[name], abs(rises[name] - rises["plain"])) for name in ways}
    each = {name: float(np.median(seconds)) / points for name, seconds in spent.items()}
    return {
        "dtype": run.config.backbone.dtype,
        "examples": own.examples,
        "s a point": {name: round(value, 3) for name, value in each.items()},
        "s for 441 points": {name: round(441 * value, 1) for name, value in each.items()},
        "plain over it, median": {name: round(float(np.median(spent["plain"] / spent[name])), 2) for name in ways},
        "largest difference of a rise, nats": {name: float(f"{value:.2g}") for name, value in apart.items()},
    }


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--points", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    set_up_torch()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    run = load_run(arguments.run, arguments.runs)
    slices = compare_slices(run, arguments.examples, arguments.points, arguments.rounds)
    print(json.dumps({"threads": arguments.threads, "slice": slices}, indent=1), flush=True)
    print(json.dumps({"eigenvalues": compare_eigenvalues(run, arguments.examples)}, indent=1))


if __name__ == "__main__":
    main()
