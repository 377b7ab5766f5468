"""Eigenvalues and slices beside their peers, paired, at the final weights of a run.

    python benchmarks/landscape.py RUN [--runs FOLDER] [--examples 64] [--points 25] [--rounds 3] [--threads 1]

Eigenvalues: PyHessian's five largest by its default tolerance; then ours, with residuals no larger than its largest.
Slice: points of the default plane scored our way (each row padded to its own bucket, the run's own type), and the plain
way (float32, every row padded to the longest length, batches of 32), in turn. Printed: seconds, ratios as medians over
rounds, residuals, and the largest difference in the rise of the loss that our way makes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.curvature.lanczos import find_extremes
from analysis.curvature.measure import residual_of
from analysis.curvature.product import hessian_product
from analysis.curvature.second_engine import LossSurface, run_pyhessian
from analysis.curvature.settings import CurvatureConfig
from analysis.landscape.directions import draw_gaussian, normalise_filters
from analysis.landscape.scoring import score
from analysis.landscape.settings import PlaneConfig
from analysis.opening import Point, open_point
from analysis.parts import finish
from analysis.vectors import move
from dpflat.batches import Batch
from dpflat.keys import Purpose, seed_generator
from dpflat.runs.record import Run
from dpflat.runs.store import load_run
from dpflat.worker import set_up_torch

COUNT, PLAIN_BATCH, PYHESSIAN_TOLERANCE, PYHESSIAN_ITERATIONS = 5, 32, 1e-3, 100


def compare_eigenvalues(run: Run, examples: int) -> dict[str, Any]:
    """Seconds and residuals of the five largest eigenvalues."""
    point = open_point(run, CurvatureConfig(examples=examples), "float32")
    product = hessian_product(point.objective, point.weights, point.keys, point.pieces)
    began = time.monotonic()
    surface = LossSurface(point.objective, point.weights, point.keys, point.pieces)
    values, vectors = run_pyhessian(surface, COUNT, PYHESSIAN_TOLERANCE, PYHESSIAN_ITERATIONS)
    theirs = time.monotonic() - began
    residuals = [finish(residual_of(product, v, vector)) for v, vector in zip(values, vectors, strict=True)]
    began = time.monotonic()
    tolerance = max(residuals) / float(np.abs(values).max())
    generator = seed_generator(0, Purpose.CURVATURE)
    ours = finish(find_extremes(product, point.size, COUNT, tolerance, 200, generator))
    seconds = time.monotonic() - began
    return {
        "entries": point.size,
        "examples": examples,
        "pyhessian, s": round(theirs, 1),
        "pyhessian, values": [round(float(v), 4) for v in values],
        "pyhessian, residuals": [float(f"{r:.2g}") for r in residuals],
        "ours, s": round(seconds, 1),
        "ours, values": [round(float(v), 4) for v in ours.top.values],
        "ours, residuals": [float(f"{r:.2g}") for r in ours.top.residuals],
        "ours, products": ours.products,
        "pyhessian over ours": round(theirs / seconds, 2),
    }


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


def compare_slices(run: Run, points: int, rounds: int) -> dict[str, Any]:
    """Seconds a point of the default plane, both ways in turn, and how far their rises are apart."""
    config = PlaneConfig()
    fast = open_point(run, config)
    plain = open_point(run, config, "float32")
    plain = replace(plain, pieces=pad(plain, run.config.data.max_tokens))
    axes = [normalise_filters(fast, draw_gaussian(fast, 0, number))[0] for number in range(2)]
    places = np.random.default_rng(0).uniform(-2, 2, (points, 2))
    middle = {name: finish(score(p, p.weights))[0] for name, p in (("fast", fast), ("plain", plain))}
    ratios, apart, seconds = [], 0.0, {"fast": 0.0, "plain": 0.0}
    for _ in range(rounds):
        spent = {"fast": 0.0, "plain": 0.0}
        for x, y in places:
            rises = {}
            for name, point in (("fast", fast), ("plain", plain)):
                began = time.monotonic()
                at = move(move(point.weights, axes[0], float(x)), axes[1], float(y))
                rises[name] = finish(score(point, at))[0] - middle[name]
                spent[name] += time.monotonic() - began
            apart = max(apart, abs(rises["fast"] - rises["plain"]))
        ratios.append(spent["plain"] / spent["fast"])
        seconds = {name: seconds[name] + value for name, value in spent.items()}
    each = {name: value / rounds / points for name, value in seconds.items()}
    return {
        "dtype": run.config.backbone.dtype,
        "examples": fast.examples,
        "fast, s a point": round(each["fast"], 3),
        "plain, s a point": round(each["plain"], 3),
        "fast, s for 441 points": round(441 * each["fast"], 1),
        "plain over fast, median": round(statistics.median(ratios), 2),
        "largest difference of a rise, nats": float(f"{apart:.2g}"),
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
    slices = compare_slices(run, arguments.points, arguments.rounds)
    print(json.dumps({"threads": arguments.threads, "slice": slices}, indent=1), flush=True)
    print(json.dumps({"eigenvalues": compare_eigenvalues(run, arguments.examples)}, indent=1))


if __name__ == "__main__":
    main()
