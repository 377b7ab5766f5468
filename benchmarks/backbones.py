"""Speed of backbones beside each other, on the same sentences, paired in one run.

    python benchmarks/backbones.py [--backbones dpflat-tiny minilm] [--rounds 7] [--rows 512]

For each backbone and each type of the frozen weights: examples a second of a private step's gradients (per-example
gradients of all prefixes and the head, at the backbone's own microbatch) and of a forward pass. The rows are one
Poisson-like draw of rotten_tomatoes' training sentences, in the pieces that training uses. Printed: medians over the
rounds, in an order that changes from round to round, and the median of the paired ratios to the last backbone named.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch

from dpflat.config import build_config
from dpflat.core.batches import Batch, microbatches
from dpflat.core.gradients import per_unit_gradients
from dpflat.execution.worker import set_up_torch
from dpflat.settings.text import apply_settings
from dpflat.training.experiment import Experiment, prepare


def private_step(experiment: Experiment, pieces: list[Batch]) -> float:
    """Seconds of the per-example gradients of all pieces."""
    began = time.perf_counter()
    for piece in pieces:
        per_unit_gradients(experiment.objective, experiment.initial, piece)
    return time.perf_counter() - began


@torch.no_grad()
def forward(experiment: Experiment, pieces: list[Batch]) -> float:
    """Seconds of the losses of all pieces."""
    began = time.perf_counter()
    for piece in pieces:
        experiment.objective.per_example_loss(experiment.initial, piece)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=["dpflat-tiny", "minilm"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=512)
    arguments = parser.parse_args()
    set_up_torch()
    work, names = {}, []
    for dtype in ("bfloat16", "float32"):
        for name in arguments.backbones:
            settings = [f"backbone.name={name}", f"backbone.dtype={dtype}", "readout.kind=linear"]
            config = build_config(apply_settings({}, settings))
            experiment = prepare(config)
            rows = np.sort(np.random.default_rng(0).permutation(len(experiment.data.train))[: arguments.rows])
            work[dtype, name] = experiment, list(microbatches(experiment.data.train, rows, config.microbatch()))
            names.append((dtype, name))
    seconds: dict[tuple[str, str, str], list[float]] = {}
    for number in range(arguments.rounds + 1):
        for key in np.roll(np.array(names), number, axis=0).tolist():
            experiment, pieces = work[key[0], key[1]]
            for what, measure in (("private step", private_step), ("forward", forward)):
                taken = measure(experiment, pieces)
                if number:
                    seconds.setdefault((what, *key), []).append(taken)
    peer, result = arguments.backbones[-1], {}
    for (what, dtype, name), values in seconds.items():
        result[f"{what}, {dtype}, {name}"] = {
            "examples per second": round(arguments.rows / statistics.median(values)),
            f"times {peer}": round(
                statistics.median(p / v for p, v in zip(seconds[what, dtype, peer], values, strict=True)), 2
            ),
        }
    print(json.dumps({"threads": torch.get_num_threads(), "rounds": arguments.rounds, **result}, indent=1))


if __name__ == "__main__":
    main()
