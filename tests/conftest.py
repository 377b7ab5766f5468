import os

os.environ["OMP_NUM_THREADS"] = "1"
import random
import resource
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from dpflat.config import build_config
from dpflat.settings.text import apply_settings
from tests import warm

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SMALL = [
    "backbone.name=random_tiny",
    "data.train_subset=200",
    "data.max_tokens=16",
    "readout.kind=linear",
    "optimiser.batch_size=20",
    "optimiser.epochs=1",
    "execution.evaluations=1",
    "execution.threads=1",
    "execution.microbatch=128",
    "execution.trajectory_points=3",
]


LONGEST = (
    "browser/test_journeys.py", "dpflat/test_jobs.py", "browser/test_looks.py", "app/test_cli.py",
    "browser/test_landscape_page.py", "analysis/landscape/test_job.py", "browser/test_layers_page.py",
    "app/test_states.py", "browser/test_privacy_page.py", "dpflat/test_accounting.py", "browser/test_runs_page.py",
    "analysis/test_odds.py", "browser/test_foreign_text.py", "app/test_report.py", "dpflat/test_studies.py",
    "analysis/attacks/test_work.py", "extensions/test_executor.py", "extensions/test_readout.py",
    "dpflat/test_killed_at_every_write.py", "dpflat/flatness/test_levels.py", "app/test_damaged_files.py",
)  # fmt: skip
"""Modules that take longest, begun first, so that no worker waits for one at the end; browser beside processor."""


def pytest_addoption(parser):
    parser.addoption("--shuffle", type=int, metavar="SEED", help="modules, and tests in them, in another order")


def pytest_configure(config):
    """One process that forks serves all workers of `-n`, and loads while they collect."""
    if not hasattr(config, "workerinput"):
        warm.choose_place()
        if config.getoption("numprocesses", None):
            warm.begin()


def pytest_unconfigure():
    warm.end()


def pytest_collection_modifyitems(config, items):
    """The longest modules first; with `--shuffle SEED` at random, so that no test can rest on those before it."""
    seed = config.getoption("--shuffle")
    if seed is None:
        places = {f"tests/{name}": place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
        return
    order = random.Random(seed)
    modules = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    groups = list(modules.values())
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    items[:] = [item for group in groups for item in group]


def small_config(*settings):
    """A run of ten steps on the tiny random backbone."""
    return build_config(apply_settings({}, [*SMALL, *settings]))


def require(there, what):
    """Skip on a person's machine, fail where everything must be there."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} must be there when CI=true")
    pytest.skip(f"{what} is not here")


@pytest.fixture
def data_folder():
    require(DATA.is_dir(), "the folder of data sets beside the project")
    return DATA


@pytest.fixture(scope="session")
def tiny():
    from dpflat.backbones.random_tiny import build_random_tiny

    return build_random_tiny()


@pytest.fixture(scope="session", autouse=True)
def warm_processes():
    """Workers that tests start are forked from a process that has loaded everything, see `tests.warm`."""
    warm.install()
    warm.compose_once()


@pytest.fixture
def real_processes(monkeypatch):
    """Workers are started as they are elsewhere: a new interpreter each."""
    monkeypatch.setattr("dpflat.execution.jobs.subprocess", subprocess)


def make_split(rows=24, classes=2, seed=0, longest=12):
    """Random token sequences of different lengths."""
    from dpflat.core.batches import EncodedSplit

    generator = np.random.default_rng(seed)
    tokens = tuple(generator.integers(2, 2000, size=generator.integers(3, longest)) for _ in range(rows))
    labels = generator.integers(0, classes, size=rows).astype(np.int64)
    return EncodedSplit(tokens, labels, np.arange(rows, dtype=np.int64), pad_id=0)


def random_parameters(backbone, length=3, classes=2, seed=0, std=0.5):
    """Prefixes and a head that are not zero, so that every gradient is alive."""
    import torch

    from dpflat.adapters import PrefixAdapter
    from dpflat.core.prefix import initialise
    from dpflat.readouts.linear import Linear

    parameters = initialise(PrefixAdapter(length=length, init_std=std), backbone, classes, seed, Linear())
    generator = torch.Generator().manual_seed(seed)
    parameters["head.weight"] = torch.randn(parameters["head.weight"].shape, generator=generator)
    return parameters


@contextmanager
def files_limited_to(size):
    """A disk that is full: no file of this process can grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_until(condition, what, seconds=90):
    """Look again and again until something is so; fails after `seconds`."""
    from dpflat.execution import jobs

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        jobs.reap()
        time.sleep(0.02)


class Passes:
    """How many times a batch went through a layer of a backbone since that was last asked."""

    def __init__(self):
        self.total = self.told = 0

    def count(self, module, _):
        self.total += type(module).__name__ == "BertLayer"

    def since(self):
        before, self.told = self.told, self.total
        return self.told - before


@pytest.fixture
def passes():
    import torch

    counted = Passes()
    handle = torch.nn.modules.module.register_module_forward_pre_hook(counted.count)
    yield counted
    handle.remove()
