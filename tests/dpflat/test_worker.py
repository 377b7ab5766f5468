import os

import pytest

from dpflat.execution import worker
from dpflat.execution.run_job import FAILED


@pytest.mark.parametrize(("given", "kept"), [(None, {"32", "PASSIVE"}), ("1024", {"1024"})])
def test_caches_are_small_and_threads_patient_unless_a_person_says_otherwise(tmp_path, monkeypatch, given, kept):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    for name in worker.ENVIRONMENT:
        monkeypatch.setenv(name, given or "")
        if given is None:
            monkeypatch.delenv(name)
    assert worker.main([str(tmp_path)]) == FAILED
    assert {os.environ[name] for name in worker.ENVIRONMENT} == kept
