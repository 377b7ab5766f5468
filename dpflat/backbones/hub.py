"""Any encoder that transformers' `AutoModel` can read, from a folder or from the hub.

Code from the hub is never run, and pickled weights are refused: safetensors only.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from dpflat.backbones.families import find_family
from dpflat.backbones.load import Backbone, Tokenise, wrap_model
from dpflat.errors import DPFlatError

AT_ONCE = 1000


def read_model(
    where: str,
    pooling: Literal["mean", "first"],
    pretrained_on: tuple[str, ...] | None,
    fingerprint: str | None,
    dtype: str,
    local_only: bool,
) -> Backbone:
    """A pretrained encoder with its tokenizer; without a fingerprint it gets that of the weights that came.

    Raises:
        DPFlatError: when the files cannot be had, or the family is not supported.
    """
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(where, local_files_only=local_only)
        family = find_family(config.model_type, where)
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=local_only)
        without_pooler = {"add_pooling_layer": False} if family.has_pooler else {}
        model = AutoModel.from_pretrained(where, local_files_only=local_only, use_safetensors=True, **without_pooler)
    except (OSError, ValueError, SafetensorError) as error:
        kind = "folder" if local_only else "hub model"
        hint = (
            "a folder with config.json, tokenizer files and model.safetensors"
            if local_only
            else "a hub id such as 'org/name' and a network"
        )
        raise DPFlatError(
            f"The {kind} '{where}' could not be read ({type(error).__name__}). Expected {hint}. "
            "Without a network use --set backbone.name=minilm."
        ) from None
    return wrap_model(
        model,
        fast_tokenise(tokenizer),
        tokenizer.pad_token_id or 0,
        pooling,
        pretrained_on,
        fingerprint or digest_weights(model),
        dtype,
    )


def check_weights(path: Path, expected: str, name: str, fix: str) -> None:
    """Refuse weights that are not byte for byte the published ones.

    Args:
        path: the file.
        expected: its SHA-256.
        name: of the model, in prose.
        fix: what to do when it is another file.

    Raises:
        DPFlatError: when it is.
    """
    digest = digest_file(path)
    if digest != expected:
        raise DPFlatError(
            f"The {name} weights are damaged: expected SHA-256 {expected[:12]}..., got {digest[:12]}.... {fix}"
        )


def digest_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_weights(model: torch.nn.Module) -> str:
    """SHA-256 of names and values of all weights, in order of name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def fast_tokenise(tokenizer: object) -> Tokenise:
    """Texts to token ids with truncation, without padding; in parts, since the library keeps all that it read."""

    def tokenise(texts: list[str], max_tokens: int, pairs: list[str] | None = None) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for start in range(0, len(texts), AT_ONCE):
            some = [texts[start : start + AT_ONCE], *([pairs[start : start + AT_ONCE]] if pairs is not None else [])]
            encoded = tokenizer(*some, truncation=True, max_length=max_tokens, return_attention_mask=False)  # type: ignore[operator]
            found.extend(np.asarray(ids, dtype=np.int64) for ids in encoded["input_ids"])
        return found

    return tokenise


def load_from_folder(where: str, dtype: str) -> Backbone:
    """An encoder from a local folder; named by the SHA-256 of its weights."""
    weights = Path(where) / "model.safetensors"
    if not weights.is_file():
        raise DPFlatError(
            f"There is no 'model.safetensors' in the folder '{where}'. Expected a folder written by "
            "transformers' save_pretrained."
        )
    return read_model(where, "mean", None, digest_file(weights), dtype, local_only=True)


def load_from_hub(where: str, dtype: str) -> Backbone:
    """An encoder from the model hub, or the sentence why not."""
    return read_model(where, "mean", None, None, dtype, local_only=False)
