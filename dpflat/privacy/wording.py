"""Every sentence about privacy that the lab says; beside `wording_together`, the only place that says them.

Numbers: epsilon with two decimals, below 0.1 with two figures, rounded up but for less than a billionth; delta with
two figures, rounded up; noise rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from dpflat.privacy.ledger import EntryClass, Guarantee, PrivacyLedger

BADGES = {
    EntryClass.ACCOUNTED: ("●", "in epsilon"),
    EntryClass.POST_PROCESSING: ("○", "free"),
    EntryClass.PUBLIC: ("◇", "public data"),
    EntryClass.DIAGNOSTIC: ("◐", "outside epsilon"),
    EntryClass.CAVEAT: ("△", "with a caveat"),
    EntryClass.BREAKING: ("✕", "breaks epsilon"),
}

NO_NOISE = "No guarantee: trained without noise."
NOTHING_PRIVATE = "Nothing to protect: only public data was read."
FIGURE_OUTSIDE = "Reads private data without noise. Showing this to others releases more than epsilon."
PUBLIC_PLAYS_PRIVATE = "Public data playing the private part."
WEAK_PROMISE = "A weak promise."
LARGE_EPSILON, LARGE_DELTA = 8, 1e-3
AUTHORS_OWN_WORDS = (
    "The method's author says so too: it \u201cdoes not provide a strict DP guarantee like traditional DP-SGD\u201d "
    "(T. Chen, blog on Privacy-Flat, Future work)."
)


def show_epsilon(epsilon: float) -> str:
    """Two decimals, below 0.1 two figures, rounded up: 2.9951 -> 3.00, 0.00101 -> 0.0011.

    A billionth is let go, of one or of what is less: 3.0 with a float's error stays 3.00.
    """
    if not math.isfinite(epsilon):
        return "none"
    if not 0 < epsilon < 0.1:
        rounded = Decimal(repr(round(epsilon, 9))).quantize(Decimal("0.01"), rounding=ROUND_CEILING)
        return str(rounded)
    return f"{_round_up(float(f'{epsilon:.9e}')):f}"


def show_delta(delta: float) -> str:
    """Two figures, rounded up: 6.06e-05 -> 6.1e-5."""
    rounded = _round_up(delta)
    exponent = rounded.adjusted()
    return f"{rounded.scaleb(-exponent).quantize(Decimal('0.1'))}e{exponent}"


def _round_up(value: float) -> Decimal:
    """A positive number to two figures, rounded up."""
    exact = Decimal(repr(value))
    return exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), rounding=ROUND_CEILING)


def show_noise_multiplier(noise_multiplier: float) -> str:
    """Two decimals, rounded down."""
    return str(Decimal(repr(noise_multiplier)).quantize(Decimal("0.01"), rounding=ROUND_FLOOR))


def describe_noise(noise_multiplier: float, accountant: str | None) -> str:
    """The noise of a run before it starts, and by which accountant it meets epsilon: noise multiplier 0.89 by PLD."""
    by = f" by {accountant.upper()}" if accountant else ""
    return f"noise multiplier {show_noise_multiplier(noise_multiplier)}{by}"


def describe_pair(epsilon: float, delta: float) -> str:
    """The pair in words: epsilon = 3.00 at delta = 6.1e-5."""
    return f"epsilon = {show_epsilon(epsilon)} at delta = {show_delta(delta)}"


def describe_guarantee(guarantee: Guarantee, unit: str = "example") -> str:
    """The one sentence that a run is named with."""
    if guarantee.answer == "nothing_private":
        return NOTHING_PRIVATE
    if guarantee.epsilon is None or guarantee.delta is None:
        return NO_NOISE
    pair = describe_pair(guarantee.epsilon, guarantee.delta)
    if guarantee.answer == "holds":
        return f"{pair} covers the trained weights: adding or removing any one {unit}."
    if guarantee.answer == "nominal":
        return f"{pair}, {'; '.join(guarantee.because)}."
    if guarantee.answer == "none":
        return NO_NOISE
    noise_alone = f"epsilon = {show_epsilon(guarantee.epsilon)}"
    return (
        f"No guarantee. The noise alone would give {noise_alone}, but un-noised private data shaped these "
        f"weights: {', '.join(guarantee.because)}."
    )


def describe_stopped(guarantee: Guarantee, step: int, steps: int, unit: str = "example") -> str:
    """The guarantee of a run stopped early: the planned epsilon is the one that holds."""
    if guarantee.answer not in ("holds", "nominal") or guarantee.epsilon is None or guarantee.delta is None:
        return describe_guarantee(guarantee, unit)
    pair = describe_pair(guarantee.epsilon, guarantee.delta)
    stopped = f"stopped at step {step:,} of {steps:,}; the planned epsilon is the one that holds"
    if guarantee.answer == "nominal":
        return f"{pair} ({stopped}), {'; '.join(guarantee.because)}."
    return f"{pair} ({stopped})."


def describe_running(guarantee: Guarantee, spent: float, step: int, steps: int) -> str:
    """What has been spent so far, with the caveats of the guarantee."""
    if guarantee.answer not in ("holds", "nominal") or guarantee.epsilon is None:
        return describe_guarantee(guarantee)
    spent_of = f"epsilon spent {show_epsilon(spent)} of {show_epsilon(guarantee.epsilon)}"
    caveats = f", {'; '.join(guarantee.because)}" if guarantee.because else ""
    return f"{spent_of} (step {step:,} of {steps:,}){caveats}."


def describe_selection(rounds: int, time: str | None, epsilon: float | None = None, regret: float = 0.0) -> str:
    """What a choice of layers by scores takes and, of a private one, what it costs and how good it will be.

    Args:
        rounds: number of rounds.
        time: of all its rounds, in words; None where unknown.
        epsilon: of all its rounds alone; None where no layer is drawn privately.
        regret: how much higher than the lowest the drawn score is at most, with probability 95 % in each round;
            shown with two figures, rounded up.
    """
    takes = f"Choosing layers takes {'one round' if rounds == 1 else f'{rounds} rounds'}"
    takes += f", about {time}" if time else ""
    if epsilon is None:
        return f"{takes}."
    return (
        f"{takes}: alone epsilon = {show_epsilon(epsilon)}, inside the total. In 95 % of draws "
        f"the score is at most {_round_up(regret):f} above the lowest. Where scores lie closer, the choice is near to "
        "a lot; on imdb those of one round lay 0.004 to 0.04 apart (presets/TUNING.md)."
    )


def describe_overlap(count: int | None, task: str, public: str) -> str:
    """That texts of a task share sentences with one that is used as public; the count where it may be reported."""
    if count == 1:
        return f"1 text of {task} shares a sentence with the public {public}"
    texts = "texts" if count is None else f"{count:,} texts"
    return f"{texts} of {task} share a sentence with the public {public}"


def describe_uncounted(task: str, public: Sequence[str]) -> str:
    """Before a run: that texts shared with public data are counted when it starts, and become a caveat."""
    return f"Texts of {task} that share a sentence with the public {' and '.join(public)} are counted when it starts."


def describe_weakness(epsilon: float, delta: float, units: int, unit: str = "example") -> list[str]:
    """Why a promise says little, before a run and after it; empty where it does not.

    Args:
        epsilon: of the whole run.
        delta: probability outside epsilon.
        units: number N of units.
        unit: what is protected.
    """
    reasons = []
    if delta >= 1:
        reasons.append("delta = 1 promises nothing: everything may happen outside epsilon.")
    elif delta >= 1 / units:
        reasons.append(f"delta is too large to mean much for {units:,} {unit}s.")
    elif delta > LARGE_DELTA:
        reasons.append(f"delta = {show_delta(delta)} is more than 1 in {round(1 / LARGE_DELTA):,}.")
    if epsilon > LARGE_EPSILON:
        reasons.append(f"epsilon is more than {LARGE_EPSILON}.")
    return [WEAK_PROMISE, *reasons] if reasons else []


def weakness_of(guarantee: Guarantee, units: int, unit: str) -> list[str]:
    """`describe_weakness` of a guarantee; empty where it promises nothing."""
    if guarantee.answer not in ("holds", "nominal") or guarantee.epsilon is None or guarantee.delta is None:
        return []
    return describe_weakness(guarantee.epsilon, guarantee.delta, units, unit)


BEST_OF_MANY = (
    "Choosing the best of them by accuracy on private data is one more look at these data, and is not covered."
)


def describe_additions(ledger: PrivacyLedger, public_task: bool) -> list[str]:
    """What has to be said beside the guarantee: weak, delta too large, public data."""
    additions = []
    guarantee = ledger.guarantee()
    if guarantee.answer in ("holds", "nominal"):
        additions += weakness_of(guarantee, ledger.units, ledger.unit)
        if ledger.accountant == "pld":
            by_rdp = f"; by RDP the same noise gives {show_epsilon(ledger.epsilon_rdp)}" if ledger.epsilon_rdp else ""
            additions.append(f"Epsilon is by PLD{by_rdp}.")
        elif ledger.epsilon_pld is not None:
            additions.append(f"By PLD the same noise gives {show_epsilon(ledger.epsilon_pld)}.")
    if public_task and guarantee.answer != "nothing_private":
        additions.append(PUBLIC_PLAYS_PRIVATE)
    return additions


SEED_PUBLISHED = "as if the noise seed were secret. It is published here so that you can repeat the run"


NO_UPPER_LIMIT = "No upper limit can be stated."
ATTACK_FAILED = "These attacks found nothing. That is not a guarantee."
NOT_A_GUARANTEE = "A failed attack is not a guarantee."
WITH_CAVEAT = " (with a caveat)"
IDEAL_ATTACKER = (
    "The ideal attacker knows every other example, sees every noisy step, and computes without limit; half of the "
    "examples asked about took part."
)


def out_of(share: float, total: int) -> int:
    """How many of `total` a share is at most: rounded up."""
    return math.ceil(round(total * share, 9))


def describe_odds(right: float, guarantee: Guarantee) -> str:
    """How often an ideal attacker is right at most about one unit, as a title.

    Args:
        right: largest share of right guesses.
        guarantee: of the run; holds or nominal.
    """
    caveat = WITH_CAVEAT if guarantee.answer == "nominal" else ""
    return (
        f"An ideal attacker who sees the weights guesses right at most {out_of(right, 1000):,} times in "
        f"1,000{caveat}; a coin gets 500"
    )


def describe_found(found: float, alarms: int, guarantee: Guarantee) -> str:
    """How many members an ideal attacker finds at most, as a title.

    Args:
        found: largest share of members found.
        alarms: non-members in 100 that may be called members.
        guarantee: of the run; holds or nominal.
    """
    caveat = WITH_CAVEAT if guarantee.answer == "nominal" else ""
    allowed = "1 false alarm" if alarms == 1 else f"{alarms} false alarms"
    return (
        f"With {allowed} in 100 the attacker finds at most {out_of(found, 100)} members in 100{caveat}; a coin "
        f"finds {alarms}"
    )


def describe_condition(guarantee: Guarantee) -> str | None:
    """The caveat under which a nominal bound holds; None where there is none."""
    return f"The caveat: {'; '.join(guarantee.because)}." if guarantee.answer == "nominal" else None


def describe_pair_alone(right: float, found: float, epsilon: float, delta: float) -> str:
    """What the pair would allow by itself, beside what the steps leave, at the same false alarms."""
    return (
        f"{describe_pair(epsilon, delta)} by itself would allow {out_of(right, 1000):,} right guesses in 1,000 and "
        f"{out_of(found, 100)} members in 100: the pair is one point of what the noise promises."
    )


ILLUSTRATION = (
    "One trained model and many rows: an illustration. An epsilon speaks of one example over repeated trainings."
)


def show_lower_bound(epsilon: float) -> str:
    """Two decimals, rounded down but for less than 1e-9: what was measured is not overstated."""
    return str(Decimal(repr(round(epsilon, 9))).quantize(Decimal("0.01"), rounding=ROUND_FLOOR))


def describe_audit(bound: float, guarantee: Guarantee) -> str:
    """What canaries prove, against what the run claims.

    Args:
        bound: epsilon that they refute with 95 % confidence.
        guarantee: of the run.
    """
    measured = f"Measured at least {show_lower_bound(bound)} (95 %)"
    if guarantee.epsilon is None or guarantee.answer in ("none", "nothing_private"):
        return f"{measured}; nothing was claimed."
    if guarantee.answer == "void":
        return f"{measured}; nothing was claimed, the noise alone would give {show_epsilon(guarantee.epsilon)}."
    claimed = f"claimed {show_epsilon(guarantee.epsilon)}"
    if bound > guarantee.epsilon:
        return f"{measured}, {claimed}: refuted at 95 %, counting this audit alone."
    return f"{measured}, {claimed}: this proves nothing against the claim, and nothing for it."


def describe_ceiling(canaries: int, guesses: int, ceiling: float, guarantee: Guarantee) -> str:
    """What n canaries could show at most, and whether that is enough to refute what the run claims."""
    text = f"{canaries:,} canaries with {guesses:,} guesses cannot show more than {show_epsilon(ceiling)}"
    claimed = guarantee.epsilon if guarantee.answer in ("holds", "nominal") else None
    if claimed is not None and ceiling <= claimed:
        return f"{text}: too few to refute {show_epsilon(claimed)}."
    return f"{text}."


def describe_power(attack: str, tried: int, succeeded: int, alike: bool = True) -> str:
    """Whether an attack has been seen to succeed where it must.

    Args:
        attack: its name.
        tried: other runs without privacy that it was tried on.
        succeeded: how many of them it found something in.
        alike: whether those runs are otherwise like the one it speaks of; else they share its task and backbone.
    """
    name = attack[0].upper() + attack[1:]
    if not tried:
        return f"{name}: not yet tried on another run without privacy, so whether it has any power here is not known."
    runs = "the one other run" if tried == 1 else f"{tried} other runs"
    like = "like this one, without privacy" if alike else "without privacy, with other settings"
    some = f"{succeeded} of {runs}" if 0 < succeeded < tried else runs
    reported = f"{name}: finds {'something' if succeeded else 'nothing'} in {some} {like}"
    if not alike:
        return f"{reported}; with these settings it was not tried, so whether it has any power here is not known."
    return f"{reported}." if succeeded else f"{reported}. It has shown no power here."
