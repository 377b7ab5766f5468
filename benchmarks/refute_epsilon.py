"""Does the published form break its epsilon in practice? Two data sets that differ in one record, many runs of each.

    python benchmarks/refute_epsilon.py WORK OUT.json [--runs 20] [--only SETTING ...] [--backbone dpflat-tiny]

400 sentences of at most 16 tokens, one record with a changed label there or not, epsilon 1 claimed at delta 1e-5,
C = 0.1, expected batch 40, 60 steps, twin of 40 steps. Of each side RUNS runs choose a direction and a threshold, and
RUNS others are judged by them, so that the Clopper-Pearson bound on epsilon is fair. The direction is the better of
two: between the sides' mean weights, and between the mean twins, which an attacker who has both data sets can train
himself. RUNS is fixed beforehand: adding runs because of what was seen would make the bound unfair.

Where the order of the twin's batches is `known`, the twin is the same in every run of a side. Those settings were added
after the others had refuted nothing; `bound_over_all` counts them.

Each bound has its 95 % for one setting; `bound_over_all` has them for all settings of the sweep at once, which share
their noise keys. A claim that is not refuted is not proved: this is one pair of data sets and one attack.

WORK keeps every run, so that the work can be stopped at any time and goes on with the same command. OUT.json is written
after each setting: conditions, one verdict a setting, and for each mode the smallest setting that is refuted.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audit import judge_pair
from dpflat.config import RunConfig, build_config
from dpflat.core.keys import derive_key, derive_seeded_key
from dpflat.core.prefix import trained_prefixes
from dpflat.execution.worker import set_up_torch
from dpflat.runs.files import read_json, replace_file, replace_json
from dpflat.settings.text import apply_settings
from dpflat.training.environment import describe_software
from dpflat.training.events import Trained, TwinStep
from dpflat.training.experiment import Experiment, prepare
from dpflat.training.phases import train
from dpflat.training.recorder import encode_arrays
from sensitivity import plant, with_training

CLAIMED, DELTA, ALPHA, UNITS, RECORD = 1.0, 1e-5, 0.05, 400, 7
BASE = (
    f"data.train_subset={UNITS}",
    "data.max_tokens=16",
    "optimiser.batch_size=40",
    "optimiser.epochs=6",
    f"privacy.epsilon={CLAIMED:g}",
    f"privacy.delta={DELTA}",
    "privacy.max_grad_norm=0.1",
    "execution.trajectory_points=0",
    "execution.evaluations=1",
)
BOUND_TO = ("fingerprint", "versions", "backbone_sha256")


@dataclass(frozen=True)
class Setting:
    """One mode at one strength.

    Attributes:
        level: `cross_model` or `within_layer`.
        mode: of the level.
        value: lambda of a pull, gamma of an ascent.
        distance: of a pull, `squared` or `norm`; None for an ascent.
        order: of the twin's batches: `drawn` anew in every run, or `known`: one for all runs and both sides, as when
            its seed is published. The record is then the last one, so that the others' places stay.
    """

    level: str
    mode: str
    value: float
    distance: str | None = None
    order: str = "drawn"

    @property
    def record(self) -> int:
        """Whose label is changed, and who is there or not."""
        return RECORD if self.order == "drawn" else UNITS - 1

    @property
    def form(self) -> str:
        """The name without the value."""
        order = None if self.order == "drawn" else self.order
        return "-".join(part for part in (self.level, self.mode, self.distance, order) if part)

    @property
    def name(self) -> str:
        """The name in WORK, OUT.json and `--only`."""
        return f"{self.form}-{self.value:g}"

    def config(self, backbone: str) -> RunConfig:
        """The settings of a run."""
        level = f"flatness.{self.level}"
        knob = "gamma" if self.distance is None else "strength"
        settings = [*BASE, f"backbone.name={backbone}", f"{level}.mode={self.mode}", f"{level}.{knob}={self.value}"]
        if self.distance is not None:
            settings.append(f"{level}.distance={self.distance}")
        if self.distance is not None and self.mode != "average":
            settings.append(f"{level}.twin_epochs=4")
        return build_config(apply_settings({"schema_version": 1}, settings))


SWEEP = (
    *(Setting("cross_model", "as_published", value, "squared") for value in (1.0, 0.1, 0.01)),
    *(Setting("cross_model", "as_published", value, "norm") for value in (1.0, 0.1)),
    *(Setting("within_layer", "as_published", value) for value in (1.0, 0.1, 0.0001)),
    Setting("cross_model", "average", 1.0, "squared"),
    *(Setting("cross_model", "as_published", value, "squared", "known") for value in (1.0, 0.1, 0.01)),
    Setting("cross_model", "as_published", 0.1, "norm", "known"),
)


def sides(config: RunConfig, record: int) -> tuple[Experiment, Experiment]:
    """The experiment with the record, whose label is wrong, and without it; nothing is tested on the way."""
    experiment = prepare(config)
    few = experiment.data.test.select(np.arange(8))
    experiment = replace(experiment, data=replace(experiment.data, test=few))
    split = plant(experiment.data.train, record, 2)
    there = with_training(experiment, split)
    return there, with_training(experiment, split.select(np.delete(np.arange(len(split)), record)))


def do_run(experiment: Experiment, number: int, side: int, order: str) -> dict[str, np.ndarray]:
    """Final prefixes of one run with noise of its own, its twin's where there is one, and the seconds it took."""
    began = time.monotonic()
    key = derive_seeded_key(2 * number + side, "refute epsilon")
    twin_key = derive_key(key if order == "drawn" else derive_seeded_key(0, "refute epsilon"), "twin")
    twin = replace(experiment.twin, noise_key=twin_key) if experiment.twin else None
    found = {}
    for event in train(replace(experiment, noise_key=key, twin=twin)):
        if isinstance(event, TwinStep):
            found["twins"] = as_vector(event.state.parameters)
        elif isinstance(event, Trained):
            found["weights"] = as_vector(event.state.parameters)
    return {**found, "seconds": np.array(time.monotonic() - began)}


