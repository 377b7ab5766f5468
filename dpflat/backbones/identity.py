"""Which model a folder or a hub name means: a digest of what is loaded, weights, settings and tokenizer. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from dpflat.errors import DPFlatError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
LOADED = (
    WEIGHTS, CONFIG, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spm.model",
)  # fmt: skip
"""All that is read of a model; nothing else in its folder is."""


def locate(name: str) -> Path | None:
    """The folder that the name of a backbone means; None for a bundled one, which is known by its published checksum.

    Raises:
        DPFlatError: when a hub model is neither on this computer nor within reach.
    """
    kind, _, where = name.partition(":")
    if kind == "folder":
        return Path(where)
    if kind != "hub":
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        return Path(snapshot_download(where, allow_patterns=list(LOADED)))
    except Exception as error:  # whatever a network, a cache or a name makes of it
        raise DPFlatError(
            f"The hub model '{where}' could not be read ({type(error).__name__}). Expected a hub id such as 'org/name' "
            "and a network. Without a network use --set backbone.name=minilm."
        ) from None


def identify(name: str) -> str | None:
    """SHA-256 of everything that is loaded of a backbone from outside, by file; None for a bundled one.

    Raises:
        DPFlatError: when it cannot be had or read.
    """
    folder = locate(name)
    if folder is None:
        return None
    digests = digest_files(folder)
    if CONFIG not in digests or WEIGHTS not in digests:
        raise DPFlatError(f"There is no model in '{folder}'. Expected a folder with {CONFIG} and {WEIGHTS}.")
    return join_digests(digests)


def digest_files(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a model, by name.

    Raises:
        DPFlatError: when one cannot be read.
    """
    found = {}
    for name in LOADED:
        path = folder / name
        try:
            if path.is_file():
                found[name] = digest_file(path)
        except OSError as error:
            raise DPFlatError(f"'{name}' of the backbone in '{folder}' cannot be read ({error.strerror}).") from None
    return found


def join_digests(digests: Mapping[str, str]) -> str:
    """One SHA-256 of names and contents of files."""
    joined = b"".join(name.encode() + b"\0" + bytes.fromhex(digest) for name, digest in digests.items())
    return hashlib.sha256(joined).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
