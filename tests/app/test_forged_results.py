"""A result whose manifest was forged with it is one sentence, or it is shown: never a traceback."""

import copy
import random
import shutil
from pathlib import Path

import pytest

from analysis.kinds import kind_of
from analysis.layers.trace import read_trace
from analysis.store import ANALYSES, ARRAYS, RESULT, Analysis
from app.shown.kinds import find_figures
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import read_json, replace_json
from dpflat.runs.manifest import write_manifest
from tests.app.pages import give_layers, plan_run
from tests.app.test_damaged_files import drop, places_of, put

SHIPPED = Path(__file__).parents[2] / "cached_runs"
POINTS, ATTACKED = "20261125-223848-dp-prefix-eps3-s0-1411d3", "20261126-091146-non-private-prefix-s0-03e528"
MEASURED = [
    f"{POINTS}/lines-405172f2",
    f"{POINTS}/plane-15c05a44",
    f"{POINTS}/trust-5e8af9ff",
    f"{POINTS}/curvature-b7021cc5",
    f"{POINTS}/layers-bf1e667e",
    f"{ATTACKED}/attacks-2bc930da",
]
WRONG = ["text", None, [], {}, -1, 1e308, -1e308, 10**30, [1], [[None]], 0.5, True]
TRIES = 80
SAFE = ("schema_version", "seed", "settings_fingerprint", "entry_class", "peak_memory_mb")


@pytest.fixture
def forge(own_root):
    """Write an analysis of a shipped run with its arrays, other content, and a manifest that vouches for it."""

    def write(original, content, number):
        folder = own_root / ANALYSES / original.parent.name / f"{original.name}{number}"
        folder.mkdir(parents=True)
        replace_json(folder / layout.CONFIG, Analysis(original).config.model_dump(mode="json"))
        replace_json(folder / RESULT, content)
        if (original / ARRAYS).exists():
            shutil.copy(original / ARRAYS, folder)
        write_manifest(folder)
        return Analysis(folder)

    return write


def thin(path):
    """Whether a path goes through first elements only: rows of a table are alike."""
    return not any(isinstance(key, int) and key > 0 for key in path)


def show(analysis, config, run, monkeypatch):
    """All tables and figures of a result."""
    found = analysis.result
    if found is None:
        return
    kind = kind_of(config)
    kind.show(run, found)
    monkeypatch.setattr(Analysis, "result", property(lambda a: found if a.config.kind == config.kind else None))
    for shown in find_figures(config.kind, {"A": run}, analysis.root, config).figures:
        shown.draw("light").to_json()


@pytest.mark.parametrize("place", MEASURED)
def test_what_is_forged_is_one_sentence_or_it_is_shown(place, forge, monkeypatch):
    original = Analysis(SHIPPED / ANALYSES / place)
    content, config, run = original.content, original.config, original.run
    paths = [path for path in places_of(content) if path[1:] and path[0] not in SAFE and thin(path)]
    draw, refused = random.Random(0), []
    for number in range(TRIES):
        path, wrong = draw.choice(paths), draw.choice([*WRONG, "DROP"])
        forged = copy.deepcopy(content)
        forged = drop(forged, path) if wrong == "DROP" else put(forged, path, wrong)
        with monkeypatch.context() as patched:
            try:
                show(forge(original.folder, forged, number), config, run, patched)
            except DPFlatError as error:
                refused.append(str(error))
    assert TRIES / 4 < len(refused) < TRIES
    assert all(RESULT in sentence and "\n" not in sentence for sentence in refused)


@pytest.mark.parametrize("layers", [10**9, 0])
def test_layers_that_no_backbone_has_are_refused_before_anything_counts_to_them(layers, forge):
    original = Analysis(SHIPPED / ANALYSES / POINTS / "layers-bf1e667e")
    with pytest.raises(DPFlatError, match=RESULT):
        _ = forge(original.folder, original.content | {"layers": layers}, 0).result


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("subsets", "examples"), 10**12),
        (("subsets", "examples"), 1),
        (("subsets", "examples"), 0),
        (("subsets", "rows", 1, "kept"), [900]),
        (("coarse", "rows", 1, "kept"), [900]),
        (("coarse", "rows", 2, "kept"), [True]),
        (("norms", "rows", 1, "layer"), True),
        (("geometries", "rows", 1, "layer"), True),
    ],
)
def test_layers_and_examples_that_cannot_have_been_are_refused(path, wrong, forge):
    original = Analysis(SHIPPED / ANALYSES / POINTS / "layers-bf1e667e")
    with pytest.raises(DPFlatError, match=RESULT):
        _ = forge(original.folder, put(original.content, ("parts", *path), wrong), 0).result


def test_a_result_that_needs_more_memory_than_there_is_is_one_sentence(forge, monkeypatch):
    original = Analysis(SHIPPED / ANALYSES / POINTS / "layers-bf1e667e")

    def exhaust(*_, **__):
        raise MemoryError

    monkeypatch.setattr("numpy.unpackbits", exhaust)
    with pytest.raises(DPFlatError, match=RESULT):
        _ = forge(original.folder, original.content, 0).result


def test_a_spectrum_without_any_finite_eigenvalue_is_refused(forge):
    original = Analysis(SHIPPED / ANALYSES / POINTS / "curvature-b7021cc5")
    content = original.content
    spectrum = content["parts"]["spectrum"]
    spectrum["values"] = [None] * len(spectrum["values"])
    with pytest.raises(DPFlatError, match=RESULT):
        _ = forge(original.folder, content, 0).result


def test_a_sharpness_in_words_is_refused(forge):
    folder = next((SHIPPED / ANALYSES).glob("*/sharpness-*"))
    content = Analysis(folder).content
    content["parts"]["whole"]["measures"]["box"]["value"] = "text"
    with pytest.raises(DPFlatError, match=RESULT):
        _ = forge(folder, content, 0).result


SCORES = {layer: 0.1 + 0.01 * layer for layer in range(6)}


@pytest.mark.parametrize(
    ("rounds", "change"),
    [
        ([(4, {}, 0.01, None)], {}),
        ([(9, SCORES, 0.01, None)], {}),
        ([(4, SCORES, 0.01, None), (4, SCORES, 0.01, None)], {}),
        ([(4, SCORES, 0.01, 7.5)], {}),
        ([(4, {**SCORES, 5: 1e308}, 0.01, None)], {}),
        ([(4, SCORES, 0.01, None)], {"step": -1}),
    ],
    ids=["no candidate", "no candidate that went", "one twice", "probability", "far", "step"],
)
def test_a_choice_of_layers_that_cannot_have_been_is_one_sentence(own_root, rounds, change):
    run = trace_layers_of(own_root, rounds)
    file = run.folder / layout.ARTIFACTS / layout.SELECTION
    replace_json(file, read_json(file) | change)
    write_manifest(run.folder)
    with pytest.raises(DPFlatError, match=layout.SELECTION) as told:
        read_trace(run)
    assert "\n" not in str(told.value)
    assert any(layout.SELECTION in note for note in find_figures("layers", {"A": run}, own_root).notes)


def trace_layers_of(root, rounds):
    """A run whose layers went in these rounds, as its file says."""
    run = give_layers(plan_run(root, "flatness.cross_layer.mode=exponential"), removed=(4,))
    written = [
        {
            "removed": removed,
            "candidates": {str(layer): {"value": value, "spread": spread} for layer, value in scores.items()},
            "probability": probability,
        }
        for removed, scores, spread, probability in rounds
    ]
    replace_json(run.folder / layout.ARTIFACTS / layout.SELECTION, {"step": 27, "rounds": written})
    return run
