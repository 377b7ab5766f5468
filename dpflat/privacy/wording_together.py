"""What is said of several runs on the same data, when all of them are released."""

from __future__ import annotations

import math

from dpflat.privacy.together import Together
from dpflat.privacy.wording import NO_NOISE, describe_pair, describe_weakness


def describe_together(together: Together, task: str | None = None) -> str:
    """What several runs on the same data promise when all of them are released.

    Args:
        together: the runs.
        task: name of the data; None where it is plain.

    Example:
        >>> from dpflat import build_config, plan_ledger, plan_privacy
        >>> from dpflat.privacy import compose_promises
        >>> config = build_config({"privacy": {"epsilon": 3.0, "noise": "secret"}})
        >>> plan, schedule = plan_privacy(config)
        >>> promise = plan, plan_ledger(config, plan, schedule).guarantee()
        >>> describe_together(compose_promises([promise, promise]))
        'Released together, these 2 runs on the same data give epsilon = 4.07 at delta = 6.1e-5 by PLD.'
    """
    runs = f"Released together, these {together.count} runs{f' on {task}' if task else ''}"
    if not math.isfinite(together.epsilon):
        return f"{runs} have no guarantee: at least one was trained without noise."
    if together.void:
        return f"{runs} have no guarantee: {_say_void(together.void, together.count)}."
    return f"{runs}{'' if task else ' on the same data'} give {_say_promise(together)}"


def _say_void(void: int, count: int) -> str:
    return f"{_some_of_them(void, count)} {'was' if void == 1 else 'were'} shaped by un-noised private data"


def _say_promise(together: Together) -> str:
    caveats = f", {'; '.join(together.because)}" if together.because else ""
    weak = describe_weakness(together.epsilon, together.delta, together.units)
    by = " by PLD" if together.accountant == "pld" else ""
    return " ".join([f"{describe_pair(together.epsilon, together.delta)}{by}{caveats}.", *weak])


def describe_budget(together: Together, task: str, as_public: int = 0) -> str:
    """What all runs of a store that have read one data set promise together.

    Args:
        together: the runs on it.
        task: the data set.
        as_public: runs on another task that read this one as public.
    """
    count = together.count + as_public
    if count == 1:
        broken = "it read these data as public, without noise" if as_public else "un-noised private data shaped it"
        if together.void or as_public:
            return f"One run has read {task}. No guarantee: {broken}."
        promise = f"It gives {_say_promise(together)}" if together.holds else NO_NOISE
        return f"One run has read {task}. {promise}"
    read = f"{_some_of_them(as_public, count)} read these data as public, without noise"
    shaped = _say_void(together.void, count)
    reasons = [reason for number, reason in ((together.void, shaped), (as_public, read)) if number]
    if reasons:
        return f"Released together, these {count} runs on {task} have no guarantee: {'; '.join(reasons)}."
    return describe_together(together, task)


def _some_of_them(some: int, count: int) -> str:
    if some == count:
        return "all of them"
    return "one of them" if some == 1 else f"{some} of them"


def describe_public_use(task: str, runs: list[str]) -> str:
    """Which runs on another task read this one as public: an un-noised read of it."""
    return f"Read {task} as public, without noise: {', '.join(runs)}."


def describe_other_files(count: int) -> str:
    """That runs of the store on other files of one's own are another count, although people may be in several."""
    files = "one other file" if count == 1 else f"{count} other files"
    return f"Not counted: runs on {files} of your own. Of whoever is in several, all epsilons add up."
