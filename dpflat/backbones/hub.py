"""Any encoder that transformers' `AutoModel` can read, from a folder; a hub model is a folder once it is here.

Code from the hub is never run, and pickled weights are refused: safetensors only.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from dpflat.backbones.families import find_family
from dpflat.backbones.family import Family
from dpflat.backbones.identity import LOADED, WEIGHTS, digest_file, digest_files, join_digests
from dpflat.backbones.load import Backbone, Tokenise, freeze, wrap_model
from dpflat.backbones.sizes import check_sizes, read_config
from dpflat.backbones.template_reader import TemplateReader
from dpflat.backbones.word_head import WordHead, load_whole
from dpflat.errors import DPFlatError

AT_ONCE = 1000
LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def read_model(
    where: str, pretrained_on: tuple[str, ...] | None, fingerprint: str | None, dtype: str, reads_words: bool = False
) -> Backbone:
    """A pretrained encoder with its tokenizer, from its folder; without a fingerprint it gets that of its weights.

    Args:
        where: the folder.
        pretrained_on: corpora it has seen; None where nobody says.
        fingerprint: of its weights.
        dtype: of the frozen weights.
        reads_words: whether its masked-language head is read with it.

    Raises:
        DPFlatError: when the folder is not that of one whole model, its family is not supported, or it has no head
            where one is wanted.
    """
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    folder = Path(where)
    family = find_family(read_config(folder)["model_type"], where)
    try:
        with only_what_counts(folder) as place:
            config = AutoConfig.from_pretrained(place, **LOCAL)
            check_sizes(config, (folder / WEIGHTS).stat().st_size, where, family)
            tokenizer = AutoTokenizer.from_pretrained(place, **LOCAL)
            if reads_words:
                whole, report = load_whole(place, where, family, LOCAL)
                model = whole.base_model
            else:
                model, report = AutoModel.from_pretrained(
                    place, use_safetensors=True, output_loading_info=True, **LOCAL, **family.options
                )
        check_keys(report, where, family)
        known, used = model.get_input_embeddings().num_embeddings, max(tokenizer.get_vocab().values(), default=0) + 1
        pad_id = tokenizer.pad_token_id or 0
        wrapped = wrap_model(
            model,
            fast_tokenise(tokenizer, pad_id),
            pad_id,
            pretrained_on,
            fingerprint or digest_weights(model),
            dtype,
        )
        if reads_words:
            freeze(whole, dtype)
            head = WordHead(*family.split_word_head(whole), TemplateReader(tokenizer))
            wrapped = replace(wrapped, word_head=head)
    except DPFlatError:
        raise
    except Exception as error:  # whatever transformers and tokenizers make of files from outside
        raise DPFlatError(
            f"The folder '{where}' could not be read ({type(error).__name__}). Expected a folder with config.json, "
            "tokenizer files and model.safetensors of one model. Without one use --set backbone.name=minilm."
        ) from None
    if used > known:
        raise DPFlatError(
            f"The tokenizer of '{where}' has ids up to {used - 1:,}, its model words up to {known - 1:,}. Expected a "
            "tokenizer and weights of one model."
        )
    return wrapped


@contextmanager
def only_what_counts(folder: Path) -> Iterator[str]:
    """A passing folder with the files of a model that its identity is made of, and nothing else."""
    with tempfile.TemporaryDirectory() as place:
        for name in LOADED:
            if (folder / name).is_file():
                try:
                    (Path(place) / name).symlink_to((folder / name).resolve())
                except OSError:  # Windows asks for a right
                    shutil.copyfile(folder / name, Path(place) / name)
        yield place


def check_keys(report: dict[str, Any], where: str, family: Family) -> None:
    """Refuse weights that lack what the model has, or have what it lacks; heads of other tasks may be left over.

    Raises:
        DPFlatError: with the first of them.
    """
    for kind, words, harmless in (
        ("missing_keys", "lack", family.optional),
        ("mismatched_keys", "have another shape of", ()),
        ("unexpected_keys", "have an unknown", (*family.optional, *family.heads)),
    ):
        names = sorted(str(key[0] if isinstance(key, tuple) else key) for key in report.get(kind) or ())
        wrong = [name for name in names if not any(part in f".{name}" for part in harmless)]
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            named = ", ".join(f"'{name[:60]}'" for name in wrong[:3])
            raise DPFlatError(
                f"The weights of '{where}' {words} {named}{more}. Expected the weights that belong to its config.json."
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


def digest_weights(model: torch.nn.Module) -> str:
    """SHA-256 of names and values of all weights, in order of name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def fast_tokenise(tokenizer: object, filler: int) -> Tokenise:
    """Texts to token ids with truncation, without padding; in parts, since the library keeps all that it read.

    Args:
        tokenizer: of transformers.
        filler: what a text without any token is read as.
    """

    def tokenise(texts: list[str], max_tokens: int, pairs: list[str] | None = None) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for start in range(0, len(texts), AT_ONCE):
            some = [texts[start : start + AT_ONCE], *([pairs[start : start + AT_ONCE]] if pairs is not None else [])]
            encoded = tokenizer(*some, truncation=True, max_length=max_tokens, return_attention_mask=False)  # type: ignore[operator]
            found.extend(np.asarray(ids or [filler], dtype=np.int64) for ids in encoded["input_ids"])
        return found

    return tokenise


def load_from_folder(where: str, dtype: str, reads_words: bool = False) -> Backbone:
    """An encoder from a local folder; named by the SHA-256 of its weights, known by that of all that is loaded.

    Args:
        where: the folder.
        dtype: of the frozen weights.
        reads_words: whether its masked-language head is read with it.

    Raises:
        DPFlatError: when the folder is not that of one whole model, or changes while it is read.
    """
    folder = Path(where)
    if not (folder / WEIGHTS).is_file():
        raise DPFlatError(
            f"There is no 'model.safetensors' in the folder '{where}'. Expected a folder written by "
            "transformers' save_pretrained."
        )
    digests = digest_files(folder)
    backbone = read_model(where, None, digests[WEIGHTS], dtype, reads_words)
    if digest_files(folder) != digests:
        raise DPFlatError(f"The folder '{where}' changed while it was read. Try again once it is complete.")
    return replace(backbone, identity=join_digests(digests))
