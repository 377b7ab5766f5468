"""Errors that a person can act on: one sentence with what was expected, what came and the fix."""


class DPFlatError(Exception):
    """A problem in what was asked for, told in one sentence.

    The command line prints the sentence without a traceback and exits with 2; a page shows it beside the
    field. It never quotes a row of data.
    """


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
