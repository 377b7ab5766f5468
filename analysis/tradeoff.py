"""Accuracy against epsilon, aggregated from finished runs. No torch.

Privacy: reads stored per-example predictions of the test split: diagnostic.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from analysis.results import MethodPoint, PairedDifference
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.privacy.wording import show_epsilon
from dpflat.runs.arrays import read_arrays
from dpflat.runs.files import stamp_of, unreadable
from dpflat.runs.layout import ARTIFACTS, MANIFEST, PREDICTIONS
from dpflat.runs.record import Run

RESAMPLES = 2000


def bootstrap_mean(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of a mean, over both axes at once.

    Seeds and examples are drawn with replacement, each independently of the other.

    Args:
        values: (seeds, examples).
        resamples: number of draws.
        seed: of the draws.

    Returns:
        Lower and upper end.
    """
    low, high = np.quantile(resample_means(values, resamples, seed, seed + 1), [0.025, 0.975])
    return float(low), float(high)


def resample_means(values: np.ndarray, resamples: int, examples_seed: int, seeds_seed: int) -> np.ndarray:
    """Means of draws of seeds and of examples with replacement, (resamples,).

    Equal seeds of the draws give equal draws, so that means of several arrays of one shape are paired.

    Args:
        values: (seeds, examples).
        resamples: number of draws.
        examples_seed: of the draws of examples.
        seeds_seed: of the draws of seeds.
    """
    seeds, examples = values.shape
    by_seed = _draw_counts(examples, resamples, examples_seed) @ values.T.astype(np.float32) / examples
    means: np.ndarray = (by_seed * _draw_counts(seeds, resamples, seeds_seed)).sum(axis=1) / seeds
    return means


@lru_cache(maxsize=8)
def _draw_counts(size: int, resamples: int, seed: int) -> np.ndarray:
    """How often each of `size` things is drawn, (resamples, size): drawn once, used for every figure of a page."""
    generator = np.random.default_rng(seed)
    counts: np.ndarray = generator.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.float32)
    return counts


def pair(first: dict[int, np.ndarray], second: dict[int, np.ndarray]) -> PairedDifference | None:
    """The difference of two methods over the seeds that both have; None if there is none or the examples differ.

    Args:
        first: for each seed (examples,) of 0 or 1.
        second: the same of the other method, on the same examples.
    """
    seeds = sorted(set(first) & set(second))
    if not seeds or len({values.shape for side in (first, second) for values in side.values()}) > 1:
        return None
    values = np.stack([first[s].astype(float) - second[s].astype(float) for s in seeds])
    low, high = bootstrap_mean(values)
    return PairedDifference(float(values.mean()), low, high, len(seeds), values.shape[1])


def load_scores(run: Run, name: str = "correct") -> np.ndarray | None:
    """One score of each test example, (examples,), not to be written to; None where predictions are not stored.

    Args:
        run: a finished run.
        name: `correct` (0 or 1), `loss` (nats) or `log_odds`.

    Raises:
        DPFlatError: when the file is damaged.
    """
    path = run.folder / ARTIFACTS / PREDICTIONS
    if not path.exists():
        return None
    found = path.stat()
    return _read_scores(run.folder, name, found.st_mtime_ns, found.st_size, stamp_of(run.folder / MANIFEST))


@lru_cache(maxsize=1024)
def _read_scores(folder: Path, name: str, stamp: int, size: int, sealed: int) -> np.ndarray:
    del stamp, size, sealed
    scores: np.ndarray | None = read_arrays(folder, f"{ARTIFACTS}/{PREDICTIONS}", name).get(name)
    if scores is None or scores.ndim != 1 or scores.dtype.kind not in "biuf" or not len(scores):
        raise unreadable(folder / ARTIFACTS / PREDICTIONS, "is damaged")
    scores.flags.writeable = False
    return scores


Key = tuple[str, float | None]
"""A method and its target epsilon; None without noise."""


def key_of(run: Run) -> Key:
    """Method and target epsilon; where the noise was given instead, the epsilon that it amounts to, rounded up."""
    privacy = run.config.privacy
    if privacy.kind != "dp":
        return run.config.method(), None
    if privacy.epsilon is not None or run.ledger.epsilon is None:
        return run.config.method(), privacy.epsilon
    return run.config.method(), float(show_epsilon(run.ledger.epsilon))


def pick_experiments(runs: Iterable[Run]) -> dict[Key, list[Run]]:
    """Runs by method and epsilon, by seed; of each seed the newest, which comes first.

    Of each method one variant is kept, so that no curve joins other strengths of it: the one with most epsilons and
    seeds, of several the newest. Of runs of one epsilon, given as such or by its noise, those with most seeds are kept.

    Raises:
        DPFlatError: when settings or ledger of a run cannot be read.
    """
    by_experiment: dict[tuple[Key, str], dict[int, Run]] = defaultdict(dict)
    for run in _keep_variants(list(runs)):
        by_experiment[key_of(run), run.config.fingerprint()].setdefault(run.config.seed, run)
    groups: dict[Key, list[Run]] = {}
    for (key, _), by_seed in by_experiment.items():
        if len(by_seed) > len(groups.get(key, [])):
            groups[key] = [by_seed[seed] for seed in sorted(by_seed)]
    return groups


