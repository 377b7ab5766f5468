"""Labels as text: which spellings are one label, and which labels are classes."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from dpflat.errors import DPFlatError

MOST_CLASSES, LONGEST_LABEL = 200, 200
TOO_LONG = f"is longer than {LONGEST_LABEL} characters; expected a class"
WHOLE, WITH_ZEROS, MINUS_ZERO = re.compile(r"-?\d+"), re.compile(r"(-?\d+)\.0+"), re.compile("-0+")
BINARY, NO_LABEL = {"0", "1"}, "-1"


def name_label(value: Any) -> str | None:
    """A label as text: `1`, `1.0` and `"1"` are one label, and so are `0` and `-0`. None where there is none.

    Raises:
        ValueError: for a number with a fraction, for what is very long, and for anything that is neither text nor
            number.
    """
    if value is None or (isinstance(value, float | Decimal) and math.isnan(value)):
        return None
    text = _as_text(value)
    if len(text) > LONGEST_LABEL:
        raise ValueError(TOO_LONG)
    with_zeros = WITH_ZEROS.fullmatch(text)
    text = with_zeros[1] if with_zeros else text
    return "0" if MINUS_ZERO.fullmatch(text) else text or None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        if abs(value) >= 10**LONGEST_LABEL:
            raise ValueError(TOO_LONG)
        return str(value)
    if isinstance(value, float | Decimal):
        if isinstance(value, Decimal) and value.adjusted() > LONGEST_LABEL:
            raise ValueError(TOO_LONG)
        if not math.isfinite(value) or value != int(value):
            raise ValueError("is a number with a fraction; expected a class")
        return _as_text(int(value))
    if not isinstance(value, str):
        raise ValueError("is neither text nor a number")
    return value.strip()


def list_classes(labels: list[str], file: str, column: str) -> tuple[str, ...]:
    """The different labels in their order: by value where all are whole numbers, else by letters.

    Raises:
        DPFlatError: when there are fewer than two or too many, and for -1 beside 0 and 1, which may be no label.

    Privacy: which labels there are is read off the data: a caveat of the guarantee.
    """
    found = set(labels)
    if len(found) < 2:
        raise DPFlatError(
            f"Every row of '{file}' has the same label in column '{column}'; expected two classes or more."
        )
    if len(found) > MOST_CLASSES:
        raise DPFlatError(
            f"Column '{column}' of '{file}' has {len(found):,} different labels in {len(labels):,} rows; "
            f"expected at most {MOST_CLASSES}. Is it the column of the label?"
        )
    if found == BINARY | {NO_LABEL}:
        raise DPFlatError(
            f"Column '{column}' of '{file}' has -1 beside 0 and 1 in {labels.count(NO_LABEL):,} rows, which often "
            "stands for no label. If it is a class: --classes=-1,0,1; else leave these rows out of the file."
        )
    whole = all(WHOLE.fullmatch(label) for label in found)
    return tuple(sorted(found, key=lambda label: (int(label), label) if whole else (0, label)))
