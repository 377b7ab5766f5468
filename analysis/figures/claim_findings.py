"""The sentences of the page Claims: what a verdict is worth, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.claims.results import DECIDED, JudgedCard, JudgedClaims, JudgedRow, Outcome, Trials
from analysis.claims.rules import Barrier, Claims, Correlation, Difference, Equality
from analysis.comparison.correlation import Correlation as RankCorrelation
from analysis.comparison.measures import ACCURACY, ATTACK, SHARPNESS, Measure
from analysis.figures.findings import MINUS, Finding, Verdict
from analysis.figures.tradeoff_findings import compare_short, show_change, unit_of_change
from analysis.results import PairedDifference
from dpflat.flatness.mode import LEVEL_WORDS
from dpflat.privacy.wording import show_epsilon, show_lower_bound
from dpflat.tasks.baseline import known_share

BARRIER = Measure("barrier", "barrier", "rise above the straight line, nats", unit=" nats", digits=".3f", margin=0.01)
CORRELATION = Measure("correlation", "rank correlation", "rank correlation", digits=".2f")
AREA = replace(ATTACK, words="AUC of the loss threshold", axis="AUC of the loss threshold")
COMPARED = {measure.name: measure for measure in (ACCURACY, SHARPNESS, AREA)}
GLYPHS = {
    Outcome.REPRODUCED: "✓",
    Outcome.CONTRADICTED: "≠",
    Outcome.SAME: "≈",
    Outcome.CANNOT_TELL: "?",
    Outcome.PROOF: "✕",
    Outcome.EXPLORATORY: "~",
    Outcome.NOT_YET: "…",
    Outcome.UNTESTED: "–",
}
VERDICTS = {Outcome.SAME: Verdict.SAME, Outcome.CANNOT_TELL: Verdict.CANNOT_TELL}


def measure_of(judged: JudgedRow) -> Measure | None:
    """What a row compares; None where it compares nothing."""
    row = judged.row
    if isinstance(row, Barrier | Correlation):
        return BARRIER if isinstance(row, Barrier) else CORRELATION
    return COMPARED[row.measure] if isinstance(row, Difference | Equality) else None


def describe_row(judged: JudgedRow, claims: Claims) -> Finding:
    """A row's verdict as a sentence, with the number behind it.

    Args:
        judged: the row.
        claims: the rules, for their margins.
    """
    text = _say(judged, claims)
    start = f"{judged.outcome}: " if judged.outcome is Outcome.EXPLORATORY else ""
    return Finding(f"{start}{text}", _verdict(judged))


def _verdict(judged: JudgedRow) -> Verdict:
    difference = judged.difference
    if judged.found in VERDICTS:
        return VERDICTS[judged.found]
    if judged.found in (Outcome.REPRODUCED, Outcome.CONTRADICTED) and difference is not None:
        return Verdict.HIGHER if difference.mean > 0 else Verdict.LOWER
    return Verdict.DESCRIPTIVE


def _say(judged: JudgedRow, claims: Claims) -> str:
    row, found = judged.row, judged.found
    if found is Outcome.UNTESTED:
        return f"not tested. {row.reason}"
    if judged.trials is not None:
        return _say_trials(judged.trials, found)
    if found is Outcome.NOT_YET:
        of = "runs" if isinstance(row, Correlation) else "seeds"
        return f"not tested yet ({judged.seeds} of {judged.asked} {of})" if judged.asked else "not tested yet"
    if judged.correlation is not None:
        return _say_correlation(judged)
    measure, difference = measure_of(judged), judged.difference
    assert measure is not None
    assert difference is not None
    margin, number = show_amount(measure, claims.margin(measure.name)), show_signed(measure, difference)
    both = _say_both(measure, judged.means, _largest_class(judged, claims))
    if found is Outcome.CANNOT_TELL:
        return f"cannot tell, {number}{both}; {_say_why(judged, claims)}"
    if isinstance(row, Equality | Barrier):
        return f"{_say_equal(row, found, margin)}, {number}{both}"
    if found is Outcome.SAME:
        return f"no difference above {margin} seen, {number}{both}"
    way = "as claimed" if found is Outcome.REPRODUCED else "against the claim"
    return f"{compare_short(measure, difference).text}{both}, {way}"


def _largest_class(judged: JudgedRow, claims: Claims) -> float | None:
    cells = claims.cells.get(getattr(judged.row, "cells", ""))
    if cells is None or judged.difference is None or measure_of(judged) is not ACCURACY:
        return None
    return known_share(cells.task, judged.difference.examples)


def _say_both(measure: Measure, means: tuple[float, float] | None, share: float | None) -> str:
    """What both sides have: ` (73.7 against 74.0 %, largest class 50.0 %)`; nothing for a ratio."""
    if means is None:
        return ""
    first, second = (f"{measure.scale * value:{measure.digits}}" for value in means)
    beside = "" if share is None else f", largest class {100 * share:.1f} %"
    return f" ({first} against {second}{measure.unit}{beside})"


def show_signed(measure: Measure, difference: PairedDifference) -> str:
    """A difference with its sign, unit and 95 % interval: `+1.3 points [+0.4, +2.2]`; a height has no sign."""
    values = (difference.mean, difference.low, difference.high)
    mean, low, high = (show_change(measure, value) for value in values)
    if measure is BARRIER:
        mean, low, high = (f"{value:.3f}".replace("-0.000", "0.000").replace("-", MINUS) for value in values)
    return f"{mean}{unit_of_change(measure)} [{low}, {high}]"


def show_amount(measure: Measure, value: float) -> str:
    """A margin with its unit: `1 point`, `10 %`, `0.02`."""
    if measure is ACCURACY:
        return "1 point" if value == 0.01 else f"{100 * value:g} points"
    return "10 %" if measure.ratio and show_change(measure, value, sign=False) == "10" else f"{value:g}{measure.unit}"


def _say_equal(row: Equality | Barrier, found: Outcome, margin: str) -> str:
    yes = found is Outcome.REPRODUCED
    if isinstance(row, Barrier):
        return f"no barrier of {margin} or more" if yes else f"a barrier of more than {margin}"
    word = "lower" if row.side == "not_lower" else "higher"
    return f"not {word} by {margin} or more" if yes else f"{word} by more than {margin}"


def _say_why(judged: JudgedRow, claims: Claims) -> str:
    """Why it cannot be decided, what is excluded all the same, and what would settle it."""
    difference, measure = judged.difference, measure_of(judged)
    assert difference is not None
    assert measure is not None
    if not isinstance(judged.row, Difference):
        return "the interval lies across the margin"
    if (difference.low > 0 or difference.high < 0) and (judged.adjusted or 0.0) >= claims.alpha:
        return "the interval leaves out zero, but Holm's correction does not hold"
    margin = claims.margin(measure.name)
    amount = show_amount(measure, margin)
    ends = {"higher": difference.high < margin, "lower": difference.low > -margin}
    excluded = "".join(f"{amount} {way} or more is excluded; " for way, beyond in ends.items() if beyond)
    if judged.needed is not None:
        enough = judged.needed <= judged.seeds
        why = "the interval lies across the margin" if enough else f"about {judged.needed} seeds would settle it"
        return f"{excluded}{why}"
    left = show_change(measure, judged.examples_reach, sign=False)
    seeds = f"{difference.examples:,} test examples leave about ±{left}{unit_of_change(measure)} at any number of seeds"
    return f"{excluded}{seeds}"


def _say_correlation(judged: JudgedRow) -> str:
    found = judged.correlation
    assert found is not None
    if found.value is None or found.low is None or found.high is None:
        return f"cannot tell, {found.runs} runs of one value"
    number = f"rank correlation {_signed(found.value)} [{_signed(found.low)}, {_signed(found.high)}]"
    way = f"flatter runs are {'more' if found.value < 0 else 'less'} accurate"
    start = "cannot tell" if judged.found is Outcome.CANNOT_TELL else way
    return f"{start}: {number} over {found.runs} runs taken as independent{_say_within(judged.within)}"


def _say_within(within: RankCorrelation | None) -> str:
    if within is None or within.value is None or within.low is None or within.high is None:
        return ""
    number = f"{_signed(within.value)} [{_signed(within.low)}, {_signed(within.high)}]"
    if within.low <= 0 <= within.high:
        return f"; inside methods, pooled, we cannot tell, {number}"
    return f"; inside methods, pooled, flatter runs are {'more' if within.value < 0 else 'less'} accurate, {number}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def _say_trials(trials: Trials, found: Outcome) -> str:
    moved = _say_moved(trials.largest)
    if found is not Outcome.PROOF:
        return f"cannot tell, no trial of {trials.count} moved the sum further than 1 C: {moved}"
    weak = (
        f" at strengths chosen to be seen, {_say_moved(trials.authors)} at the authors' own" if trials.authors else ""
    )
    others = "" if trials.repaired is None else f"; in all other modes by at most {trials.repaired:.2f} C"
    reported = f"one record moves the clipped sum by up to {moved}{weak}, and epsilon rests on at most 1 C{others}"
    if trials.chance is None or trials.paid is None:
        return reported
    far = " (far below, so these trials find gross errors only)" if trials.chance < trials.paid / 10 else ""
    chance, paid = f"{trials.chance:.2g}", show_epsilon(trials.paid)
    return f"{reported}, and the log of the chance of a drawn layer by at most {chance}, for which it paid {paid}{far}"


def _say_moved(largest: Mapping[str, float]) -> str:
    return ", ".join(f"{value:.2f} C ({LEVEL_WORDS[mode.partition(':')[0]]})" for mode, value in largest.items())


def describe_attack(trials: Trials) -> str:
    """What an attack on the claimed epsilon measured, beside the trials; empty where there is none."""
    if trials.bound is None or trials.bound_over_all is None or trials.claimed is None:
        return ""
    bound, over = show_lower_bound(trials.bound), show_lower_bound(trials.bound_over_all)
    start = f"An attack on a claimed epsilon of {show_epsilon(trials.claimed)} measured at least {bound} in its best "
    over_all = f"setting, at 95 % for that setting alone; counted with all settings tried, {over}."
    return f"{start}{over_all} The trials do not rest on it."


def describe_card(judged: JudgedCard, claims: Claims) -> Finding:
    """The title over a card's figure: the sentence of its only row that is drawn, else how many came out how."""
    reported = [row for row in judged.rows if row.found in DECIDED]
    rows = reported or list(judged.rows)
    if len(rows) == 1:
        found = describe_row(rows[0], claims)
        return Finding(f"{found.text[0].upper()}{found.text[1:]}", found.verdict)
    words = [str(row.outcome) for row in rows]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return Finding(f"Of {len(rows)} comparisons {counts}", Verdict.DESCRIPTIVE)


def describe_counts(judged: JudgedClaims) -> str:
    """Cards by verdict: `2 reproduced · 3 no difference seen`."""
    return " · ".join(f"{count} {outcome}" for outcome, count in judged.counts().items())


def describe_raw(rows: Sequence[JudgedRow]) -> str:
    """Raw ratios of sharpness beside the matched ones; empty where they are the same."""
    reported = [
        f"{getattr(judged.row, 'first', '')} {show_signed(SHARPNESS, judged.raw)}"
        for judged in rows
        if judged.raw is not None and judged.complete
    ]
    return f"Raw, with fewer entries than DP prefix: {'; '.join(reported)}." if reported else ""
