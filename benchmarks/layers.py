"""How long the parts of an analysis of layers take, and what sharing states saves over one forward pass a subset.

    python benchmarks/layers.py [RUN] [--rounds 3]

Default settings on a finished run (default: the shipped DP prefix run at epsilon 3, seed 0). Printed: seconds of each
part; and, on the same 256 rows, the median over rounds of the ratio of all subsets by shared states to all subsets
each by the model's own forward pass, the two in turn within each round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import torch

from analysis.layers.analyse import analyse_layers
from analysis.layers.forward import score_subsets
from analysis.layers.model import Asked, list_asked, open_run
from analysis.layers.settings import LayersConfig
from analysis.layers.subsets import Subset
from analysis.parts import Part
from dpflat.core.prefix import active_layers, drop_layers
from dpflat.entry import load_run
from dpflat.execution.worker import set_up_torch
from dpflat.runs.store import SHIPPED, Store


def time_parts(asked: Asked, config: LayersConfig, subsets: list[Subset]) -> dict[str, float]:
    """Seconds of each part."""
    seconds, began = {}, time.perf_counter()
    for found in analyse_layers(asked, config, subsets, frozenset(), lambda _: None):
        if isinstance(found, Part):
            seconds[found.name] = round(time.perf_counter() - began, 1)
            began = time.perf_counter()
    return seconds


def time_shared(asked: Asked, subsets: list[Subset]) -> float:
    """Seconds of all subsets on the few rows, by shared states."""
    began = time.perf_counter()
    for piece in asked.few:
        score_subsets(asked.objective, asked.before_removal, piece, subsets)
    return time.perf_counter() - began


def time_alone(asked: Asked, subsets: list[Subset]) -> float:
    """Seconds of the same, each subset by a forward pass of its own."""
    layers = active_layers(asked.before_removal)
    began = time.perf_counter()
    for subset in subsets:
        parameters = drop_layers(asked.before_removal, [layer for layer in layers if layer not in subset])
        with torch.no_grad():
            for piece in asked.few:
                asked.objective.per_example_scores(parameters, piece)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    set_up_torch()
    torch.set_num_threads(os.cpu_count() or 1)
    first = next(r for r in reversed(Store(SHIPPED).list_runs(shipped=False)) if "-dp-prefix-eps3-s0-" in r.id)
    run = load_run(arguments.run) if arguments.run else first
    config = LayersConfig()
    asked = open_run(run, config)
    subsets = list_asked(run, asked, config)
    ratios = [time_shared(asked, subsets) / time_alone(asked, subsets) for _ in range(arguments.rounds)]
    result = {
        "run": run.id,
        "subsets": len(subsets),
        "shared over alone": round(statistics.median(ratios), 3),
        "seconds": time_parts(asked, config, subsets),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
