"""Do prefixes matter? Prefix tuning beside a linear head alone, without privacy, on TREC's six question types.

    python benchmarks/prefixes.py FOLDER [--backbone dpflat-tiny] [--seeds 5] [--epochs 8]

FOLDER holds `train.txt` and `test.txt` as Li and Roth published them: `CLASS:subclass question` in latin-1. Settings
are the defaults but for the epochs; the head alone is also run with a three and a ten times larger step size, and the
best of the three on the test questions stands for it (in its favour). Printed: accuracies by seed, the paired
difference, and what taking all prefixes out of the trained model costs, with 95 % intervals over seeds and questions.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from analysis.results import PairedDifference
from analysis.tradeoff import pair
from dpflat.backbones.load import Backbone
from dpflat.config import RunConfig, build_config
from dpflat.core.batches import EncodedSplit
from dpflat.core.prefix import initialise
from dpflat.execution.worker import set_up_torch
from dpflat.settings.text import apply_settings
from dpflat.training.evaluation import measure
from dpflat.training.events import Trained
from dpflat.training.experiment import Experiment, prepare
from dpflat.training.forecast import plan_steps
from dpflat.training.phases import train

HEAD_FACTORS = (1, 3, 10)


def read_questions(path: Path) -> tuple[list[str], list[str]]:
    """Questions and their coarse classes."""
    rows = [line.split(" ", 1) for line in path.read_text(encoding="latin-1").splitlines()]
    return [row[1] for row in rows], [row[0].split(":")[0] for row in rows]


def encode(path: Path, backbone: Backbone, classes: list[str]) -> EncodedSplit:
    """A file as token sequences, one unit a question."""
    texts, names = read_questions(path)
    labels = np.array([classes.index(name) for name in names], dtype=np.int64)
    return EncodedSplit(tuple(backbone.tokenise(texts, 64)), labels, np.arange(len(texts)), backbone.pad_id)


def prepare_questions(config: RunConfig, folder: Path) -> Experiment:
    """The experiment of a bundled task with its texts replaced by TREC's."""
    experiment = prepare(config)
    backbone = experiment.objective.backbone
    classes = sorted(set(read_questions(folder / "train.txt")[1]))
    training, test = (encode(folder / f"{name}.txt", backbone, classes) for name in ("train", "test"))
    task = replace(experiment.data.task, class_names=tuple(classes))
    sized = config.model_copy(update={"data": config.data.model_copy(update={"train_subset": len(training)})})
    return replace(
        experiment,
        schedule=plan_steps(sized)[1],
        data=replace(experiment.data, task=task, train=training, test=test, public_units=len(training)),
        initial=initialise(config.adapter, backbone, len(classes), config.seed, config.readout),
    )


def run(folder: Path, settings: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(examples,) of 0 or 1: correct after training, and correct with all prefixes taken out of the trained model."""
    config = build_config(apply_settings({"readout": {"kind": "linear"}}, settings))
    experiment = prepare_questions(config, folder)
    trained = next(event for event in train(experiment) if isinstance(event, Trained))
    head = {key: value for key, value in trained.state.parameters.items() if key.startswith("head.")}
    alone = measure(experiment, replace(trained.state, parameters=head))
    return trained.evaluation.scores["correct"], alone.scores["correct"]


def describe(difference: PairedDifference | None) -> dict[str, float]:
    """A difference in percentage points."""
    assert difference is not None
    return {key: round(100 * asdict(difference)[key], 2) for key in ("mean", "low", "high")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="dpflat-tiny")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=float, default=8)
    arguments = parser.parse_args()
    set_up_torch()
    base = [f"backbone.name={arguments.backbone}", "backbone.dtype=bfloat16", "privacy.kind=none"]
    base += [f"optimiser.epochs={arguments.epochs}", "execution.evaluations=1", "execution.trajectory_points=0"]
    rate = RunConfig().optimiser.head_learning_rate
    prefix: dict[int, np.ndarray] = {}
    without: dict[int, np.ndarray] = {}
    heads: dict[int, dict[int, np.ndarray]] = {factor: {} for factor in HEAD_FACTORS}
    for seed in range(arguments.seeds):
        prefix[seed], without[seed] = run(arguments.folder, [*base, f"seed={seed}"])
        for factor in HEAD_FACTORS:
            own = ["adapter.kind=head_only", f"optimiser.head_learning_rate={factor * rate}", f"seed={seed}"]
            heads[factor][seed] = run(arguments.folder, [*base, *own])[0]
        print(f"seed {seed} done", file=sys.stderr)
    best = max(HEAD_FACTORS, key=lambda factor: np.mean(list(heads[factor].values())))
    percent = {
        "prefix": prefix,
        "all prefixes taken out": without,
        **{f"head only, step size {factor * rate:g}": heads[factor] for factor in HEAD_FACTORS},
    }
    result = {
        "backbone": arguments.backbone,
        "epochs": arguments.epochs,
        "test questions": len(prefix[0]),
        "accuracy by seed": {
            name: [round(100 * float(v.mean()), 1) for v in values.values()] for name, values in percent.items()
        },
        "prefix minus head only, points": describe(pair(prefix, heads[best])),
        "what taking all prefixes out costs, points": describe(pair(prefix, without)),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
