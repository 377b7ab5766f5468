"""Finished runs of the cells that the claims name, with accuracies and analyses as a test wants them."""

import numpy as np

from analysis.attacks.settings import AttacksConfig
from analysis.claims.rules import read_claims
from analysis.landscape.settings import LinesConfig
from analysis.sharpness import SharpnessConfig
from analysis.store import RESULT, folder_of
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store

CLAIMS = read_claims()
FRESH = CLAIMS.cells["fresh"].seeds
EXAMPLES = 500


def make_run(root, cells, method, seed, accuracy=0.7, state="finished", task=None):
    """A run of a method in some cells; which examples it has right depends on the seed alone."""
    config = CLAIMS.config(cells, method).model_copy(update={"seed": seed})
    if task is not None:
        config = config.model_copy(update={"task": task})
    run = Store(root).create_run(config)
    order = np.random.default_rng(seed).permutation(EXAMPLES)
    correct = order < round(accuracy * EXAMPLES)
    np.savez_compressed(run.folder / layout.ARTIFACTS / layout.PREDICTIONS, correct=correct)
    replace_json(
        run.folder / layout.ARTIFACTS / layout.RESULTS,
        {"accuracy": float(correct.mean()), "loss": 0.5, "examples": EXAMPLES, "steps": 9, "seconds": 28.0},
    )
    write_status(run.folder, own_status(state, step=9, steps=9))
    if state == "finished":
        write_manifest(run.folder)
    return run


def _write(run, config, content):
    folder = folder_of(run.folder.parent, run, config)
    folder.mkdir(parents=True)
    replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
    replace_json(folder / RESULT, content)
    return folder


def measure_sharpness(run, value, entries=600):
    """An analysis of the sharpness of a run."""
    reading = {"value": value, "spread": 0.001, "entries": entries}
    content = {"run": run.id, "data": "test", "rows": "abc", "examples": 256}
    return _write(run, SharpnessConfig(), {**content, "parts": {"whole": {"measures": {"box": reading}}}})


def measure_way(run, other, height, **settings):
    """An analysis of the line from a run to another one: a barrier of so many nats in its middle."""
    config = LinesConfig(**({"toward": other.id, "head": True, "points": 25} | settings))
    at = np.linspace(-0.25, 1.25, config.points).tolist()
    loss = [0.5 + (height if abs(position - 0.5) < 1e-9 else 0.0) for position in at]
    content = {
        **{"run": run.id, "data": "test", "rows": "abc", "examples": 256, "entries": 600, "noise_deviation": 0.1},
        **{"positions": at, "norms": [1.0], "zero_rows": 0, "weights_norm": 1.0},
        "parts": {"lines": {"rows": [{"loss": loss, "accuracy": [0.7] * len(at)}]}},
    }
    return _write(run, config, content)


def measure_attack(run, area, **settings):
    """An analysis of the attacks on a run: the loss threshold alone."""
    share = {"value": area, "low": area - 0.01, "high": area + 0.01}
    threshold = {"area": share, "accuracy": share, "points": [], "curve": [], "members": 100, "others": 100}
    return _write(run, AttacksConfig(**settings), {"run": run.id, "parts": {"threshold": {**threshold, "shadows": []}}})


def make_pairs(root, first, second, accuracies, cells="fresh", base=0.7):
    """Runs of two methods on every seed, the first's accuracy above that of the second by so many points."""
    for seed, points in zip(CLAIMS.cells[cells].seeds, accuracies, strict=True):
        make_run(root, cells, second, seed, base)
        make_run(root, cells, first, seed, base + points / 100)
