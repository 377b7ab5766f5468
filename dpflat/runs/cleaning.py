"""Values as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any


def clean(content: Any) -> Any:
    """JSON has no NaN: such a number becomes null, and its mapping gets `nonfinite_values: true`."""
    if isinstance(content, dict):
        cleaned = {key: clean(value) for key, value in content.items()}
        if any(_is_nonfinite(value) for value in content.values()):
            cleaned["nonfinite_values"] = True
        return cleaned
    if isinstance(content, list | tuple):
        return [clean(item) for item in content]
    return None if _is_nonfinite(content) else content


def holds_infinity(content: dict[str, Any]) -> bool:
    """Whether a number in parsed JSON is too large for a float, such as 1e400."""
    holders: list[Any] = [content]
    for holder in holders:
        for value in holder.values() if type(holder) is dict else holder:
            kind = type(value)
            if kind is dict or kind is list:
                holders.append(value)
            elif kind is float and math.isinf(value):
                return True
    return False


def _is_nonfinite(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_nonfinite(item) for item in value)
    return isinstance(value, float) and not math.isfinite(value)
