"""An accuracy is told beside what naming the largest class gives."""

from types import SimpleNamespace

import numpy as np
import pytest

from dpflat.catalog import TASKS
from dpflat.readouts.linear import Linear
from dpflat.tasks.baseline import KNOWN, measure_baseline, read_baseline
from dpflat.tasks.load import read_splits
from dpflat.tasks.settings import TaskConfig
from dpflat.training import evaluation


def test_learning_nothing_of_two_percent_positives_is_half_right():
    labels = np.array([0] * 98 + [1] * 2)
    assert measure_baseline(labels == 0, labels) == (pytest.approx(0.98), pytest.approx(0.5))
    assert measure_baseline(np.ones(100), labels) == (pytest.approx(0.98), 1.0)
    assert measure_baseline(np.ones(3), np.array([2, 2, 0])) == (pytest.approx(2 / 3), 1.0)


def test_balanced_accuracy_is_told_where_classes_are_unequal():
    two = TASKS["rotten_tomatoes"]
    even = {"examples": 10, "majority_share": 0.5, "balanced_accuracy": 0.7}
    assert read_baseline(even, two) == {"majority_share": 0.5}
    assert read_baseline(even | {"majority_share": 0.98}, two)["balanced_accuracy"] == 0.7


def test_results_from_before_have_the_known_share_of_their_split_and_of_another_none():
    assert read_baseline({"examples": 500}, TASKS["trec"]) == {"majority_share": pytest.approx(0.276)}
    assert read_baseline({"examples": 499}, TASKS["trec"]) == {}


@pytest.mark.parametrize(("name", "rows"), [("rotten_tomatoes", 1706), ("trec", 500), ("qnli", 1074), ("sst2", 1821)])
def test_the_known_shares_are_those_of_the_texts(name, rows, data_folder):
    elsewhere = TASKS[name].elsewhere is not None
    _, test = read_splits(TaskConfig(name=name, path=str(data_folder / name) if elsewhere else None))
    counts = np.bincount(test.labels)
    assert (len(test), counts.max()) == (rows, KNOWN[name, rows])


def test_a_class_without_a_test_row_gives_no_balanced_accuracy(monkeypatch):
    def measured(labels):
        scores = {"loss": np.ones(4), "correct": np.array([1.0, 0.0, 1.0, 1.0])}
        monkeypatch.setattr(evaluation, "evaluate", lambda *_: scores)
        task = SimpleNamespace(class_names=("a", "b", "c"))
        experiment = SimpleNamespace(
            data=SimpleNamespace(test=Rows(np.array(labels)), task=task),
            objective=None,
            config=SimpleNamespace(microbatch=lambda: 4, readout=Linear()),
            device="cpu",
        )
        return evaluation.measure(experiment, SimpleNamespace(parameters={}, step=1))

    whole, lacking = measured([0, 1, 2, 2]), measured([0, 1, 1, 1])
    assert (whole.balanced_accuracy, whole.absent_classes) == (pytest.approx(2 / 3), 0)
    assert (lacking.balanced_accuracy, lacking.absent_classes) == (None, 1)


class Rows:
    """As much of a split as measuring it asks for."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)
