"""Any encoder that transformers' `AutoModel` can read, from a folder or from the hub.

Code from the hub is never run, and pickled weights are refused: safetensors only.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from dpflat.backbones.load import Backbone, Tokenise, wrap_model
from dpflat.errors import DPFlatError

SUPPORTED_FAMILIES = ("bert", "roberta", "electra")


def read_model(
    where: str,
    pooling: Literal["mean", "first"],
    pretrained_on: tuple[str, ...] | None,
    fingerprint: str,
    dtype: str,
    local_only: bool,
) -> Backbone:
    """A pretrained encoder with its tokenizer.

    Raises:
        DPFlatError: when the files cannot be had, or the family is not supported.
    """
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(where, local_files_only=local_only)
        if config.model_type not in SUPPORTED_FAMILIES:
            raise DPFlatError(
                f"'{where}' is of family '{config.model_type}'. Expected one of: {', '.join(SUPPORTED_FAMILIES)}."
            )
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=local_only)
        model = AutoModel.from_pretrained(
            where, local_files_only=local_only, use_safetensors=True, add_pooling_layer=False
        )
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
        fingerprint,
        dtype,
    )


def fast_tokenise(tokenizer: object) -> Tokenise:
    """Texts to token ids with truncation, without padding."""

    def tokenise(texts: list[str], max_tokens: int) -> list[np.ndarray]:
        encoded = tokenizer(texts, truncation=True, max_length=max_tokens, return_attention_mask=False)  # type: ignore[operator]
        return [np.asarray(ids, dtype=np.int64) for ids in encoded["input_ids"]]

    return tokenise


def load_from_folder(where: str, dtype: str) -> Backbone:
    """An encoder from a local folder; named by the SHA-256 of its weights."""
    weights = Path(where) / "model.safetensors"
    if not weights.is_file():
        raise DPFlatError(
            f"There is no 'model.safetensors' in the folder '{where}'. Expected a folder written by "
            "transformers' save_pretrained."
        )
    with weights.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    return read_model(where, "mean", None, fingerprint, dtype, local_only=True)


def load_from_hub(where: str, dtype: str) -> Backbone:
    """An encoder from the model hub, or the sentence why not."""
    return read_model(where, "mean", None, f"hub:{where}", dtype, local_only=False)
