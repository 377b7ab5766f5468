"""Remove-one trials of every mode that acts within a step, stored for the lessons.

    python benchmarks/remove_one.py OUT.json [--trials 200] [--backbone dpflat-tiny] [--authors]

400 sentences of at most 16 tokens, expected batch 40, C = 0.1, epsilon 1, weights after 10 of 60 steps; half of the
trials take away natural records, half records with a wrong label. Printed and stored: for each mode the largest and the
median movement of the clipped sum in units of C, beside settings, seeds and versions. A mode whose epsilon holds stays
at or under 1, up to the rounding of a float32 sum. OUT.json is written after each mode. Strengths are chosen so that a
movement can be seen; `--authors` adds to an OUT.json that is there the published modes at the authors' own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from analysis.sensitivity import remove_one
from dpflat.config import build_config
from dpflat.environment import describe_software
from dpflat.experiment import prepare
from dpflat.flatness.settings import MODES_OF
from dpflat.runs.files import read_json, replace_json
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
    more = LOUD[level] if mode != "average" else LOUD[level][:1]
    return [f"flatness.{level}.mode={mode}", *more]


def try_mode(settings: list[str], trials: int) -> dict[str, Any]:
    """What taking single records away does under some settings, and the versions it was measured with."""
    config = build_config(apply_settings({}, settings))
    experiment = prepare(config)
    half = trials // 2
    tried = [t for planted in (False, True) for t in remove_one(experiment, STEP, half, planted, TRIAL_SEED)]
    moved = np.array([t.moved for t in tried])
    return {
        "settings": settings,
        "fingerprint": config.fingerprint(),
        "guarantee": experiment.ledger.guarantee().answer,
        "largest": float(moved.max()),
        "median": float(np.median(moved)),
        "share_above_c": float((moved > 1.0001).mean()),
        "software": describe_software(experiment.objective.backbone),
        "trials": [asdict(t) for t in tried],
    }


def main() -> None:
    """Try, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--backbone", default="dpflat-tiny")
    parser.add_argument("--authors", action="store_true")
    arguments = parser.parse_args()
    set_up_torch()
    common = [*SMALL, f"backbone.name={arguments.backbone}"]
    if arguments.authors:
        modes = {f"{level}: as_published": [*common, *settings] for level, settings in AUTHORS.items()}
        stored, part = read_json(arguments.out), "authors"
    else:
        pairs = [(level, mode) for level in LOUD for mode in MODES_OF[level] if mode != "off"]
        modes = {"none: off": common} | {f"{lv}: {mode}": [*common, *settings_of(lv, mode)] for lv, mode in pairs}
        conditions = {"seed": 0, "seed_of_records": TRIAL_SEED, "settings": common}
        stored = read_json(arguments.out) if arguments.out.exists() else {}
        stored, part = stored | {"step": STEP, "units": "C", "conditions": conditions}, "modes"
    stored[part] = {}
    for name, settings in modes.items():
        began = time.monotonic()
        found = stored[part][name] = try_mode(settings, arguments.trials)
        replace_json(arguments.out, stored)
        seconds = time.monotonic() - began
        told = f"largest {found['largest']:.4f} C, median {found['median']:.4f} C ({seconds:.0f} s)"
        print(f"{name}: {told}", file=sys.stderr)
    shown = ("largest", "median", "share_above_c")
    print(json.dumps({name: {what: mode[what] for what in shown} for name, mode in stored[part].items()}))


if __name__ == "__main__":
    main()