def as_vector(parameters: dict[str, torch.Tensor]) -> np.ndarray:
    """All prefix entries in one row."""
    return torch.cat([value.flatten() for value in trained_prefixes(parameters).values()]).numpy()


def bind(folder: Path, experiment: Experiment) -> None:
    """Keep what the runs of a folder are computed with, and refuse to go on with something else."""
    path = folder / "conditions.json"
    conditions = describe_software(experiment.objective.backbone) | {"fingerprint": experiment.config.fingerprint()}
    kept = read_json(path) if path.exists() else conditions
    changed = [name for name in BOUND_TO if kept[name] != conditions[name]]
    if changed:
        sys.exit(f"'{folder}' was begun with other {' and '.join(changed)}. Choose another folder.")
    if not path.exists():
        replace_json(path, conditions)


def collect(folder: Path, setting: Setting, config: RunConfig, runs: int) -> dict[str, np.ndarray]:
    """For each kind of vector (2, runs, entries), and seconds (2, runs); runs that are on disk are not done again."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [[folder / f"{number}-{side}.npz" for number in range(runs)] for side in (0, 1)]
    missing = [(number, side) for number in range(runs) for side in (0, 1) if not paths[side][number].exists()]
    if missing:
        pair = sides(config, setting.record)
        bind(folder, pair[0])
        for done, (number, side) in enumerate(missing):
            print(f"\r{folder.name}: {done} of {len(missing)} runs", end="", file=sys.stderr, flush=True)
            replace_file(paths[side][number], encode_arrays(do_run(pair[side], number, side, setting.order)))
        print(file=sys.stderr)
    arrays = [[np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) for path in side] for side in paths]
    return {name: np.stack([np.stack([run[name] for run in side]) for side in arrays]) for name in arrays[0][0].files}


def judge(folder: Path, setting: Setting, config: RunConfig, runs: int) -> dict[str, Any]:
    """The verdict on one setting, with what it was computed with."""
    found = collect(folder, setting, config, 2 * runs)
    sources = {name: found[name] for name in ("weights", "twins") if name in found}
    verdict = judge_pair(found["weights"], sources, runs, DELTA, ALPHA)
    over_all = judge_pair(found["weights"], sources, runs, DELTA, ALPHA / len(SWEEP)).bound
    return {
        **asdict(setting),
        "fingerprint": config.fingerprint(),
        **asdict(verdict),
        "refuted": verdict.bound > CLAIMED,
        "bound_over_all": over_all,
        "refuted_over_all": over_all > CLAIMED,
        "seconds_a_run": round(float(found["seconds"].mean()), 2),
        "software": {k: v for k, v in read_json(folder / "conditions.json").items() if k != "fingerprint"},
    }


def summarise(verdicts: dict[str, dict[str, Any]], runs: int, backbone: str) -> dict[str, Any]:
    """What is stored: conditions once, verdicts by setting, and the smallest refuted setting of each form."""
    software = [verdict["software"] for verdict in verdicts.values()]
    forms: dict[str, float | None] = {}
    for setting in SWEEP:
        if setting.name in verdicts:
            refuted = verdicts[setting.name]["refuted"]
            values = [v for v in (forms.get(setting.form), setting.value if refuted else None) if v is not None]
            forms[setting.form] = min(values, default=None)
    return {
        "conditions": {
            "settings": [*BASE, f"backbone.name={backbone}"],
            "seed": 0,
            "record": {"drawn": RECORD, "known": UNITS - 1},
            "claimed_epsilon": CLAIMED,
            "delta": DELTA,
            "confidence": 1 - ALPHA,
            "confidence_is_for": "one setting, one pair of data sets; bound_over_all for all settings of the sweep",
            "runs_that_choose": runs,
            "runs_held_out": runs,
            "settings_in_sweep": len(SWEEP),
            "software": software[0] if all(other == software[0] for other in software) else software,
        },
        "smallest_refuted": forms,
        "verdicts": {
            setting.name: {k: v for k, v in verdicts[setting.name].items() if k != "software"}
            for setting in SWEEP
            if setting.name in verdicts
        },
    }


def main() -> None:
    """Run, judge, print and store, setting by setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=20, help="runs of each side that choose, and as many held out")
    parser.add_argument(
        "--only", nargs="+", choices=[s.name for s in SWEEP], help="these settings, not the whole sweep"
    )
    parser.add_argument("--backbone", default="dpflat-tiny")
    arguments = parser.parse_args()
    if arguments.runs < 2:
        parser.error("--runs is at least 2")
    set_up_torch()
    verdicts = {}

    def is_complete(setting: Setting) -> bool:
        paths = (
            arguments.work / setting.name / f"{n}-{side}.npz" for n in range(2 * arguments.runs) for side in (0, 1)
        )
        return all(path.exists() for path in paths)

    for setting in sorted(SWEEP, key=is_complete, reverse=True):
        folder, config = arguments.work / setting.name, setting.config(arguments.backbone)
        if arguments.only and setting.name not in arguments.only and not is_complete(setting):
            continue
        verdicts[setting.name] = judge(folder, setting, config, arguments.runs)
        kept = {k: verdicts[setting.name][k] for k in ("apart", "found", "false_alarms", "runs", "bound", "refuted")}
        print(setting.name, json.dumps(kept), file=sys.stderr)
        replace_json(arguments.out, summarise(verdicts, arguments.runs, arguments.backbone))
    print(json.dumps(summarise(verdicts, arguments.runs, arguments.backbone)["smallest_refuted"], indent=1))


if __name__ == "__main__":
    main()
