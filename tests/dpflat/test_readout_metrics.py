"""What a readout measures of its own: kept, and shown as its words say."""

import math
from typing import ClassVar, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from app.baseline import say_baseline, say_baselines
from dpflat.catalog import TASKS
from dpflat.errors import DPFlatError
from dpflat.readout import Readout
from dpflat.runs.schemas import RESULTS
from dpflat.tasks.baseline import read_baseline
from dpflat.training.evaluation import read_metrics

SCORES = {"loss": np.array([0.5, 1.5]), "correct": np.array([1.0, 0.0])}
STORED = {"examples": 2, "accuracy": 0.5, "loss": 1.0, "steps": 1, "seconds": 1.0}


class Own(Readout):
    words: ClassVar = "own"
    kind: Literal["own"] = "own"
    name: str = "mean loss"
    value: float | None = None

    def metrics(self, scores):
        return {self.name: scores["loss"].mean() if self.value is None else self.value}


def test_it_is_a_function_of_the_scores():
    assert read_metrics(Own(), SCORES) == {"mean loss": 1.0}


def test_the_usual_readout_has_none_and_says_nothing():
    assert Readout(kind="x").metrics(SCORES) == {}
    assert "metrics" not in read_baseline(STORED, TASKS["rotten_tomatoes"])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_one_that_is_not_finite_is_none_and_is_not_shown(value):
    found = read_metrics(Own(value=value), SCORES)
    assert found == {"mean loss": None}
    assert say_baseline({"metrics": found}) == ""


@pytest.mark.parametrize("name", ["", "a*b*", "![x](y)", "x" * 41, " x", "$x$", "a\n"])
def test_a_name_that_cannot_be_shown_as_it_is_is_refused_when_measured_and_when_read(name):
    with pytest.raises(DPFlatError, match="The readout 'own' names a metric"):
        read_metrics(Own(name=name), SCORES)
    with pytest.raises(ValidationError):
        RESULTS.validate_python({**STORED, "metrics": {name: 1.0}})


def test_of_several_runs_it_is_the_mean_where_each_has_it():
    rows = [{"metrics": {"mean loss": 1.0, "more": 2.0}}, {"metrics": {"mean loss": 2.0}}]
    assert say_baselines(rows) == "mean loss 1.5"
    assert read_baseline({**STORED, "metrics": {"mean loss": 1.0}}, TASKS["rotten_tomatoes"])["metrics"] == {
        "mean loss": 1.0
    }
