"""The sentences of the page Epsilon and accuracy; verdicts as in `findings`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.comparison.correlation import FEWEST, Correlation
from analysis.comparison.measures import ACCURACY, Measure
from analysis.comparison.reach import ALREADY, NEVER, Reach
from analysis.figures.findings import (
    MINUS,
    Finding,
    Verdict,
    compare_accuracy,
    cost_of_privacy,
    judge,
    show_points,
    what_flatness_gives,
)
from analysis.figures.layer_findings import join
from analysis.figures.tradeoff_panels import FlatRun, MethodDifference
from analysis.results import PairedDifference

TIMES_FROM = 2.0


def show_change(measure: Measure, value: float, sign: bool = True) -> str:
    """A difference without its unit: percent for a ratio, points for accuracy, else the measure's own digits."""
    if measure is ACCURACY:
        return show_points(value if sign else abs(value), sign)
    text = f"{100 * math.expm1(value):+.0f}" if measure.ratio else f"{value:+.3f}"
    return (text if sign and float(text) else text.lstrip("+-")).replace("-", MINUS)


def unit_of_change(measure: Measure) -> str:
    """What stands behind a difference: ` %`, ` points`, ` nats` or nothing."""
    if measure.ratio:
        return " %"
    return " points" if measure is ACCURACY else measure.unit


def compare_short(measure: Measure, difference: PairedDifference, other: str = "") -> Finding:
    """A difference in few words: `38 % lower [25, 49]`.

    Args:
        measure: what is compared.
        difference: one minus the other.
        other: stands behind `lower` and `higher`, with a space before it.
    """
    verdict, unit = judge(difference, measure.margin), unit_of_change(measure)
    mean, low, high = difference.mean, difference.low, difference.high
    interval = f"[{show_change(measure, low)}, {show_change(measure, high)}]"
    tiny = ", less than matters" if abs(mean) < measure.margin else ""
    match verdict:
        case Verdict.DESCRIPTIVE:
            text = f"{show_change(measure, mean)}{unit}{other.replace(' than ', ' against ')} (1 seed)"
        case Verdict.SAME:
            text = f"no difference above {show_change(measure, measure.margin, sign=False)}{unit} seen"
        case Verdict.CANNOT_TELL:
            text = f"cannot tell, {show_change(measure, mean)}{unit} {interval}"
        case Verdict.HIGHER if measure.ratio and math.exp(mean) > TIMES_FROM:
            ends = ", ".join(f"{math.exp(end):.1f}" for end in (low, high))
            text = f"{math.exp(mean):.1f} times{other.replace(' than ', ' ')} [{ends}]"
        case Verdict.HIGHER:
            text = f"{show_change(measure, mean, sign=False)}{unit} higher{other} {interval}{tiny}"
        case _:
            lower = ", ".join(_as_fall(measure, end) for end in (high, low))
            text = f"{show_change(measure, mean, sign=False)}{unit} lower{other} [{lower}]{tiny}"
    return Finding(text, verdict)


def _as_fall(measure: Measure, value: float) -> str:
    """An end of the interval of a fall, as the size of the fall."""
    text = show_change(measure, value)
    return text[1:] if text.startswith(MINUS) else text.replace("+", MINUS)


def compare_values(name: str, other: str, measure: Measure, difference: PairedDifference) -> Finding:
    """A measure of `name` against that of `other`, as a sentence."""
    if measure is ACCURACY:
        return compare_accuracy(name, other, difference)
    words = measure.words[0].upper() + measure.words[1:]
    verdict = judge(difference, measure.margin)
    if verdict in (Verdict.HIGHER, Verdict.LOWER):
        short = compare_short(measure, difference, f" than that of {other}")
        return Finding(f"{words} of {name} is {short.text}", verdict)
    if verdict is Verdict.DESCRIPTIVE:
        return Finding(f"{words} of {name}: {compare_short(measure, difference, f' than {other}').text}", verdict)
    return Finding(f"{words} of {name} against {other}: {compare_short(measure, difference).text}", verdict)


def describe_tradeoff(
    measure: Measure, epsilon: float, cost: PairedDifference | None, flatness: PairedDifference | None
) -> Finding:
    """The title of the page: what privacy does to a measure at an epsilon, and what DP-Flat does.

    Args:
        measure: on the vertical axis.
        epsilon: of the private runs.
        cost: DP prefix tuning minus the same without privacy; None where it is not known.
        flatness: DP-Flat, repaired, minus DP prefix tuning.
    """
    parts: list[Finding] = []
    if measure is ACCURACY:
        parts += [cost_of_privacy(epsilon, cost)] if cost else []
        parts += [Finding(what_flatness_gives(flatness), judge(flatness, measure.margin))] if flatness else []
        if parts and not cost:
            parts[0] = compare_accuracy(f"At epsilon {epsilon:g} DP-Flat", "DP prefix", flatness)  # type: ignore[arg-type]
    else:
        pairs = (("DP prefix", "non-private prefix", cost), ("DP-Flat", "DP prefix", flatness))
        reported = [compare_values(name, other, measure, found) for name, other, found in pairs if found]
        parts = [Finding(f"At epsilon {epsilon:g} {_uncapital(f.text)}", f.verdict) for f in reported[:1]]
        if cost and flatness:
            parts.append(
                Finding(f"DP-Flat against DP prefix: {compare_short(measure, flatness).text}", reported[1].verdict)
            )
    if not parts:
        return Finding(f"{measure.words[0].upper()}{measure.words[1:]} against epsilon", Verdict.DESCRIPTIVE)
    return Finding("; ".join(part.text for part in parts), parts[0].verdict)


