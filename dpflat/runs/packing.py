"""The small texts of a finished job as one file, `packed.json`: each text under its path inside the job's folder.

It also names what was left out of a copy of a run, with the checksum that the file had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from pydantic_core import from_json

from dpflat.runs.layout import ARTIFACTS, METRICS, PACKED, TRAJECTORY, WEIGHTS

LEAVABLE = (f"{ARTIFACTS}/{WEIGHTS}", f"{ARTIFACTS}/{TRAJECTORY}")
_TEXT = re.compile(rf"(?:{ARTIFACTS}/)?[a-z][a-z_]*\.jsonl?")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")


class NotJSONError(ValueError):
    """What is no complete JSON."""


class Packed(NamedTuple):
    """What a `packed.json` holds.

    Attributes:
        texts: by path inside the job's folder.
        left_out: SHA-256 of each file that is not in this copy of a run, by its path.
    """

    texts: Mapping[str, str] = MappingProxyType({})
    left_out: Mapping[str, str] = MappingProxyType({})


@lru_cache(maxsize=64)
def is_packable(name: str) -> bool:
    """Whether a file is packed, by its path inside a job's folder.

    Settings, status, ledger and the like are. `metrics.jsonl` is not: it is longer than all of them together, and few
    readers need it. Nothing in `private/` is.
    """
    return _TEXT.fullmatch(name) is not None and name not in (METRICS, PACKED)


def join_texts(texts: Mapping[str, bytes], left_out: Mapping[str, str] = Packed().left_out) -> bytes:
    """The content of a `packed.json`.

    Args:
        texts: by path inside the job's folder.
        left_out: SHA-256 of each file that is not in this copy, by its path; it is written where there is one.

    Raises:
        ValueError: when a text is not UTF-8, or a name is not one that is packed or left out.
    """
    if not all(map(is_packable, texts)) or not _are_leavable(left_out):
        raise ValueError("a name that is not packed")
    files = {name: text.decode("utf-8") for name, text in sorted(texts.items())}
    content = {"schema_version": 1, "files": files} | ({"left_out": dict(sorted(left_out.items()))} if left_out else {})
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def split_texts(content: bytes) -> Packed:
    """What a `packed.json` holds; in UTF-8 its texts are byte for byte those that were joined.

    Raises:
        ValueError: when it is not complete JSON of schema 1, or names what is neither packed nor left out.
    """
    try:
        packed = from_json(content, allow_inf_nan=False)
    except ValueError:
        raise NotJSONError("not complete JSON") from None
    files = packed.get("files") if isinstance(packed, dict) and packed.get("schema_version") == 1 else None
    if not isinstance(files, dict) or not all(is_packable(n) and isinstance(t, str) for n, t in files.items()):
        raise ValueError("not packed texts")
    left_out = packed.get("left_out", {})
    if not isinstance(left_out, dict) or not _are_leavable(left_out):
        raise ValueError("not files that are left out")
    return Packed(files, left_out)


def _are_leavable(left_out: Mapping[str, object]) -> bool:
    return all(n in LEAVABLE and isinstance(s, str) and _CHECKSUM.fullmatch(s) for n, s in left_out.items())