def _keep_variants(runs: list[Run]) -> list[Run]:
    """The runs of the variant of each method that has most epsilons and seeds."""
    variants = [(run.config.method(), name_variant(run.config)) for run in runs]
    cells: dict[tuple[str, str], set[tuple[Key, int]]] = defaultdict(set)
    for run, variant in zip(runs, variants, strict=True):
        cells[variant].add((key_of(run), run.config.seed))
    kept = {method: max((v for v in cells if v[0] == method), key=lambda v: len(cells[v])) for method, _ in variants}
    return [run for run, variant in zip(runs, variants, strict=True) if variant == kept[variant[0]]]


def name_variant(config: RunConfig) -> str:
    """What names a variant of a method: every setting but `execution`, seed, and how much noise."""
    privacy = config.privacy
    if privacy.kind == "dp":
        privacy = privacy.model_copy(update={"epsilon": None, "noise_multiplier": None})
    return config.model_copy(update={"privacy": privacy}).fingerprint()


def group_runs(runs: list[Run], task: str, backbone: str) -> dict[Key, list[Run]]:
    """`pick_experiments` of the finished runs of a task and backbone whose settings and ledger can be read."""
    return pick_experiments(_list_fitting(runs, task, backbone))


def _list_fitting(runs: list[Run], task: str, backbone: str) -> list[Run]:
    def fits(run: Run) -> bool:
        try:
            key_of(run)
            config = run.config
            return run.state == "finished" and config.task.name == task and config.backbone.name == backbone
        except DPFlatError:
            return False

    return list(filter(fits, runs))


def group_by_examples(runs: list[Run], task: str, backbone: str) -> tuple[dict[Key, list[Run]], list[Run]]:
    """`group_runs` of runs with one number of test predictions, and the runs it would have with another number or none.

    Values of other test examples can be neither averaged nor paired. The number is that of most runs in `group_runs`;
    the variant of each method is chosen anew among its runs.

    Raises:
        DPFlatError: when a file of predictions is damaged.

    Example:
        >>> from dpflat import list_runs, open_store
        >>> runs = list_runs(open_store().shipped, shipped=False)
        >>> groups, others = group_by_examples(runs, "rotten_tomatoes", "dpflat-tiny")
        >>> ("DP prefix", 3.0) in groups
        True
    """
    fitting = _list_fitting(runs, task, backbone)
    groups = pick_experiments(fitting)
    picked = [run for group in groups.values() for run in group]
    counts = {run.id: _count_predictions(run) for run in picked}
    common = most_common(count for count in counts.values() if count is not None)
    others = [run for run in picked if common is None or counts[run.id] != common]
    if others:
        groups = pick_experiments(run for run in fitting if common is not None and _count_predictions(run) == common)
    return groups, others


def _count_predictions(run: Run) -> int | None:
    scores = load_scores(run)
    return None if scores is None else len(scores)


def most_common(counts: Iterable[int]) -> int | None:
    """The most common number; of several the first; None of none."""
    found = Counter(counts).most_common(1)
    return found[0][0] if found else None


def summarise_group(key: Key, runs: list[Run]) -> MethodPoint | None:
    """One point of the figure, of the runs with the most common number of examples; None without predictions.

    Example:
        >>> from dpflat import load_run
        >>> point = summarise_group(("DP prefix", 3.0), [load_run("20261123-170622")])
        >>> point.examples, point.low < point.values[0] < point.high
        (1706, True)
    """
    found = {run.config.seed: values for run in runs if (values := load_scores(run)) is not None}
    if not found:
        return None
    common = most_common(len(values) for values in found.values())
    correct = {seed: values for seed, values in found.items() if len(values) == common}
    values = np.stack([correct[seed] for seed in sorted(correct)]).astype(float)
    kept = [run for run in runs if run.config.seed in correct]
    return make_point(key, kept, values.mean(axis=1), bootstrap_mean(values), values.shape[1])


def make_point(
    key: Key, runs: list[Run], values: np.ndarray, interval: tuple[float, float], examples: int
) -> MethodPoint:
    """One point of a figure.

    Args:
        key: method and epsilon.
        runs: by seed.
        values: (runs,) of what is measured.
        interval: of their mean.
        examples: behind each value.
    """
    return MethodPoint(
        method=key[0],
        epsilon=key[1],
        values=tuple(float(value) for value in values),
        seeds=tuple(run.config.seed for run in runs),
        guarantee=runs[0].ledger.guarantee().answer,
        runs=tuple(run.id for run in runs),
        low=interval[0],
        high=interval[1],
        examples=examples,
    )


def compare_groups(first: list[Run], second: list[Run], score: str = "correct") -> PairedDifference | None:
    """A score of one group minus that of another, paired by seed and test example; None if nothing pairs."""
    scores = [{r.config.seed: v for r in runs if (v := load_scores(r, score)) is not None} for runs in (first, second)]
    return pair(scores[0], scores[1])


def compare_two(first: Run, second: Run, score: str = "correct") -> PairedDifference | None:
    """A score of one run minus that of another, paired by test example, whatever their seeds.

    Example:
        >>> from dpflat import load_run
        >>> run = load_run("20261123-170622")
        >>> difference = compare_two(run, run)
        >>> difference.mean, difference.examples
        (0.0, 1706)
    """
    scores = [load_scores(first, score), load_scores(second, score)]
    if scores[0] is None or scores[1] is None or scores[0].shape != scores[1].shape:
        return None
    return pair({0: scores[0]}, {0: scores[1]})
