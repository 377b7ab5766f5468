"""Time and memory of each level of flatness beside plain DP-SGD, paired: every run in a process of its own.

    python benchmarks/levels.py [--rounds 3] [--modes MODE ...] [--out cached_runs/lessons/level_costs.json]

Each round runs every mode (or the plain one and those named) once, in an order that moves on, with default settings on
the same training sentences and one thread. Seconds are those of the processor, which what else the machine does moves
little. Printed, as medians over the rounds of ratios to the plain run of the same round, with the lowest and highest:
seconds of all training phases, peak memory of the process, and seconds of one gradient step while the ascent is on;
selection and twin in seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from dpflat.config import build_config
from dpflat.execution.worker import set_up_torch
from dpflat.flatness.ascent import ASCENT_SHARE, Ascent
from dpflat.flatness.mode import MODES_BY_LEVEL
from dpflat.runs.files import read_json, replace_json
from dpflat.settings.text import apply_settings
from dpflat.training.events import PhaseStarted, StepDone
from dpflat.training.experiment import prepare
from dpflat.training.phases import train

PLAIN = "plain DP-SGD"
MODES = [PLAIN, *(f"{level}.{mode}" for level, modes in MODES_BY_LEVEL.items() for mode in modes)]


def run_once(mode: str, backbone: str, rows: int, epochs: float) -> dict[str, float]:
    """Seconds by phase, of a step under the ascent, and peak megabytes of this process."""
    settings = [
        f"backbone.name={backbone}",
        f"data.train_subset={rows}",
        f"optimiser.epochs={epochs}",
        "execution.evaluations=1",
        "execution.trajectory_points=0",
    ]
    if mode != PLAIN:
        settings.append(f"flatness.{mode.replace('.', '.mode=')}")
    set_up_torch()
    torch.set_num_threads(1)
    experiment = prepare(build_config(apply_settings({"schema_version": 1}, settings)))
    level = experiment.config.flatness.within_layer
    ascending = experiment.schedule.count_steps(
        level.warmup_epochs if isinstance(level, Ascent) else None, ASCENT_SHARE
    )
    phases: dict[str, float] = {}
    steps, phase, last = [], "", time.process_time()
    step_ended = last
    for event in train(experiment):
        now = time.process_time()
        phases[phase] = phases.get(phase, 0.0) + now - last
        if isinstance(event, StepDone):
            if 1 < event.step <= ascending:
                steps.append(now - step_ended)
            step_ended = now
        phase, last = (event.phase if isinstance(event, PhaseStarted) else phase), now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    training = sum(seconds for name, seconds in phases.items() if name not in ("", "evaluation"))
    return {
        "training": training,
        "step": statistics.median(steps),
        "selection": phases.get("selection", 0.0),
        "twin": phases.get("twin", 0.0),
        "peak_mb": peak,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--modes", nargs="+", choices=MODES[1:], default=MODES[1:])
    parser.add_argument("--backbone", default="dpflat-tiny")
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--out", type=Path, help="keep the result here, beside modes that were measured before")
    parser.add_argument("--one", choices=MODES, help="run this mode once, in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_once(arguments.one, arguments.backbone, arguments.rows, arguments.epochs)))
        return
    modes = [PLAIN, *arguments.modes]
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    for number in range(arguments.rounds):
        start = number * 5 % len(modes)
        for mode in modes[start:] + modes[:start]:
            again = [sys.executable, __file__, *sys.argv[1:], "--one", mode]
            done = subprocess.run(again, check=True, capture_output=True, text=True)
            found[mode].append(json.loads(done.stdout))
            print(number + 1, mode, found[mode][-1], file=sys.stderr)
    result = {}
    for mode, runs in found.items():
        ratios = {
            what: [run[what] / plain[what] for run, plain in zip(runs, found[PLAIN], strict=True)]
            for what in ("training", "step", "peak_mb")
        }
        result[mode] = {
            "rounds": len(runs),
            **{what: [round(at(each), 3) for at in (statistics.median, min, max)] for what, each in ratios.items()},
            **{f"{what}_s": round(statistics.median(run[what] for run in runs), 1) for what in ("selection", "twin")},
        }
    if arguments.out:
        earlier = read_json(arguments.out)["modes"] if arguments.out.exists() else {}
        conditions = {name: getattr(arguments, name) for name in ("backbone", "rows", "epochs")}
        replace_json(arguments.out, conditions | {"threads": 1, "torch": torch.__version__, "modes": earlier | result})
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
