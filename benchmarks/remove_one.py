"""Remove-one trials of every mode that acts within a step, stored for the lessons.

    python benchmarks/remove_one.py OUT.json [--trials 200] [--backbone dpflat-tiny]

400 sentences of at most 16 tokens, expected batch 40, C = 0.1, epsilon 1, weights after 10 of 60 steps; half of the
trials take away natural records, half records with a wrong label. Printed and stored: for each mode the largest and the
median movement of the clipped sum in units of C, beside settings, seeds and versions. A mode whose epsilon holds stays
at or under 1, up to the rounding of a float32 sum. OUT.json is written after each mode.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from analysis.sensitivity import remove_one
from dpflat.config import build_config
from dpflat.environment import describe_software
from dpflat.experiment import prepare
from dpflat.flatness.settings import MODES_OF
from dpflat.runs.files import replace_json
from dpflat.settings import apply_settings
from dpflat.worker import set_up_torch

STEP, TRIAL_SEED = 10, 0
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
    "cross_model": ("flatness.cross_model.strength=1", "flatness.cross_model.twin_epochs=4"),
}


def settings_of(level: str, mode: str) -> list[str]:
    """Settings of one level in one mode, strong enough to be seen."""
    more = LOUD[level] if mode != "average" else LOUD[level][:1]
    return [f"flatness.{level}.mode={mode}", *more]


def main() -> None:
    """Try, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--backbone", default="dpflat-tiny")
    arguments = parser.parse_args()
    set_up_torch()
    modes = [("none", "off"), *((level, m) for level in LOUD for m in MODES_OF[level] if m != "off")]
    found = {}
    common = [*SMALL, f"backbone.name={arguments.backbone}"]
    for level, mode in modes:
        began = time.monotonic()
        settings = [*common, *(settings_of(level, mode) if level != "none" else [])]
        config = build_config(apply_settings({}, settings))
        experiment = prepare(config)
        half = arguments.trials // 2
        trials = [t for planted in (False, True) for t in remove_one(experiment, STEP, half, planted, TRIAL_SEED)]
        moved = np.array([t.moved for t in trials])
        name = f"{level}: {mode}"
        found[name] = {
            "settings": settings,
            "fingerprint": config.fingerprint(),
            "guarantee": experiment.ledger.guarantee().answer,
            "largest": float(moved.max()),
            "median": float(np.median(moved)),
            "share_above_c": float((moved > 1.0001).mean()),
            "trials": [asdict(t) for t in trials],
        }
        seconds = time.monotonic() - began
        conditions = {"seed": config.seed, "seed_of_records": TRIAL_SEED, "settings": common}
        conditions["software"] = describe_software(experiment.objective.backbone)
        replace_json(arguments.out, {"step": STEP, "units": "C", "conditions": conditions, "modes": found})
        print(
            f"{name}: largest {moved.max():.4f} C, median {np.median(moved):.4f} C ({seconds:.0f} s)", file=sys.stderr
        )
    print(
        json.dumps({name: {k: mode[k] for k in ("largest", "median", "share_above_c")} for name, mode in found.items()})
    )


if __name__ == "__main__":
    main()
