"""Types, shapes and ranges of what stands in a `result.json`: the fields of a result's dataclass, which pydantic reads.

A number that was not finite is None in the file; `Known` takes no such number, `OrNan` and arrays make it not a number.
The ranges are far wider than anything that is measured, and keep what is computed from it finite. No torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PlainValidator, TypeAdapter

LARGEST, ROUNDING, MOST_ROWS = 1e100, 1e-6, 10_000

Known = Annotated[float, Field(strict=True, ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
OrNan = Annotated[float, PlainValidator(lambda value: _NAN if value is None else _KNOWN.validate_python(value))]
Length = Annotated[float, Field(strict=True, ge=-1e12, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=-ROUNDING, le=1 + ROUNDING, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Entries = Annotated[int, Field(strict=True, ge=1, le=10**12)]

_KNOWN: TypeAdapter[float] = TypeAdapter(Known)
_NAN = float("nan")
_ROW = Annotated[list[Known | None], Field(max_length=MOST_ROWS)]
_ROWS = Annotated[list[_ROW], Field(max_length=MOST_ROWS)]


def _array(schema: Any) -> Callable[[Any], np.ndarray]:
    adapter: TypeAdapter[Any] = TypeAdapter(schema)
    return lambda values: np.array(adapter.validate_python(values), dtype=float)


Vector = Annotated[np.ndarray, PlainValidator(_array(_ROW))]
Matrix = Annotated[np.ndarray, PlainValidator(_array(_ROWS))]
