"""Remove-one trials of every mode, stored for the lessons.

    python benchmarks/remove_one.py OUT.json [--trials 200] [--hostile 100] [--slow 10] [--backbone dpflat-tiny]

400 sentences of at most 16 tokens, expected batch 40, C = 0.1, epsilon 1, weights after 10 of 60 steps. Stored for each
mode, beside settings, seeds and versions:

- `trials`: movements of the clipped sum in units of C, half of natural records, half of records with a wrong label;
- `hostile`: the same for records in whose place stands an empty text, the longest one or unknown words, with the
  record's own and with a wrong label: six trials a record;
- `choices`, where private scores choose layers: for each of these records, natural and hostile, how far the log of
  the probability of a choice moved, beside the epsilon that the round paid. A greedy choice that changed is null.

A mode whose epsilon holds stays at or under 1 C, up to the rounding of a float32 sum, and its choices at or under what
they paid. Strengths are chosen so that a movement can be seen; `authors` are the published modes at the authors' own.
`--slow` is the number of records for choices, and of hostile ones where each trial trains a twin. OUT.json is written
after each item, and what it already holds is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dpflat.config import build_config
from dpflat.execution.worker import set_up_torch
from dpflat.flatness.mode import MODES_BY_LEVEL
from dpflat.runs.files import read_json, replace_file
from dpflat.settings.text import apply_settings
from dpflat.training.environment import describe_software
from dpflat.training.experiment import Experiment, prepare
from draws import remove_from_scores
from sensitivity import HOSTILE_DISGUISES, Disguise, choose_records, remove_each, run_until

STEP, WARM_UP, TRIAL_SEED = 10, 5, 0
NATURAL_DISGUISES = (Disguise(), Disguise(planted=True))
SMALL = (
    "data.train_subset=400",
    "data.max_tokens=16",
    "optimiser.batch_size=40",
    "optimiser.epochs=6",
    "privacy.epsilon=1",
    "privacy.max_grad_norm=0.1",
    "execution.trajectory_points=0",
    "execution.evaluations=1",
)
LOUD = {
    "within_layer": ("flatness.within_layer.gamma=0.3",),
    "cross_layer": ("flatness.cross_layer.warmup_epochs=0.5",),
    "cross_model": ("flatness.cross_model.strength=1", "flatness.cross_model.twin_epochs=4"),
}
BOX = tuple(f"flatness.cross_layer.{name}" for name in ("examples=400", "ascent_steps=2", "restarts=1"))
MORE = {("cross_layer", "as_published"): BOX, ("cross_layer", "public"): BOX}
NEEDED = {("cross_layer", "fixed"): 0, ("cross_model", "average"): 1}
AUTHORS = {
    "within_layer": (
        "flatness.within_layer.mode=as_published",
        "flatness.within_layer.norm=whole",
        "flatness.within_layer.gamma=0.0001",
    ),
    "cross_model": (
        "flatness.cross_model.mode=as_published",
        "flatness.cross_model.distance=norm",
        "flatness.cross_model.strength=0.01",
    ),
}


def settings_of(level: str, mode: str) -> list[str]:
    """Settings of one level in one mode, strong enough to be seen."""
    own = LOUD[level][: NEEDED.get((level, mode))]
    return [f"flatness.{level}.mode={mode}", *own, *MORE.get((level, mode), ())]


def summarise(moved: list[float]) -> dict[str, float]:
    """The largest and the median movement, and the share above C."""
    values = np.array(moved)
    return {
        "largest": float(values.max()),
        "median": float(np.median(values)),
        "share_above_c": float((values > 1.0001).mean()),
    }


def try_natural(experiment: Experiment, trials: int) -> dict[str, Any]:
    """What taking away single records as they are, and with a wrong label, does to the clipped sum."""
    records, state = choose_records(experiment, trials // 2, TRIAL_SEED), run_until(experiment, STEP)
    tried = [t for disguise in NATURAL_DISGUISES for t in remove_each(experiment, state, records, (disguise,))]
    return {
        "guarantee": experiment.ledger.guarantee().answer,
        **summarise([t.moved for t in tried]),
        "software": describe_software(experiment.objective.backbone),
        "trials": [asdict(t) for t in tried],
    }


def try_hostile(experiment: Experiment, records: int) -> dict[str, Any]:
    """The same for hostile records, and which of them moved the sum furthest."""
    chosen, state = choose_records(experiment, records, TRIAL_SEED), run_until(experiment, STEP)
    tried = list(remove_each(experiment, state, chosen, HOSTILE_DISGUISES))
    furthest = max(tried, key=lambda trial: trial.moved)
    return {
        **summarise([t.moved for t in tried]),
        "records": records,
        "furthest": {"text": furthest.text, "planted": furthest.planted},
        "software": describe_software(experiment.objective.backbone),
        "trials": [asdict(t) for t in tried],
    }


def try_choices(experiment: Experiment, records: int) -> dict[str, Any]:
    """What natural and hostile records do to the first choice of a layer, and what that round paid."""
    mechanism, state = experiment.plan.selection, run_until(experiment, WARM_UP)
    chosen = choose_records(experiment, records, TRIAL_SEED)
    tried = list(remove_from_scores(experiment, state, chosen, (*NATURAL_DISGUISES, *HOSTILE_DISGUISES)))
    certain = [t for t in tried if math.isinf(t.log_ratio)]
    return {
        "paid": mechanism.epsilon if mechanism is not None else 0.0,
        "largest": None if certain else max(t.log_ratio for t in tried),
        "changed": len(certain),
        "records": records,
        "software": describe_software(experiment.objective.backbone),
        "trials": [asdict(t) | ({"log_ratio": None} if math.isinf(t.log_ratio) else {}) for t in tried],
    }


def list_modes(common: list[str]) -> dict[tuple[str, str], list[str]]:
    """The settings of every mode, by part and name."""
    pairs = [(level, mode) for level in LOUD for mode in MODES_BY_LEVEL[level]]
    modes = {("modes", "none: off"): common}
    modes |= {("modes", f"{level}: {mode}"): [*common, *settings_of(level, mode)] for level, mode in pairs}
    return modes | {("authors", f"{lv}: as_published"): [*common, *own] for lv, own in AUTHORS.items()}


def store(out: Path, stored: dict[str, Any]) -> None:
    """Write it in one line, since thousands of trials are in it."""
    replace_file(out, (json.dumps(stored, separators=(",", ":"), allow_nan=False) + "\n").encode())


def main() -> None:
    """Try, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--hostile", type=int, default=100)
    parser.add_argument("--slow", type=int, default=10)
    parser.add_argument("--backbone", default="dpflat-tiny")
    arguments = parser.parse_args()
    set_up_torch()
    common = [*SMALL, f"backbone.name={arguments.backbone}"]
    conditions = {"seed": 0, "seed_of_records": TRIAL_SEED, "settings": common}
    stored = read_json(arguments.out) if arguments.out.exists() else {"conditions": conditions}
    stored |= {"step": STEP, "units": "C"}
    for (part, name), settings in list_modes(common).items():
        config = build_config(apply_settings({"schema_version": 1}, settings))
        found = stored.setdefault(part, {}).setdefault(
            name, {"settings": settings, "fingerprint": config.fingerprint()}
        )
        scored = name in ("cross_layer: exponential", "cross_layer: as_published")
        lacking = [what for what in ("hostile", *(["choices"] if scored else [])) if what not in found]
        if "trials" in found and not lacking:
            continue
        began, experiment = time.monotonic(), prepare(config)
        if "trials" not in found:
            found |= try_natural(experiment, arguments.trials)
            store(arguments.out, stored)
        records = arguments.slow if name == "cross_model: as_published" else arguments.hostile
        for what in lacking:
            found[what] = (
                try_hostile(experiment, records) if what == "hostile" else try_choices(experiment, arguments.slow)
            )
            store(arguments.out, stored)
        reported = {"largest": found["largest"], "hostile": found["hostile"]["largest"]}
        if scored:
            reported |= {what: found["choices"][what] for what in ("paid", "largest", "changed")}
        print(f"{part}, {name}: {json.dumps(reported)} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
