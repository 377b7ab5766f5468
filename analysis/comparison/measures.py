"""What runs are compared by: accuracy, loss, sharpness, the largest eigenvalue, the best attack. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """What stands on a vertical axis.

    Attributes:
        name: in addresses.
        words: in sentences.
        axis: title of the axis, with its unit.
        unit: behind a number.
        scale: what a stored value is multiplied with.
        digits: Python's and d3's format of a scaled value.
        margin: smallest difference that matters; of logarithms for a ratio; 0 where none is settled.
        ratio: whether runs are compared by their ratio.
        score: which stored score of single test examples it is the mean of; empty where a run has one number.
        level: name of the value that no knowledge reaches, where there is one.
    """

    name: str
    words: str
    axis: str
    unit: str = ""
    scale: float = 1.0
    digits: str = ".3g"
    margin: float = 0.0
    ratio: bool = False
    score: str = ""
    level: str = ""

    def show(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.scale * value:{self.digits}}{self.unit}"


TEN_PERCENT = math.log(1.1)
ACCURACY = Measure(
    "accuracy",
    "test accuracy",
    "test accuracy, %",
    unit=" %",
    scale=100.0,
    digits=".1f",
    margin=0.01,
    score="correct",
    level="majority class",
)
LOSS = Measure("loss", "test loss", "test loss, nats", unit=" nats", digits=".3f", score="loss")
SHARPNESS = Measure("sharpness", "sharpness", "sharpness: rise over 1 + loss", margin=TEN_PERCENT, ratio=True)
EIGENVALUE = Measure(
    "eigenvalue", "largest eigenvalue", "largest eigenvalue, nats per length²", margin=TEN_PERCENT, ratio=True
)
ATTACK = Measure("attack", "best attack AUC", "AUC of the best attack", digits=".3f", margin=0.02, level="a coin")
MEASURES = {measure.name: measure for measure in (ACCURACY, LOSS, SHARPNESS, EIGENVALUE, ATTACK)}
