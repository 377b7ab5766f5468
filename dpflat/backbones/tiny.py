"""dpflat-tiny: our small encoder, shipped. Card: `dpflat_tiny/README.md`; recipe: `benchmarks/pretrain.py`."""

from __future__ import annotations

from pathlib import Path

from dpflat.backbones.hub import check_weights, read_model
from dpflat.backbones.load import Backbone
from dpflat.catalog import BACKBONES

FOLDER = Path(__file__).parent / "dpflat_tiny"
WEIGHTS_SHA256 = "9774b85680e435a6a255fff0d0cf97abee2357806e9a2bb075463d85369990be"


def load_tiny(dtype: str) -> Backbone:
    """dpflat-tiny, frozen.

    Raises:
        DPFlatError: when its weights are not byte for byte those that were shipped.
    """
    check_weights(FOLDER / "model.safetensors", WEIGHTS_SHA256, "dpflat-tiny", "Install the lab again: make install")
    corpora = BACKBONES["dpflat-tiny"].pretrained_on
    return read_model(str(FOLDER), corpora, WEIGHTS_SHA256, dtype)
