"""How many seeds and test examples a comparison of two methods needs, from runs of both that are there.

    python benchmarks/power.py FIRST SECOND [--task TASK] [--readout label_text] [--margin 0.01] [--runs FOLDER]

FIRST and SECOND are methods as `dpflat list` names them; their runs of one task and one epsilon are paired by seed. The
differences of their answers, (seeds, examples), are split into what differs from seed to seed, from example to
example, and the rest (two-way analysis of variance, method of moments). For n seeds and m examples the mean difference
then varies by s^2 / n + e^2 / m + r^2 / (n m). Printed: these three, and for several n and m the power to see a true
difference of the margin at the 5 % level (two-sided), and the chance to say "no difference seen" (the 95 % interval
inside the margin) where there is none; by simulation of 20,000 studies, intervals by Student's t over n - 1 or the
spread over examples, whichever is wider. Fewer than four seeds estimate nothing well, which is then said.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from analysis.comparison.pooling import has_readout
from analysis.tradeoff import load_scores
from dpflat.runs.record import Run
from dpflat.runs.store import open_store

SEEDS, STUDIES = (3, 5, 10, 15, 20, 30), 20_000


@dataclass(frozen=True)
class Components:
    """Standard deviations of a paired difference of answers.

    Attributes:
        seed: between seeds, of all examples together.
        example: between examples, of all seeds together.
        rest: of one example in one seed.
    """

    seed: float
    example: float
    rest: float

    def spread(self, seeds: int, examples: int) -> float:
        """Standard deviation of the mean difference over n seeds and m examples."""
        of_seed, of_example, of_rest = self.seed**2, self.example**2, self.rest**2
        return float(np.sqrt(of_seed / seeds + of_example / examples + of_rest / (seeds * examples)))


def split_variance(differences: np.ndarray) -> Components:
    """The three components of (seeds, examples) differences; what comes out below zero is zero."""
    seeds, examples = differences.shape
    by_seed, by_example, mean = differences.mean(axis=1), differences.mean(axis=0), differences.mean()
    rest = differences - by_seed[:, None] - by_example[None, :] + mean
    of_rest = float((rest**2).sum() / ((seeds - 1) * (examples - 1)))
    of_seed = float(by_seed.var(ddof=1) - of_rest / examples)
    of_example = float(by_example.var(ddof=1) - of_rest / seeds)
    return Components(*(float(np.sqrt(max(0.0, value))) for value in (of_seed, of_example, of_rest)))


def simulate(parts: Components, seeds: int, examples: int, truth: float, margin: float) -> tuple[float, float]:
    """Shares of studies whose 95 % interval excludes zero, and lies inside plus and minus the margin."""
    generator = np.random.default_rng([seeds, examples])
    of_seeds = np.sqrt(parts.seed**2 + parts.rest**2 / examples)
    by_seed = truth + generator.normal(0, of_seeds, (STUDIES, seeds))
    of_examples = parts.example / np.sqrt(examples)
    means = by_seed.mean(axis=1) + generator.normal(0, of_examples, STUDIES)
    within = by_seed.std(axis=1, ddof=1) / np.sqrt(seeds)
    half = np.maximum(student.ppf(0.975, seeds - 1) * within, 1.96 * np.sqrt(within**2 + of_examples**2))
    return float((np.abs(means) > half).mean()), float((np.abs(means) + half < margin).mean())


def find_runs(runs: list[Run], method: str, task: str, epsilon: float | None, readout: str) -> dict[int, np.ndarray]:
    """(examples,) answers by seed, of the experiment with most seeds."""
    experiments: dict[str, dict[int, np.ndarray]] = {}
    for run in runs:
        config = run.config
        same = getattr(config.privacy, "epsilon", None) == epsilon and has_readout(config, readout)
        if run.state == "finished" and config.method() == method and config.task.name == task and same:
            scores = load_scores(run)
            if scores is not None:
                answers = experiments.setdefault(config.fingerprint(), {})
                answers.setdefault(config.seed, scores.astype(np.float64))
    return max(experiments.values(), key=len, default={})


def main() -> int:
    """Print the components and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--task", default="rotten_tomatoes")
    parser.add_argument("--epsilon", type=float, default=3.0)
    parser.add_argument("--readout", default="label_text", help="its kind; a head alone stands beside any")
    parser.add_argument("--margin", type=float, default=0.01)
    parser.add_argument("--runs", type=Path)
    asked = parser.parse_args()
    runs = open_store(asked.runs).list_runs()
    first, second = (
        find_runs(runs, method, asked.task, asked.epsilon, asked.readout) for method in (asked.first, asked.second)
    )
    seeds = sorted(set(first) & set(second))
    if len(seeds) < 2:
        print(f"{len(seeds)} seeds have both methods; expected at least 2.", file=sys.stderr)
        return 2
    differences = np.stack([first[seed] - second[seed] for seed in seeds])
    parts = split_variance(differences)
    tested = differences.shape[1]
    print(f"{asked.first} minus {asked.second}, {asked.task}, epsilon {asked.epsilon:g}")
    print(f"{len(seeds)} seeds, {tested} test rows")
    print(f"mean {100 * differences.mean():+.2f} points; seeds {100 * parts.seed:.2f} points, ", end="")
    print(f"examples {parts.example:.3f}, rest {parts.rest:.3f}")
    if len(seeds) < 4:
        print("Fewer than four seeds: the spread over seeds is hardly known.")
    print(f"{'rows':>7} {'seeds':>6} {'half width':>11} {'power':>6} {'no difference':>14}")
    for examples in (tested, 4 * tested, 16 * tested):
        for count in SEEDS:
            half = 1.96 * parts.spread(count, examples)
            power = simulate(parts, count, examples, asked.margin, asked.margin)[0]
            none = simulate(parts, count, examples, 0.0, asked.margin)[1]
            print(f"{examples:7d} {count:6d} {100 * half:10.2f} {100 * power:5.0f} % {100 * none:12.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
