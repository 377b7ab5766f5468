"""What an entry of the ledger speaks of, as a name that programs compare; its sentences are for people. No torch."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Source(StrEnum):
    """What touched data, or what a caveat is about."""

    GRADIENT_STEPS = "gradient_steps"
    WITHIN_LAYER = "within_layer"
    CROSS_LAYER = "cross_layer"
    CROSS_MODEL = "cross_model"
    SCORES = "scores"
    """Scores of layers that are kept beside the run."""
    NOISE_KEY = "noise_key"
    TUNED_DEFAULTS = "tuned_defaults"
    PRETRAINING = "pretraining"
    CLASSES = "classes"
    LAYER_LIST = "layer_list"
    SHARED_TEXTS = "shared_texts"
    CANARIES = "canaries"
    STATISTICS = "statistics"
    EVALUATION = "evaluation"
    OTHER = "other"


STARTS = (
    ("Poisson sampling at rate", Source.GRADIENT_STEPS),
    ("gradients without clipping", Source.GRADIENT_STEPS),
    ("ascent along", Source.WITHIN_LAYER),
    ("each example ascends", Source.WITHIN_LAYER),
    ("layers drawn by", Source.CROSS_LAYER),
    ("layers chosen by", Source.CROSS_LAYER),
    ("layers fixed beforehand", Source.CROSS_LAYER),
    ("pull toward", Source.CROSS_MODEL),
    ("every candidate's score", Source.SCORES),
    ("noise key derived", Source.NOISE_KEY),
    ("default settings were tuned", Source.TUNED_DEFAULTS),
    ("the backbone was trained on", Source.PRETRAINING),
    ("what the backbone was trained on", Source.PRETRAINING),
    ("the classes were taken", Source.CLASSES),
    ("the list of layers was given", Source.LAYER_LIST),
    ("loss, batch size", Source.STATISTICS),
    ("accuracy, loss", Source.EVALUATION),
)
"""How mechanisms began in ledgers that were written before entries had a source."""
WITHIN = ((" a sentence with the public ", Source.SHARED_TEXTS), (" labels changed; a file", Source.CANARIES))


@lru_cache(maxsize=1024)
def derive_source(mechanism: str) -> Source:
    """The source of an entry that was written without one, from its frozen sentence; `other` where it is not known."""
    starts = (source for start, source in STARTS if mechanism.startswith(start))
    return next(starts, next((source for words, source in WITHIN if words in mechanism), Source.OTHER))
