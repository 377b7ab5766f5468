"""What the lessons on clipping, and on flatness and attacks, show: tables of runs that are not shipped themselves.

    STORE=runs/lessons
    for study in clipping flat_or_private; do
      dpflat study run benchmarks/lesson_studies/$study.yaml --runs $STORE; done
    dpflat study analyze benchmarks/lesson_studies/flat_or_private.yaml attacks --set shadows=0 --runs $STORE
    dpflat study analyze benchmarks/lesson_studies/flat_or_private.yaml sharpness --runs $STORE
    python benchmarks/lesson_tables.py $STORE cached_runs/lessons

Each table is written whole or not at all.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from analysis.attacks.settings import AttacksConfig
from analysis.claims.reading import read_sharpness
from analysis.sharpness import SharpnessConfig
from analysis.store import find_analysis
from dpflat.errors import DPFlatError
from dpflat.execution.studies import list_configs, read_study
from dpflat.runs.files import replace_json
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.training.forecast import plan_privacy

STUDIES = Path(__file__).parent / "lesson_studies"
ATTACK = AttacksConfig(shadows=0)
SHARES = (0.0, 1 / 3, 2 / 3, 1.0)
Row = dict[str, Any]


def describe_run(run: Run) -> Row:
    """What every row has: which settings, the promise, and the final measurement on the test split."""
    config, results = run.config, run.results
    return {
        "fingerprint": config.fingerprint(),
        "seed": config.seed,
        "epsilon": run.ledger.epsilon,
        "delta": run.ledger.delta,
        "accuracy": results["accuracy"],
        "loss": results["loss"],
        "test_examples": results["examples"],
    }


def describe_clipping(run: Run) -> Row:
    """Clipping, noise and gradient norms of a run at four steps: the first, after each third, the last.

    Norms are the 10, 50 and 90 % quantiles of a batch's records before clipping; the noise is the standard deviation of
    one entry of the averaged gradient, sigma C / B.
    """
    steps, batch = run.steps, run.config.optimiser.batch_size
    chosen = [steps[round(share * (len(steps) - 1))] for share in SHARES]
    releases = plan_privacy(run.config)[0].gradient_steps
    assert releases is not None
    return describe_run(run) | {
        "max_grad_norm": releases.max_grad_norm,
        "batch_size": batch,
        "noise_multiplier": releases.noise_multiplier,
        "noise": releases.noise_multiplier * releases.max_grad_norm / batch,
        "clipped_share": fmean(step["clipped_share"] for step in steps),
        "at": [{name: step[name] for name in ("step", "clipped_share", "gradient_norms")} for step in chosen],
    }


def describe_leak(run: Run) -> Row:
    """Sharpness of the final weights, loss of the last epoch's batches, and how well the loss threshold finds members.

    Raises:
        DPFlatError: when one of them is not measured.
    """
    attacks, box = find_analysis(run, ATTACK), read_sharpness(run)
    if attacks is None or attacks.result is None or "threshold" not in attacks.result.attacks or box is None:
        raise DPFlatError(f"{run.id} is not measured: expected its sharpness and its attacks (shadows=0).")
    found = attacks.result.attacks["threshold"]
    optimiser = run.config.optimiser
    steps_an_epoch = round(len(run.steps) / optimiser.epochs)
    return describe_run(run) | {
        "prefix_learning_rate": optimiser.prefix_learning_rate,
        "epochs": optimiser.epochs,
        "train_loss": fmean(step["loss"] for step in run.steps[-steps_an_epoch:]),
        "sharpness": box.value,
        "entries": box.entries,
        "auc": [found.area.value, found.area.low, found.area.high],
        "members": found.members,
        "non_members": found.others,
    }


TABLES: Mapping[str, tuple[Callable[[Run], Row], dict[str, Any]]] = {
    "clipping": (describe_clipping, {}),
    "flat_or_private": (
        describe_leak,
        {"sharpness": SharpnessConfig().model_dump(mode="json"), "attack": ATTACK.model_dump(mode="json")},
    ),
}
"""Of each study what a row has, and the settings of what was measured."""


def make_table(name: str, runs: Mapping[tuple[str, int], Run]) -> dict[str, Any]:
    """The table of a study, a row each run, in the study's order.

    Args:
        name: of the table and its study.
        runs: finished ones, by fingerprint and seed.

    Raises:
        DPFlatError: when a run is not there or not measured.
    """
    describe, measured = TABLES[name]
    study = read_study(STUDIES / f"{name}.yaml")
    asked = [(config.fingerprint(), config.seed) for config in list_configs(study)]
    missing = [key for key in asked if key not in runs]
    if missing:
        raise DPFlatError(
            f"{name}: {len(missing)} of {len(asked)} runs are not there, the first of settings {missing[0][0]}, seed "
            f"{missing[0][1]}. Run the study first."
        )
    found = [runs[key] for key in asked]
    software = {json.dumps(run.environment["versions"], sort_keys=True) for run in found}
    return {
        "schema_version": 1,
        "study": study.model_dump(mode="json", include={"name", "base", "cells", "grid", "seeds"}),
        "software": [json.loads(each) for each in sorted(software)],
        "measured": measured,
        "rows": [describe(run) for run in found],
    }


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    arguments = parser.parse_args()
    finished = [run for run in Store(arguments.store).list_runs(shipped=False) if run.state == "finished"]
    runs = {(run.config.fingerprint(), run.config.seed): run for run in finished}
    for name in arguments.tables:
        table = make_table(name, runs)
        replace_json(arguments.out / f"{name}.json", table)
        print(f"{name}: {len(table['rows'])} rows")


if __name__ == "__main__":
    main()
