"""Errors that a person can act on: one sentence with what was expected, what came and the fix."""

from __future__ import annotations

from typing import Self

from dpflat.message import Message, plain


class DPFlatError(Exception):
    """A problem in what was asked for, reported in one sentence.

    The command line prints the sentence without a traceback and exits with 2; a page shows it beside the
    field. It never quotes a row of data.

    Attributes:
        state: of a folder that cannot be shown for this reason.
        message: the sentence in parts. Of one that is given as words all counts as private.
    """

    state = "unreadable"

    def __init__(self, said: str | Message) -> None:
        """Tell a problem, in words or in parts."""
        self.message = said if isinstance(said, Message) else plain(said)
        super().__init__(self.message.whole())

    @classmethod
    def of(cls, code: str, public: dict[str, str | int] | None = None, **private: str | int) -> Self:
        """A problem in parts.

        Args:
            code: which sentence of `dpflat.message.WORDS`.
            public: what of it anybody may read.
            private: what only the owner may.
        """
        return cls(Message(code=code, public=public or {}, private=private))


class ChangedError(DPFlatError):
    """A file of a finished job that is not what the job wrote: its numbers are not shown."""

    state = "changed"


class CannotGoOnError(DPFlatError):
    """A run that must not be resumed, now or later: only a new one can keep the promise."""


class SettingsError(DPFlatError):
    """Settings that cannot be.

    Attributes:
        settings: the names of those that are wrong, such as `optimiser.batch_size`.
    """

    def __init__(self, message: str, settings: tuple[str, ...]):
        super().__init__(message)
        self.settings = settings


class WrongSettingError(ValueError):
    """What a check of whole settings raises where one of them is to blame.

    Attributes:
        setting: its name.
    """

    def __init__(self, setting: str, message: str):
        super().__init__(message)
        self.setting = setting


def unknown(what: str, got: str, known: list[str]) -> DPFlatError:
    """The sentence for a name that is not in a list."""
    return DPFlatError(f"Unknown {what} '{got}'. Expected one of: {', '.join(sorted(known))}.")
