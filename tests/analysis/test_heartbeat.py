"""Every kind of analysis tells after each batch of rows how far it is, and may be ended there."""

from itertools import pairwise

import pytest

from analysis.kind import import_named
from analysis.kinds import build_settings, kind_of
from analysis.parts import Meter
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.training.heartbeat import StoppedError
from tests.conftest import small_config

pytestmark = pytest.mark.integration

LAYERS = 2
CURVATURE = {"draws": 4, "count": 1, "spectrum_probes": 2, "spectrum_steps": 3, "trace_probes": 2, "most_products": 20}
ASKED = {
    "sharpness": {"kind": "sharpness", "examples": 60, "restarts": 2, "ascent_steps": 2},
    "layers": {"kind": "layers", "examples": 60, "accuracy_examples": 80, "average_pairs": 2},
    "decomposition": {"kind": "decomposition", "examples": 60, "restarts": 2, "ascent_steps": 2, "corners": 2},
    "lines": {"kind": "lines", "examples": 60, "lines": 2, "points": 3},
    "plane": {"kind": "plane", "plane": "hessian", "examples": 60, "points": 3},
    "trust": {"kind": "trust", "examples": 60, "planes": 2, "points": 3},
    "curvature": {"kind": "curvature", "examples": 60, **CURVATURE},
    "pyhessian": {"kind": "curvature", "engine": "pyhessian", "examples": 60, **CURVATURE},
    "attacks": {"kind": "attacks"},
}
QUIET = {"axes", "canaries", "likelihood"}
"""Parts that may ask no row, and so may tell nothing."""
REPEATED = {"layers"}
"""Parts of a decomposition that are there already where both runs have the same layers."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one store, which differ in their prefixes and heads."""
    store = Store(tmp_path_factory.mktemp("runs"))
    made = [store.create_run(small_config("execution.microbatch=32", f"seed={seed}")) for seed in (0, 1)]
    assert [do_run(one, Stopping()) for one in made] == [FINISHED, FINISHED]
    return [Run(one.folder) for one in made]


@pytest.fixture(scope="module")
def run(runs):
    ASKED["decomposition"]["against"] = runs[1].id
    return runs[0]


def begin(run, name):
    config = build_settings(ASKED[name])
    return import_named(kind_of(config).begin)(run, config), set(kind_of(config).list_shares(config))


@pytest.mark.parametrize("name", ASKED)
def test_no_more_than_one_batch_passes_without_being_told_and_shares_only_rise(run, name, passes):
    begun, parts = begin(run, name)
    between, told = [], []

    def tell(step):
        between.append(passes.since())
        told.append(step)

    passes.since()
    found = list(begun.work({}, tell))
    assert passes.since() == 0
    assert {part.name for part in found if part.complete} == parts
    quiet = QUIET | (REPEATED if name == "decomposition" else set())
    assert parts - quiet <= {step.part for step in told} <= parts
    assert max(between) <= LAYERS
    assert all(0 <= step.share <= 1 for step in told)
    assert all(one.share <= two.share for one, two in pairwise(told) if one.part == two.part)
    assert [step.part for step in told] == sorted((step.part for step in told), key=[s.part for s in told].index)


@pytest.mark.parametrize("name", ASKED)
def test_what_tells_can_end_the_work_at_any_beat(run, name):
    begun, _ = begin(run, name)
    told = []

    def tell(step):
        told.append(step)
        if len(told) == last:
            raise StoppedError

    for last in (1, 2, 7):
        told.clear()
        with pytest.raises(StoppedError):
            list(begun.work({}, tell))
        assert len(told) == last


@pytest.mark.parametrize("name", ["sharpness", "decomposition", "layers", "lines", "attacks"])
def test_where_it_is_known_how_many_rows_are_asked_a_part_ends_at_the_end_of_its_share(run, name):
    begun, _ = begin(run, name)
    last = {}
    list(begun.work({}, lambda step: last.update({step.part: step.share})))
    assert last
    assert last == {part: pytest.approx(1) for part in last}


def test_a_meter_tells_its_span_of_the_part_by_the_rows_that_were_asked():
    told = []
    beat = Meter(lambda step: told.append((step.part, step.share)), "blocks", 20, (0.5, 1.0))
    for rows in (5, 5, 0, 10, 3):
        beat(rows)
    assert told == [("blocks", share) for share in (0.625, 0.75, 0.75, 1.0, 1.0)]
