"""How far do the frozen features get by themselves? Logistic regression on each backbone's pooled vectors, no privacy.

    python benchmarks/probe.py [--task rotten_tomatoes] [--backbones dpflat-tiny minilm]

Vectors are standardised on the training split; the weight decay is chosen among five by five-fold cross-validation on
that split, and the test split is read once. There is no randomness but the folds, so the interval is over test
examples alone.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch
from scipy.optimize import minimize

from analysis.tradeoff import bootstrap_mean
from dpflat.config import RunConfig, build_config
from dpflat.core.batches import EncodedSplit, microbatches
from dpflat.settings.text import apply_settings
from dpflat.training.experiment import Experiment, prepare

DECAYS, FOLDS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0), 5


def read_features(experiment: Experiment, split: EncodedSplit) -> np.ndarray:
    """(rows, E) pooled vectors of a split, in its order."""
    found: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    with torch.no_grad():
        for piece in microbatches(split, np.arange(len(split)), 128):
            found.append(experiment.objective.features({}, piece).numpy())
            rows.append(piece.unit.numpy())
    return np.concatenate(found)[np.argsort(np.concatenate(rows))]


def fit(inputs: np.ndarray, labels: np.ndarray, decay: float) -> np.ndarray:
    """Weights and bias of a logistic regression for labels 0 and 1."""
    signs, wide = 2.0 * labels - 1, np.hstack([inputs, np.ones((len(inputs), 1))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (wide @ weights)
        decayed = np.append(weights[:-1], 0.0)
        slope = -(signs / (1 + np.exp(margins))) @ wide / len(wide) + decay * decayed
        return float(np.logaddexp(0, -margins).mean() + 0.5 * decay * decayed @ decayed), slope

    start = np.zeros(wide.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def are_right(weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which rows are answered right."""
    return (inputs @ weights[:-1] + weights[-1] > 0) == (labels == 1)


def validate(inputs: np.ndarray, labels: np.ndarray, decay: float) -> float:
    """Accuracy by cross-validation."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(inputs))
    found = []
    for number in range(FOLDS):
        own = fold == number
        found.append(are_right(fit(inputs[~own], labels[~own], decay), inputs[own], labels[own]).mean())
    return float(np.mean(found))


def probe(task: str, backbone: str) -> dict[str, float | list[float]]:
    """Test accuracy of one backbone's features."""
    settings = [f"task.name={task}", f"backbone.name={backbone}", "privacy.kind=none", "adapter.kind=head_only"]
    config: RunConfig = build_config(apply_settings({"readout": {"kind": "linear"}}, settings))
    experiment = prepare(config)
    train, test = experiment.data.train, experiment.data.test
    inputs, held_out = read_features(experiment, train), read_features(experiment, test)
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    inputs, held_out = (inputs - mean) / deviation, (held_out - mean) / deviation
    scores = {decay: validate(inputs, train.labels, decay) for decay in DECAYS}
    best = max(DECAYS, key=lambda decay: scores[decay])
    right = are_right(fit(inputs, train.labels, best), held_out, test.labels)
    low, high = bootstrap_mean(right.astype(float)[None, :])
    return {"accuracy": float(right.mean()), "interval": [low, high], "weight decay": best, "test examples": len(right)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="rotten_tomatoes")
    parser.add_argument("--backbones", nargs="+", default=["dpflat-tiny", "minilm"])
    arguments = parser.parse_args()
    print(json.dumps({name: probe(arguments.task, name) for name in arguments.backbones}, indent=1))


if __name__ == "__main__":
    main()
