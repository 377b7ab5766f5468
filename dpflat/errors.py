"""Errors that a person can act on: one sentence with what was expected, what came and the fix."""


class DPFlatError(Exception):
    """A problem in what was asked for, told in one sentence.

    The command line prints the sentence without a traceback and exits with 2; a page shows it beside the
    field. It never quotes a row of data.

    Attributes:
        state: of a folder that cannot be shown for this reason.
    """

    state = "unreadable"


class ChangedError(DPFlatError):
    """A file of a finished job that is not what the job wrote: its numbers are not shown."""

    state = "changed"


class CannotGoOnError(DPFlatError):
    """A run that must not be resumed, now or later: only a new one can keep the promise."""


def unknown(what: str, got: str, known: list[str]) -> DPFlatError:
    """The sentence for a name that is not in a list."""
    return DPFlatError(f"Unknown {what} '{got}'. Expected one of: {', '.join(sorted(known))}.")
