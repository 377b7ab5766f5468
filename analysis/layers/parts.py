"""The parts of an analysis of layers, and their share of the time. No torch."""

from __future__ import annotations

from analysis.layers.settings import LayersConfig

SHARES = {"norms": 1, "coarse": 20, "alone": 20, "subsets": 23, "whole": 12, "geometries": 24}
"""Every part, in the order in which it is done, and its share of the time with six layers."""
OF_ONE_SET = ("coarse", "subsets")
WORDS = {
    "norms": "norms and attention",
    "coarse": "sharpness of subsets",
    "alone": "each layer alone",
    "subsets": "accuracy of subsets",
    "whole": "all prefixes together",
    "geometries": "other neighbourhoods",
}


def list_shares(config: LayersConfig) -> dict[str, float]:
    """The parts that the settings ask for, with their share of the time: of one set of layers only what it scores."""
    parts = SHARES if config.keep is None else OF_ONE_SET
    return {name: SHARES[name] for name in parts}
