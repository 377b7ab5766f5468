"""The sentences over figures of layers; verdicts and numbers as in `findings`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analysis.figures.findings import Finding, Verdict, show_interval, show_points
from analysis.figures.layers import LayerSide
from analysis.layers.results import LayersResult
from analysis.layers.subsets import ALL_UP_TO, Subset, rank_of
from analysis.layers.trace import Trace, TracedRound
from dpflat.privacy.ledger import EntryClass, LedgerEntry, PrivacyLedger
from dpflat.privacy.sources import Source
from dpflat.privacy.wording import show_epsilon

ONE_SEED = " (1 seed)"
ORDINALS = ("first", "second", "third", "fourth", "fifth")


def join(items: Sequence[object]) -> str:
    """1; 1 and 2; 1, 2 and 3."""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def name_layers(layers: Sequence[int]) -> str:
    """Layer 5; layers 3 and 4."""
    return f"layer{'s' if len(layers) > 1 else ''} {join(layers)}"


def describe_removals(side: LayerSide | None, removed: tuple[int, ...], trace: Trace | None, fixed: bool) -> Finding:
    """Which layers went and how sure that was, or which layer is sharpest where none went.

    Args:
        side: what was measured; None where nothing is.
        removed: layers whose prefix was removed in the run, in order.
        trace: the scores behind it; None where they are not there.
        fixed: whether the layers were fixed beforehand.
    """
    if not removed:
        boxes = side.boxes() if side else {}
        text = "No layers were removed in this run"
        if boxes:
            text += f"; the sharpest is layer {max(boxes, key=lambda layer: boxes[layer])}"
        return Finding(text + ONE_SEED, Verdict.DESCRIPTIVE)
    text = f"Removed {name_layers(removed)}"
    if fixed:
        return Finding(f"{text} before the first step; nothing was scored{ONE_SEED}", Verdict.DESCRIPTIVE)
    if trace is None:
        return Finding(f"{text}; the scores are not in this store{ONE_SEED}", Verdict.DESCRIPTIVE)
    if trace.rounds[0].probability is not None:
        lowest = sum(found.removed == found.lowest for found in trace.rounds)
        drawn = f"drawn at random by scores; the lowest score went in {lowest} of {len(removed)} rounds"
        return Finding(f"{text}, {drawn}{ONE_SEED}", Verdict.DESCRIPTIVE)
    return Finding(f"{text}; {_tell_ties([found.is_tie for found in trace.rounds])}{ONE_SEED}", Verdict.DESCRIPTIVE)


def _tell_ties(ties: list[bool]) -> str:
    if len(ties) == 1:
        return "the choice was a tie" if ties[0] else "the choice was clear"
    if all(ties):
        return "all choices were ties"
    if not any(ties):
        return "all choices were clear"
    named = [ORDINALS[i] if i < len(ORDINALS) else f"{i + 1}th" for i in range(len(ties))]
    clear = [name for name, tie in zip(named, ties, strict=True) if not tie]
    tied = [name for name, tie in zip(named, ties, strict=True) if tie]
    clear_words = f"the {join(clear)} choice{'s were' if len(clear) > 1 else ' was'} clear"
    return f"{clear_words}, the {join(tied)} {'were ties' if len(tied) > 1 else 'was a tie'}"


def describe_round(found: TracedRound, number: int) -> Finding:
    """One round of a removal: margin, tie, and what chance it had where it was drawn."""
    text = f"Round {number}: without layer {found.lowest} the least sharpness is left"
    if len(found.scores) > 1:
        kind = "a tie" if found.is_tie else "clear"
        text += f", {found.margin:.2g} under the next ({kind})"
    if found.probability is not None:
        text = f"Round {number}: layer {found.removed} was drawn, with probability {found.probability:.2f}"
        same = found.removed == found.lowest
        text += "; greedy would have taken it too" if same else f"; the greedy choice was layer {found.lowest}"
    return Finding(text + ONE_SEED, Verdict.DESCRIPTIVE)


def describe_what_if(
    result: LayersResult, kept: Subset, measure: str, interval: tuple[float, float] | None = None
) -> Finding:
    """What taking prefixes out does to one measure, beside all other ways to take out as many.

    Args:
        result: what was measured.
        kept: layers that keep their prefix.
        measure: one of `MEASURES`.
        interval: 95 % interval of the loss of accuracy over test examples, shares; None where it is not known.
    """
    everything = result.everything()
    out = [layer for layer in everything if layer not in kept]
    value, whole = result.value(kept, measure), result.value(everything, measure)
    if value is None or whole is None:
        where = f"Without {name_layers(out)}" if out else "With every prefix of these weights"
        return Finding(f"{where}: {measure} is not measured", Verdict.DESCRIPTIVE)
    if not out:
        text = f"With every prefix of these weights {measure} is {show_measure(value, measure)}"
        return Finding(text + ONE_SEED, Verdict.DESCRIPTIVE)
    text = f"Taking out {name_layers(out)} {_change(value - whole, measure, interval)}"
    rank, count = rank_of(kept, result.values(measure), higher_is_better=measure == "accuracy")
    if count > 1:
        ways = "ways" if len(everything) <= ALL_UP_TO else "measured ways"
        better = "none" if rank == 1 else str(rank - 1)
        verb = "is" if rank == 2 else "are"
        text += f"; {better} of the {count} {ways} to take out {len(out)} {verb} better"
    return Finding(text + ONE_SEED, Verdict.DESCRIPTIVE)


def show_measure(value: float, measure: str) -> str:
    """A measure with its unit."""
    return f"{100 * value:.1f} %" if measure == "accuracy" else f"{value:.3f}{' nats' if measure == 'loss' else ''}"


def _change(difference: float, measure: str, interval: tuple[float, float] | None) -> str:
    if measure != "accuracy":
        return f"{'raises' if difference > 0 else 'lowers'} {measure} by {abs(difference):.3f}".replace("-", "")
    if interval is None:
        word = "costs" if difference <= 0 else "brings"
        return f"{word} {show_points(abs(difference), sign=False)} points"
    low, high = interval
    if low <= 0 <= high:
        return (
            f"costs {show_points(-difference, sign=False)} points {show_interval(low, high, sign=False)}: cannot tell"
        )
    if difference > 0:
        low, high = -high, -low
    word = "costs" if difference <= 0 else "brings"
    return f"{word} {show_points(abs(difference), sign=False)} points {show_interval(low, high, sign=False)}"


def describe_agreement(counts: Sequence[int], seeds: int) -> Finding:
    """How often each layer went.

    Args:
        counts: number of removals by layer.
        seeds: number of seeds.
    """
    by_count: dict[int, list[int]] = defaultdict(list)
    for layer, count in enumerate(counts):
        if count:
            by_count[count].append(layer)
    if not by_count:
        return Finding("No seed removed a layer", Verdict.DESCRIPTIVE)
    parts = [f"{name_layers(by_count[count])} in {count} of {seeds}" for count in sorted(by_count, reverse=True)]
    text = parts[0].replace(" in ", " went in ", 1) + (" seed" if seeds == 1 else " seeds")
    reported = ", ".join([text[0].upper() + text[1:], *parts[1:]])
    return Finding(reported + (ONE_SEED if seeds == 1 else ""), Verdict.DESCRIPTIVE)


def choice_entry(ledger: PrivacyLedger) -> LedgerEntry | None:
    """The ledger's line on how layers were chosen; None where none were."""
    return next((entry for entry in ledger.entries if entry.source is Source.CROSS_LAYER), None)


