"""What prefixes are worth: beside the same run without them, and beside a head alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from app.summary import show_seeds, summarise
from dpflat.config import RunConfig
from dpflat.runs.record import Run
from dpflat.runs.store import Store

HEADS_ALONE = ("head only", "non-private head only")


def describe_worth(rows: Iterable[tuple[Mapping[str, Any], Run]], config: RunConfig) -> str | None:
    """What the prefixes of settings brought in the runs of them that are finished; None where there are none.

    Args:
        rows: runs and their `summarise`.
        config: the settings; seeds do not matter.

    Privacy: reads stored measurements of test splits: diagnostic.
    """
    if config.adapter.kind != "prefix":
        return None
    same, alone = _find(rows, config)
    if not same:
        return None
    compared, parts = [row for row in same if row.get("without") is not None], []
    if compared:
        without = fmean(row["without"] for row in compared)
        gain = 100 * (_mean(compared) - without)
        parts.append(
            f"prefixes {'bring' if gain >= 0 else 'cost'} {abs(gain):.1f} points ({100 * without:.1f} % without them, "
            f"{show_seeds([len(compared)])})"
        )
    if alone:
        better = 100 * (_mean(alone) - _mean(same))
        parts.append(
            f"a head alone is {abs(better):.1f} points {'better' if better >= 0 else 'worse'} "
            f"({show_seeds([len(alone)])} beside {len(same)})"
        )
    return f"Here {', and '.join(parts)}." if parts else None


def find_worth(store: Store, config: RunConfig) -> str | None:
    """`describe_worth` of all runs of a store, shipped ones with them."""
    return describe_worth(((summarise(run), run) for run in store.list_runs()), config)


def _mean(rows: Sequence[Mapping[str, Any]]) -> float:
    return fmean(row["test_accuracy"] for row in rows)


def _once(rows: Iterable[tuple[Mapping[str, Any], Run]]) -> Iterable[tuple[Mapping[str, Any], Run]]:
    """Finished runs, the first of those that are the same experiment with the same seed."""
    seen = set()
    for row, run in rows:
        if row["state"] == "finished" and (key := (row["fingerprint"], row["seed"])) not in seen:
            seen.add(key)
            yield row, run


def _find(
    rows: Iterable[tuple[Mapping[str, Any], Run]], config: RunConfig
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Finished runs of the same settings, and those of a head alone on the same texts at the same price.

    Of several settings of a head alone those with most seeds.
    """
    wanted, asked = config.fingerprint(), _asked(config)
    same: list[Mapping[str, Any]] = []
    heads: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row, run in _once(rows):
        if row["fingerprint"] == wanted:
            same.append(row)
        elif row["backbone"] == config.backbone.name and row["method"] in HEADS_ALONE and _asked(run.config) == asked:
            heads[row["fingerprint"]].append(row)
    return same, max(heads.values(), key=len, default=[])


def _asked(config: RunConfig) -> tuple[object, ...]:
    """What a run and a head alone share where they answer one question at one price."""
    task = config.task.identity()
    for name in ("label_texts", "template", "words"):
        task.pop(name, None)
    return str(task), config.data, config.backbone, config.privacy