def _uncapital(text: str) -> str:
    return text if text.startswith("DP") else text[0].lower() + text[1:]


def describe_differences(rows: Sequence[MethodDifference], measure: Measure, other: str, epsilon: float) -> Finding:
    """The title over paired differences: DP-Flat's at the page's epsilon where it is there, else the first."""

    def distance(row: MethodDifference) -> tuple[bool, float]:
        return row.method != "DP-Flat", abs(math.log(row.epsilon / epsilon))

    row = min(rows, key=distance)
    found = compare_values(row.method, other, measure, row.difference)
    return Finding(f"At epsilon {row.epsilon:g} {_uncapital(found.text)}", found.verdict)


def show_reach(reach: Reach) -> str:
    """Where a target is reached, and the range of that, in words."""
    first, last = reach.epsilons[0], reach.epsilons[-1]
    only = len(reach.epsilons) == 1
    if reach.value == ALREADY:
        place = "only" if only else "smallest"
        text = f"reached {'' if only else 'already '}at the {place} measured epsilon {first:g}"
    elif reach.value == NEVER:
        text = f"not reached {f'at the only measured epsilon {first:g}' if only else f'within {first:g} to {last:g}'}"
    else:
        text = f"epsilon {reach.value:.1f}"
    if reach.low != reach.high:
        text += f" [{_show_end(reach.low, first, last)}, {_show_end(reach.high, first, last)}]"
    if (reach.low, reach.high) == (ALREADY, NEVER):
        text = f"cannot tell at the only measured epsilon {first:g}" if only else f"cannot tell, {text}"
    single = [epsilon for epsilon, seeds in zip(reach.epsilons, reach.seeds, strict=True) if seeds == 1]
    if not single:
        return text
    where = "" if len(single) == len(reach.epsilons) else f" at epsilon {join([f'{epsilon:g}' for epsilon in single])}"
    return f"{text} (1 seed{where})"


def _show_end(end: float, first: float, last: float) -> str:
    if end == ALREADY:
        return f"{first:g} or less"
    return f"above {last:g}" if end == NEVER else f"{end:.1f}"


def describe_reaches(reaches: Sequence[Reach], target: float, named: int = 2) -> Finding:
    """The title over the epsilons that a target takes: of the first methods."""
    reported = "; ".join(f"{reach.method} {show_reach(reach)}" for reach in reaches[:named])
    return Finding(f"For {100 * target:g} % accuracy: {reported}", Verdict.DESCRIPTIVE)


def describe_correlation(epsilon: float, runs: Sequence[FlatRun], found: Correlation) -> Finding:
    """Whether flatter runs are more accurate at one epsilon: the rank correlation and its interval.

    A rank correlation below zero says that runs of lower sharpness, or of a lower eigenvalue, have higher accuracy.
    """
    methods = len({run.method for run in runs})
    over = f"{found.runs} run{'s' if found.runs != 1 else ''} of {methods} method{'s' if methods != 1 else ''}"
    start = f"At epsilon {epsilon:g}"
    unknown = f"{start} whether flatter runs are more accurate we cannot tell"
    if found.value is None or found.low is None or found.high is None:
        why = f"{over}, {FEWEST} are needed" if found.runs < FEWEST else f"{over} of one value"
        return Finding(f"{unknown} ({why})", Verdict.CANNOT_TELL)
    number = f"rank correlation {_show_signed(found.value)}"
    number += f" [{_show_signed(found.low)}, {_show_signed(found.high)}], {found.runs} runs"
    if found.low <= 0 <= found.high:
        return Finding(f"{unknown}: {number}", Verdict.CANNOT_TELL)
    verdict, word = (Verdict.LOWER, "more") if found.high < 0 else (Verdict.HIGHER, "less")
    return Finding(f"{start} flatter runs are {word} accurate: {number}", verdict)


def _show_signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def describe_left_out(names: Sequence[str], count: int) -> str:
    """That runs are not pooled, and which settings differ: `3 runs left out: other head learning rate`."""
    runs = "1 run" if count == 1 else f"{count} runs"
    return f"{runs} left out: other {' and '.join(names) if names else 'settings'}"


def describe_other_examples(counts: Sequence[int], common: int) -> str:
    """That runs are not pooled since they were tested on other rows: `1 run left out: 100 test examples, not 1,706`.

    Args:
        counts: test examples of each such run.
        common: of the pooled runs.
    """
    runs = "1 run" if len(counts) == 1 else f"{len(counts)} runs"
    return f"{runs} left out: {join([f'{n:,}' for n in sorted(set(counts))])} test examples, not {common:,}"


def describe_measured(measured: int, of: int, meaningless: int, measure: Measure) -> str:
    """How many runs have a measure; one that lacks it is counted and not drawn.

    Args:
        measured: runs that have it.
        of: runs that can be asked.
        meaningless: runs that cannot.
        measure: what is asked.
    """
    words = measure.words[0].upper() + measure.words[1:]
    text = f"{words}: measured for {measured} of {of} runs"
    verb = "has" if meaningless == 1 else "have"
    return f"{text}; {meaningless} more {verb} none, since no prefix was trained." if meaningless else f"{text}."