def describe_cost(ledger: PrivacyLedger) -> str:
    """What the choice of layers cost, in one sentence."""
    entry = choice_entry(ledger)
    if entry is None:
        return "No layer was chosen, so choosing cost nothing."
    match entry.entry_class:
        case EntryClass.ACCOUNTED if entry.epsilon_alone is not None and ledger.epsilon is not None:
            alone, total = show_epsilon(entry.epsilon_alone), show_epsilon(ledger.epsilon)
            text = f"Choosing layers costs epsilon {alone} alone, inside the total of {total}"
            void = ledger.guarantee().answer == "void"
            return f"{text}; other reads void that total." if void else f"{text}."
        case EntryClass.BREAKING:
            return "Choosing layers read private data without noise: it voids the guarantee."
        case EntryClass.PUBLIC:
            about = (Source.LAYER_LIST, Source.SHARED_TEXTS)
            noted = [e.because for e in ledger.entries if e.source in about and e.because]
            text = "Choosing layers read no private data"
            return f"{text}, {'; '.join(noted)}." if noted else f"{text}: it cost nothing."
        case _:
            return f"Choosing layers: {entry.mechanism}."


def class_of_scores(ledger: PrivacyLedger) -> EntryClass:
    """What showing the scores behind a choice costs: un-noised private scores that chose break epsilon."""
    entry = choice_entry(ledger)
    if entry is None or entry.entry_class is EntryClass.PUBLIC:
        return EntryClass.PUBLIC
    return EntryClass.BREAKING if entry.entry_class is EntryClass.BREAKING else EntryClass.DIAGNOSTIC


def worst(*classes: EntryClass) -> EntryClass:
    """The class of something that is made of several."""
    order = (
        EntryClass.PUBLIC,
        EntryClass.POST_PROCESSING,
        EntryClass.ACCOUNTED,
        EntryClass.CAVEAT,
        EntryClass.DIAGNOSTIC,
        EntryClass.BREAKING,
    )
    return max(classes, key=order.index)


def describe_norms(result: LayersResult, letter: str) -> Finding:
    """Which layer's words look most and least at their prefix."""
    mass = {layer: norms.attention_mass for layer, norms in result.norms.items()}
    most, least = max(mass, key=mass.__getitem__), min(mass, key=mass.__getitem__)
    shares = f"{100 * mass[most]:.0f} % in layer {most}"
    if most != least:
        shares += f", {100 * mass[least]:.0f} % in layer {least}"
    return Finding(f"{letter}: of the words' attention the prefix gets {shares}{ONE_SEED}", Verdict.DESCRIPTIVE)
