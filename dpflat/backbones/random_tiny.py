"""A tiny random BERT, built from a configuration: no file, no network. For tests and for looking."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from transformers import BertConfig, BertModel

from dpflat.backbones.load import Backbone, wrap_model

VOCABULARY = 2000
PAD, FIRST = 0, 1
SPECIAL = 2


def hash_words(texts: list[str], max_tokens: int, pairs: list[str] | None = None) -> list[np.ndarray]:
    """Each word becomes a bucket by its checksum, after one leading token; a second text follows another one."""

    def encode(text: str) -> list[int]:
        return [SPECIAL + zlib.crc32(word.encode()) % (VOCABULARY - SPECIAL) for word in text.lower().split()]

    rows = [[FIRST, *encode(text)] for text in texts]
    if pairs is not None:
        rows = [[*row, FIRST, *encode(second)] for row, second in zip(rows, pairs, strict=True)]
    return [np.array(row, dtype=np.int64)[:max_tokens] for row in rows]


def build_random_tiny(dtype: str = "float32", layers: int = 2, hidden_size: int = 32, heads: int = 4) -> Backbone:
    """A random BERT with the same weights every time."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=512,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(20240307)
        model = BertModel(config, add_pooling_layer=False)
    return wrap_model(model, hash_words, PAD, (), "random_tiny", dtype)
