"""The small texts of a finished job as one file, `packed.json`: each text under its path inside the job's folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from dpflat.runs.layout import ARTIFACTS, METRICS, PACKED

_TEXT = re.compile(rf"(?:{ARTIFACTS}/)?[a-z][a-z_]*\.jsonl?")


@lru_cache(maxsize=64)
def is_packable(name: str) -> bool:
    """Whether a file is packed, by its path inside a job's folder.

    Settings, status, ledger and the like are. `metrics.jsonl` is not: it is longer than all of them together, and few
    readers need it. Nothing in `private/` is.
    """
    return _TEXT.fullmatch(name) is not None and name not in (METRICS, PACKED)


def join_texts(texts: Mapping[str, bytes]) -> bytes:
    """The content of a `packed.json`.

    Raises:
        ValueError: when a text is not UTF-8, or is not one that is packed.
    """
    if not all(map(is_packable, texts)):
        raise ValueError("a name that is not packed")
    files = {name: text.decode("utf-8") for name, text in sorted(texts.items())}
    return (json.dumps({"schema_version": 1, "files": files}, ensure_ascii=False, indent=1) + "\n").encode()


def split_texts(content: bytes) -> dict[str, str]:
    """The texts in a `packed.json`; in UTF-8 they are byte for byte those that were joined.

    Raises:
        ValueError: when it is not complete JSON of schema 1, or names what is not packed.
    """
    packed = json.loads(content.decode("utf-8"))
    files = packed.get("files") if isinstance(packed, dict) and packed.get("schema_version") == 1 else None
    if not isinstance(files, dict) or not all(is_packable(n) and isinstance(t, str) for n, t in files.items()):
        raise ValueError("not packed texts")
    return files
