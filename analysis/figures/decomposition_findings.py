"""What stands over and under the figure of a decomposition: of one pair of runs, so nothing here is a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.decomposition.results import (
    CellReading,
    DecompositionResult,
    Split,
    list_comparisons,
    split_by_restart,
    split_difference,
)
from analysis.decomposition.tables import COMPARED, show_change
from analysis.figures.findings import MINUS, Finding, Verdict
from analysis.results import PairedDifference

PAIR = "(1 pair of runs)"
APART = 0.25
"""Spread over starts, over the reading, above which the worst case may not be found."""


def show_rise(value: float | None) -> str:
    """Two significant figures, with the true minus sign."""
    return "not finite" if value is None else f"{value:.2g}".replace("-", MINUS)


def describe_decomposition(found: DecompositionResult) -> Finding:
    """What of the difference goes with the head's norm and with the layers, and what remains to the prefixes."""
    if not {"a", "b"} <= found.cells.keys():
        return Finding(f"Not measured yet {PAIR}", Verdict.DESCRIPTIVE)
    a, b = found.cells["a"], found.cells["b"]
    start = f"A's sharpness is {show_rise(a.value)}, B's {show_rise(b.value)}"
    split = split_difference(found)
    if split is None:
        return Finding(f"{start}; what the difference goes with is not known yet {PAIR}", Verdict.DESCRIPTIVE)
    goes = []
    if split.norm is not None:
        goes.append(f"{show_rise(split.norm)} goes with the head's norm ({_show_norms(a, b)})")
    if split.layers is not None:
        goes.append(f"{show_rise(split.layers)} {'' if goes else 'goes '}with which layers there are")
    to = "the prefixes" if a.head_norm is None else "the prefixes and the direction of the head"
    rest = f"{show_rise(split.rest)} remains to {to}"
    what = f"Of the difference of {show_rise(split.total)}, {' and '.join(goes)}; {rest}" if goes else rest
    return Finding(f"{start}. {what} {PAIR}", Verdict.DESCRIPTIVE)


def _show_norms(a: CellReading, b: CellReading) -> str:
    return " against ".join(show_rise(cell.head_norm) for cell in (a, b))


def list_remarks(found: DecompositionResult, pooled: Mapping[str, PairedDifference] | None = None) -> list[str]:
    """What else is to be said: under one head, untrained, at random, how well each fits, what cannot be read.

    Args:
        found: the result.
        pooled: the same comparisons over several pairs of runs, by seed.
    """
    if not {"a", "b"} <= found.cells.keys():
        return []
    remarks = [_describe_heads(found), _describe_untrained(found), _describe_random(found), _describe_losses(found)]
    remarks += list(dict.fromkeys(found.why.values()))
    remarks += [_describe_starts(split_by_restart(found)), _describe_search(found), _describe_seeds(pooled or {})]
    return [remark for remark in remarks if remark]


def _describe_heads(found: DecompositionResult) -> str:
    pairs = list_comparisons(found, repeated=True)
    if not {"layers_head_a", "layers_head_b"} <= pairs.keys():
        return ""
    said = [
        f"{show_rise(b.value)} against {show_rise(a.value)} under {letter}'s"
        for letter, (a, b) in zip("AB", (pairs["layers_head_a"], pairs["layers_head_b"]), strict=True)
    ]
    split = split_difference(found)
    own = (
        "" if split is None or split.prefixes is None else f": {show_rise(split.prefixes)} is the prefixes', on average"
    )
    return f"On the same layers and under one head, B's prefixes read {' and '.join(said)}{own}."


def _describe_untrained(found: DecompositionResult) -> str:
    pair = list_comparisons(found, repeated=True).get("untrained")
    if pair is None:
        return ""
    said = [
        f"{show_rise(cell.value)} under {letter}'s head, where the trained ones read {show_rise(trained.value)}"
        for letter, cell, trained in zip("AB", pair, (found.cells["a"], found.cells["b"]), strict=True)
    ]
    return f"Untrained prefixes read {' and '.join(said)}."


def _describe_random(found: DecompositionResult) -> str:
    a, b = found.cells["a"], found.cells["b"]
    return (
        f"At random corners of the same box the loss rises by {show_rise(a.mean_random)} (A) and "
        f"{show_rise(b.mean_random)} (B) on average, in the worst case found by {show_rise(a.value)} and "
        f"{show_rise(b.value)}."
    )


def _describe_losses(found: DecompositionResult) -> str:
    a, b = found.cells["a"].loss, found.cells["b"].loss
    if a is None or b is None:
        return ""
    worse = "B fits them less" if b > a else "A fits them less"
    return f"Loss on these rows: {a:.3f} (A) and {b:.3f} (B). {worse}, and a model that fits less can read flatter."


def _describe_starts(splits: Sequence[Split]) -> str:
    if len(splits) < 2:
        return ""
    rests = [split.rest for split in splits]
    return (
        f"What remains is {show_rise(min(rests))} to {show_rise(max(rests))} over {len(splits)} starts; that says "
        "nothing of other rows or other seeds. Layers are taken out and heads exchanged without any training after it."
    )


def _describe_search(found: DecompositionResult) -> str:
    apart = {
        letter: cell.spread / cell.value
        for letter, cell in (("A", found.cells["a"]), ("B", found.cells["b"]))
        if cell.value and cell.spread is not None and cell.spread > APART * cell.value
    }
    if not apart:
        return ""
    said = " and ".join(f"{letter}'s readings by {100 * share:.0f} %" for letter, share in apart.items())
    return f"Starts disagree, {said}: worse places may be missed. Ask for more ascent_steps or restarts."


def _describe_seeds(pooled: Mapping[str, PairedDifference]) -> str:
    said = [
        f"{COMPARED[name]} {show_change(one.mean)} [{show_change(one.low)}, {show_change(one.high)}]"
        for name, one in pooled.items()
        if one.seeds > 1 and name in ("as_is", "layers_norm", "layers_head_a", "layers_head_b")
    ]
    seeds = max((one.seeds for one in pooled.values()), default=0)
    return f"B against A over {seeds} pairs of runs, one a seed, 95 %: {'; '.join(said)}." if said else ""
