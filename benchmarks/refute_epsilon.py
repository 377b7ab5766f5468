"""Does the published form break its epsilon in practice? Two data sets that differ in one record, many runs of each.

    python benchmarks/refute_epsilon.py OUT [--runs 20] [--level cross_model] [--mode as_published] [--values 1 0.1]

400 sentences of at most 16 tokens, one record with a changed label there or not, epsilon 1 claimed at delta 1e-5,
C = 0.1, expected batch 40, 60 steps, twin of 40 steps. Of each side RUNS runs choose a direction and a threshold, and
RUNS others are judged by them, so that the Clopper-Pearson bound on epsilon is fair. The direction is the better of
two: between the sides' mean weights, and between twins that the attacker trains himself on both data sets. OUT keeps
every run's weights, so that the work can be stopped and goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from analysis.audit import epsilon_lower_bound
from analysis.sensitivity import plant, with_training
from dpflat.config import build_config
from dpflat.events import Trained, TwinStep
from dpflat.experiment import Experiment, prepare
from dpflat.keys import derive_key, derive_seeded_key
from dpflat.prefix import trained_prefixes
from dpflat.runs.files import replace_file, replace_json
from dpflat.settings import apply_settings
from dpflat.training import train
from dpflat.worker import limit_caches

DELTA, RECORD = 1e-5, 7
BASE = (
    "data.train_subset=400",
    "data.max_tokens=16",
    "optimiser.batch_size=40",
    "optimiser.epochs=6",
    "privacy.epsilon=1",
    f"privacy.delta={DELTA}",
    "privacy.max_grad_norm=0.1",
    "execution.trajectory_points=0",
    "execution.evaluations=1",
)
KNOB = {"cross_model": "strength", "within_layer": "gamma"}


def sides(level: str, mode: str, value: float, distance: str, backbone: str) -> tuple[Experiment, Experiment]:
    """The experiment with the record, whose label is wrong, and without it; nothing is tested on the way."""
    settings = [
        *BASE,
        f"backbone.name={backbone}",
        f"flatness.{level}.mode={mode}",
        f"flatness.{level}.{KNOB[level]}={value}",
    ]
    if level == "cross_model":
        settings.append(f"flatness.cross_model.distance={distance}")
    if level == "cross_model" and mode != "average":
        settings.append("flatness.cross_model.twin_epochs=4")
    experiment = prepare(build_config(apply_settings({}, settings)))
    few = experiment.data.test.select(np.arange(8))
    experiment = replace(experiment, data=replace(experiment.data, test=few))
    split = plant(experiment.data.train, RECORD, 2)
    there = with_training(experiment, split)
    return there, with_training(experiment, split.select(np.delete(np.arange(len(split)), RECORD)))


def one_run(experiment: Experiment, number: int, side: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Final prefixes of one run with noise of its own, and its twin's, each as one vector."""
    key = derive_seeded_key(2 * number + side, "refute epsilon")
    twin = replace(experiment.twin, noise_key=derive_key(key, "twin")) if experiment.twin else None
    of_twin = weights = None
    for event in train(replace(experiment, noise_key=key, twin=twin)):
        if isinstance(event, TwinStep):
            of_twin = event.state.parameters
        elif isinstance(event, Trained):
            weights = event.state.parameters
    assert weights is not None
    return as_vector(weights), as_vector(of_twin) if of_twin else None


def as_vector(parameters: dict[str, torch.Tensor]) -> np.ndarray:
    """All prefix entries in one row."""
    return torch.cat([value.flatten() for value in trained_prefixes(parameters).values()]).numpy()


def collect(folder: Path, pair: tuple[Experiment, Experiment], runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (2, runs, entries) and twins of both sides, from disk where they are there."""
    weights, twins = [], []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(runs):
        for side in (0, 1):
            path = folder / f"{number}-{side}.npy"
            if not path.exists():
                final, twin = one_run(pair[side], number, side)
                both = np.stack([final, final if twin is None else twin]).astype(np.float32)
                replace_file(path, both.tobytes())
            found = np.frombuffer(path.read_bytes(), dtype=np.float32).reshape(2, -1)
            weights.append(found[0])
            twins.append(found[1])
    shape = (runs, 2, -1)
    return tuple(np.stack(v).reshape(shape).transpose(1, 0, 2) for v in (weights, twins))


def leave_one_out(weights: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(2, runs) projections on the difference of the sides' means, each run's own share taken out of it.

    Args:
        weights: (2, runs, entries) of both sides.
        direction: (entries,) the difference of their means, first side minus second.
    """
    runs = weights.shape[1]
    own = (weights.mean(axis=1, keepdims=True) - weights) / (runs - 1)
    own[1] *= -1
    return weights @ direction + (weights * own).sum(axis=2)


def gap_of(projections: np.ndarray) -> float:
    """How many standard deviations two sides (2, runs) stand apart."""
    return float((projections[0].mean() - projections[1].mean()) / np.sqrt(projections.var(axis=1, ddof=1).mean()))


def judge(weights: np.ndarray, twins: np.ndarray, runs: int) -> dict[str, float | str | bool]:
    """Choose direction and threshold on the first runs of each side, judge the others by them."""
    first, second = weights[:, :runs], weights[:, runs:]
    between, of_twins = (w[0].mean(axis=0) - w[1].mean(axis=0) for w in (first, twins[:, :runs]))
    candidates = {"weights": (between, leave_one_out(first, between)), "twins": (of_twins, first @ of_twins)}
    name = max(candidates, key=lambda name: gap_of(candidates[name][1]))
    direction, seen = candidates[name]
    held = second @ direction
    found, alarms = ((held[side] > seen.mean()).sum() for side in (0, 1))
    count = second.shape[1]
    bound = epsilon_lower_bound(int(found), count, int(alarms), count, DELTA)
    return {
        "direction": name,
        "standard_deviations_apart": gap_of(held),
        "found": int(found),
        "false_alarms": int(alarms),
        "held_out_runs_a_side": int(count),
        "epsilon_lower_bound": bound,
        "refutes_epsilon_1": bound > 1.0,
    }


def main() -> None:
    """Run, judge, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--level", default="cross_model", choices=list(KNOB))
    parser.add_argument("--mode", default="as_published")
    parser.add_argument("--distance", default="squared", choices=["squared", "norm"], help="of the pull")
    parser.add_argument("--values", type=float, nargs="+", default=[1.0, 0.1, 0.01])
    parser.add_argument("--backbone", default="dpflat-tiny")
    arguments = parser.parse_args()
    limit_caches()
    result = {}
    start = f"{arguments.level}-{arguments.mode}{'-norm' if arguments.distance == 'norm' else ''}"
    for value in arguments.values:
        name = f"{start}-{value:g}"
        pair = sides(arguments.level, arguments.mode, value, arguments.distance, arguments.backbone)
        weights, twins = collect(arguments.out / name, pair, 2 * arguments.runs)
        result[name] = judge(weights, twins, arguments.runs)
        print(name, json.dumps(result[name]), file=sys.stderr)
        replace_json(arguments.out / f"{start}.json", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
