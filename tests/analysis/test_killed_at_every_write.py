import json
import shutil
import signal

import pytest

from analysis import worker
from analysis.kinds import build_settings
from analysis.store import RESULT, open_analysis
from analysis.worker import do_analysis
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.conftest import small_config
from tests.dpflat.runs.kills import SURVIVED, killed_at, not_listed

pytestmark = pytest.mark.integration


def values_of(analysis):
    parts = json.loads((analysis.folder / RESULT).read_text())["parts"]
    return {name: {k: v for k, v in part.items() if k != "seconds"} for name, part in parts.items()}


def test_an_analysis_that_is_killed_at_any_write_goes_on_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", float("inf"))
    run = Store(tmp_path).create_run(small_config("data.train_subset=60"))
    assert do_run(run, Stopping()) == FINISHED
    config = build_settings({"kind": "lines", "examples": 8, "lines": 3, "points": 3})
    expected, number = None, 0
    while True:
        number += 1
        analysis = open_analysis(Run(run.folder), config, Store(tmp_path))
        signalled = killed_at(number, lambda analysis=analysis: do_analysis(analysis, Stopping()))
        if signalled == SURVIVED:
            break
        assert signalled == signal.SIGKILL
        assert do_analysis(analysis, Stopping()) == FINISHED
        assert not_listed(analysis.folder) == set()
        assert find_damage(analysis.folder) == []
        expected = expected or values_of(analysis)
        assert values_of(analysis) == expected
        shutil.rmtree(analysis.folder)
    assert number > 8
    assert values_of(analysis) == expected
