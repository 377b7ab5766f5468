"""Settings that say something of each class. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dpflat.errors import WrongSettingError


def check_classes(
    given: Mapping[str, str], names: Sequence[str], setting: str, what: str, option: str
) -> dict[str, str]:
    """What is said of each class, in the order of the classes.

    Args:
        given: by class.
        names: of the classes.
        setting: its name, for the sentence.
        what: a thing that is given, in words.
        option: what gives one on the command line, with CLASS where the name stands.

    Raises:
        WrongSettingError: when a class has none, one is of no class, or two are the same.
    """
    missing = [name for name in names if name not in given]
    of_none = [name for name in given if name not in names]
    if missing or of_none:
        wrong = f"'{missing[0]}' has none" if missing else f"there is no class '{of_none[0]}'"
        raise WrongSettingError(
            setting,
            f"expected a {what} for each class, such as {option.replace('CLASS', (missing or names)[0])}; {wrong}",
        )
    if len(set(given.values())) < len(given):
        raise WrongSettingError(setting, f"two classes have the same {what}")
    return {name: given[name] for name in names}
