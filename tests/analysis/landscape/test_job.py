import gc
import json
import shutil
import time

import numpy as np
import pytest
import torch

from analysis.curvature.hessian import Hessian
from analysis.curvature.second_engine import find_by_pyhessian
from analysis.kinds import build_settings
from analysis.landscape.directions import draw_isotropic
from analysis.landscape.planes import cover
from analysis.landscape.settings import noise_deviation
from analysis.opening import open_point
from analysis.store import RESULT, analyze_command, find_analysis, open_analysis, take_over
from analysis.vectors import move
from analysis.worker import do_analysis
from dpflat.errors import DPFlatError
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.flatness.sharpness import mean_loss
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.training.forecast import plan_privacy
from dpflat.training.heartbeat import StoppedError
from tests.conftest import small_config

pytestmark = pytest.mark.integration

SMALL = {
    "lines": {"examples": 16, "lines": 3, "points": 5},
    "plane": {"examples": 16, "points": 5},
    "trust": {"examples": 16, "planes": 3, "points": 3},
    "curvature": {"examples": 16, "draws": 8, "count": 2, "spectrum_probes": 1, "spectrum_steps": 5, "trace_probes": 3},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def train(store, *settings):
    made = Store(store).create_run(small_config("execution.trajectory_points=3", *settings))
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture(scope="module")
def run(store):
    return train(store)


def measure(run, store, kind, **more):
    analysis = open_analysis(run, build_settings({"kind": kind, **SMALL[kind], **more}), Store(store))
    assert do_analysis(analysis, Stopping()) == FINISHED
    return analysis


def content_of(analysis):
    parts = json.loads((analysis.folder / RESULT).read_text())["parts"]
    return {name: {k: v for k, v in part.items() if k != "seconds"} for name, part in parts.items()}


@pytest.mark.parametrize("kind", list(SMALL))
def test_each_kind_ends_sealed_beside_its_run_with_all_its_parts(run, store, kind):
    analysis = measure(run, store, kind)
    assert analysis.folder.parent.name == run.id
    assert find_damage(analysis.folder) == []
    assert find_damage(run.folder) == []
    assert all(part["complete"] for part in content_of(analysis).values())
    assert analysis.result.conditions.examples == 16


class WhenAnythingIsThere(Stopping):
    """Wants to stop as soon as something is kept."""

    def __init__(self, analysis):
        super().__init__()
        self.analysis = analysis

    def __call__(self):
        return (self.analysis.folder / RESULT).exists()


@pytest.mark.parametrize("kind", list(SMALL))
def test_stopped_on_the_way_it_goes_on_and_ends_as_if_uninterrupted(run, store, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("analysis.landscape.planes.SAVE_SECONDS", 0.0)
    other = build_settings({"kind": kind, **SMALL[kind], "seed": 5})
    stopped = open_analysis(run, other, Store(store))
    assert do_analysis(stopped, WhenAnythingIsThere(stopped)) == STOPPED
    kept = content_of(stopped)
    assert stopped.state == "stopped"
    assert do_analysis(stopped, Stopping()) == FINISHED
    ended = content_of(stopped)
    for name, part in kept.items():
        if part["complete"]:
            assert ended[name] == part
    monkeypatch.undo()
    again = open_analysis(copy_of(run, tmp_path), other, Store(tmp_path))
    assert do_analysis(again, Stopping()) == FINISHED
    assert content_of(again) == ended


class WhenPartOf(Stopping):
    """Wants to stop as soon as a part is there in part."""

    def __init__(self, analysis, part):
        super().__init__()
        self.analysis, self.part = analysis, part

    def __call__(self):
        there = (self.analysis.folder / RESULT).exists() and content_of(self.analysis)
        return bool(there) and not there.get(self.part, {"complete": True})["complete"]


def test_curvature_keeps_blocks_draws_and_vectors_as_they_come_and_goes_on_with_the_next(run, store, tmp_path):
    config = build_settings({"kind": "curvature", **SMALL["curvature"], "seed": 6, "spectrum_probes": 3})
    stopped = open_analysis(run, config, Store(store))
    counts = {
        "blocks": lambda found: len(found.blocks),
        "ball": lambda found: found.draws,
        "spectrum": lambda found: found.probes,
    }
    for part, count in counts.items():
        assert do_analysis(stopped, WhenPartOf(stopped, part)) == STOPPED
        assert count(stopped.result) == {"blocks": 1, "ball": 2, "spectrum": 1}[part]
        assert stopped.result.unfinished == {part}
    assert do_analysis(stopped, Stopping()) == FINISHED
    again = open_analysis(copy_of(run, tmp_path), config, Store(tmp_path))
    assert do_analysis(again, Stopping()) == FINISHED
    assert content_of(again) == content_of(stopped)
    assert again.result.unfinished == frozenset()


def test_more_eigenvalues_take_over_every_part_that_does_not_depend_on_their_number(run, store):
    few = measure(run, store, "curvature", seed=7, count=5)
    more = open_analysis(run, build_settings({**few.config.model_dump(), "count": 6}), Store(store))
    at_once = more.result
    assert at_once.top == ()
    assert at_once.rises == few.result.rises
    assert do_analysis(more, Stopping()) == FINISHED
    first, second = content_of(few), content_of(more)
    for part in ("trace", "blocks", "ball", "spectrum"):
        assert second[part] == first[part] | {"taken_from": few.folder.name}
    assert len(second["eigenvalues"]["top"]) == 6
    assert second["eigenvalues"]["top"][0]["value"] == pytest.approx(first["eigenvalues"]["top"][0]["value"], rel=0.02)
    lines = [json.loads(line) for line in (more.folder / "events.jsonl").read_text().splitlines()]
    assert [line["part"] for line in lines if line["event"] == "part_finished"] == ["eigenvalues"]


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({"count": 20}, {"trace", "blocks", "ball", "spectrum"}),
        ({"engine": "pyhessian"}, {"trace", "blocks", "ball", "spectrum"}),
        ({"count": 2}, {"blocks", "ball", "spectrum"}),
        ({"draws": 10}, {"eigenvalues", "trace", "blocks", "spectrum"}),
        ({"tolerance": 0.1}, {"ball", "spectrum"}),
        ({"seed": 9}, set()),
        ({"head": True}, set()),
        ({"noise_epsilon": 8.0}, set()),
        ({"step": 0}, set()),
    ],
)
def test_a_part_is_taken_over_where_all_settings_that_it_depends_on_are_the_same(run, store, settings, taken):
    measured = measure(run, store, "curvature", seed=7, count=5)
    other = build_settings({**measured.config.model_dump(), **settings})
    assert set(take_over(run, other, store).get("parts", ())) == taken


def test_what_is_unfinished_or_damaged_is_not_taken_over(run, store, tmp_path):
    mine = copy_of(run, tmp_path)
    config = build_settings({"kind": "curvature", **SMALL["curvature"], "count": 5})
    stopped = open_analysis(mine, config, Store(tmp_path))
    assert do_analysis(stopped, WhenPartOf(stopped, "ball")) == STOPPED
    other = build_settings({**config.model_dump(), "count": 6})
    assert set(take_over(mine, other, tmp_path)["parts"]) == {"trace", "blocks"}
    (stopped.folder / RESULT).write_text("{")
    assert take_over(mine, other, tmp_path) == {}


def copy_of(run, root):
    """The same finished run in another store."""
    shutil.copytree(run.folder, root / run.id)
    return Run(root / run.id)


def test_lines_are_the_loss_at_the_weights_moved_by_that_much_noise(run, store):
    found = measure(run, store, "lines").result
    config = build_settings({"kind": "lines", **SMALL["lines"]})
    point = open_point(run, config)
    deviation = noise_deviation(run.config, 3.0)
    direction = draw_isotropic(point, deviation, 0, 1)
    by_hand = mean_loss(point.objective, move(point.weights, direction, 24.0), point.pieces)
    assert found.positions.tolist() == [-48, -24, 0, 24, 48]
    assert found.loss[1, 3] == pytest.approx(float(by_hand), rel=1e-6)
    assert found.conditions.noise_deviation == deviation


def test_the_unit_of_length_is_the_noise_by_rdp_at_the_runs_epsilon_and_one_for_all_with_its_steps(run):
    steps = plan_privacy(small_config("privacy.accountant=rdp"))[0].mechanisms[-1]
    own = steps.noise_multiplier * steps.max_grad_norm / run.config.optimiser.batch_size
    assert noise_deviation(run.config, run.config.privacy.epsilon) == pytest.approx(own)
    silent = small_config("privacy.kind=none")
    choosing = small_config("flatness.cross_layer.mode=exponential", "flatness.cross_layer.keep_layers=1")
    for other in (silent, choosing, small_config("privacy.accountant=rdp")):
        assert noise_deviation(other, 3.0) == noise_deviation(small_config(), 3.0)


def test_the_way_to_another_run_starts_at_one_loss_and_ends_at_the_other(run, store):
    other = train(store, "privacy.kind=none")
    found = measure(run, store, "lines", toward=other.id, points=7, head=True).result
    config = build_settings({"kind": "lines", **SMALL["lines"], "head": True})
    ends = [open_point(side, config) for side in (run, other)]
    first, second = ends
    there = {**first.weights, **{key: second.weights[key] for key in second.keys}}
    losses = [float(mean_loss(first.objective, weights, first.pieces)) for weights in (first.weights, there)]
    assert found.loss[0, found.positions.tolist().index(0.0)] == pytest.approx(losses[0], rel=1e-6)
    assert found.loss[0, np.argmin(np.abs(found.positions - 1))] == pytest.approx(losses[1], rel=1e-5)


def test_the_start_and_steps_that_were_kept_can_be_asked_and_others_say_which_were(run, store):
    at_start = measure(run, store, "lines", step=0).result
    assert at_start.loss[0, 2] != measure(run, store, "lines").result.loss[0, 2]
    with pytest.raises(DPFlatError, match="were not kept; these were: 0"):
        open_point(run, build_settings({"kind": "lines", "step": 3}))


def test_with_the_head_in_the_head_moves_too(run):
    out = open_point(run, build_settings({"kind": "lines"}))
    with_head = open_point(run, build_settings({"kind": "lines", "head": True}))
    assert set(with_head.keys) - set(out.keys) == {"head.weight", "head.bias"}


def test_coordinates_divided_by_s_have_a_block_s_squared_as_steep_and_the_same_loss(run):
    """The first rescaling of the page, in numbers: the same model, written as u = w / s."""
    point = open_point(run, build_settings({"kind": "curvature", "examples": 16}))
    key, scale = point.keys[0], 2.0

    class Rescaled:
        def per_example_loss(self, parameters, batch, per_example=False):
            return point.objective.per_example_loss({**parameters, key: scale * parameters[key]}, batch)

    divided = {**point.weights, key: point.weights[key] / scale}
    vector = np.random.default_rng(0).standard_normal(point.weights[key].numel())
    plain, other = (
        Hessian(objective, weights, (key,), point.pieces)
        for objective, weights in ((point.objective, point.weights), (Rescaled(), divided))
    )
    np.testing.assert_allclose(other.matvec(vector), scale**2 * plain.matvec(vector), rtol=1e-3, atol=1e-6)
    assert float(mean_loss(Rescaled(), divided, point.pieces)) == pytest.approx(
        float(mean_loss(point.objective, point.weights, point.pieces)), rel=1e-6
    )


def test_a_constant_on_every_row_of_the_head_changes_the_box_and_not_the_loss(run, store):
    found = measure(run, store, "trust").result
    assert found.losses[0] == pytest.approx(found.losses[1], abs=1e-5)
    assert found.boxes[1] > found.boxes[0] + 0.5


def test_another_engine_has_its_own_folder_and_agrees(run, store):
    ours = measure(run, store, "curvature", count=1, tolerance=1e-5).result
    theirs = measure(run, store, "curvature", count=1, tolerance=1e-5, engine="pyhessian", most_products=2000).result
    assert theirs.engine == "pyhessian"
    assert theirs.own_top[0].value == pytest.approx(ours.top[0].value, rel=1e-4)


def test_pyhessian_can_be_stopped_on_the_way(run, store, monkeypatch):
    config = {"kind": "curvature", **SMALL["curvature"], "engine": "pyhessian", "tolerance": 1e-15, "seed": 8}
    asked = open_analysis(run, build_settings(config | {"most_products": 10_000}), Store(store))

    class AfterSomeTime(Stopping):
        began: float | None = None

        def __call__(self):
            return self.began is not None and time.monotonic() - self.began > 0.5

        def begin(self, *arguments):
            self.began = time.monotonic()
            return find_by_pyhessian(*arguments)

    stopping = AfterSomeTime()
    monkeypatch.setattr("analysis.curvature.measure.find_by_pyhessian", stopping.begin)
    assert do_analysis(asked, stopping) == STOPPED
    assert time.monotonic() - stopping.began < 2.5
    assert not (asked.folder / RESULT).exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "lines", "points": 4}, "points is odd"),
        ({"kind": "lines", "toward": "x", "points": 25}, "toward takes head=true"),
        ({"kind": "lines", "toward": "x", "points": 21, "head": True}, "toward takes head=true"),
        ({"kind": "curvature", "draws": 7}, "draws is even"),
        ({"kind": "plane", "data": "trec"}, "data"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(run, store, settings, words):
    with pytest.raises(DPFlatError, match=words):
        open_analysis(run, build_settings(settings), Store(store))


def test_a_run_without_a_path_has_no_plane_of_one_and_says_how_to_get_one(store):
    short = Store(store).create_run(small_config("execution.trajectory_points=0"))
    assert do_run(short, Stopping()) == FINISHED
    analysis = open_analysis(
        Run(short.folder), build_settings({"kind": "plane", "plane": "path", **SMALL["plane"]}), Store(store)
    )
    assert do_analysis(analysis, Stopping()) != FINISHED
    assert "execution.trajectory_points" in analysis.status.message


def test_results_on_private_rows_stand_outside_epsilon_and_the_command_makes_them_again(run, store):
    analysis = measure(run, store, "plane", plane="isotropic")
    assert analysis.config.entry_class("nominal") is EntryClass.DIAGNOSTIC
    command = analyze_command(run, analysis.config)
    assert " plane --set" in command
    assert find_analysis(run, analysis.config, store).folder == analysis.folder


def test_memory_does_not_grow_with_the_number_of_points(run):
    """Work hands out one grid, in place; weights moved for a point are let go before the next."""
    point = open_point(run, build_settings({"kind": "plane", **SMALL["plane"]}))
    axes = tuple(draw_isotropic(point, 0.01, 0, number) for number in range(2))
    counts = []

    def count(_):
        gc.collect()
        counts.append(sum(isinstance(thing, torch.Tensor) for thing in gc.get_objects()))
        if len(counts) == 8:
            raise StoppedError

    with pytest.raises(StoppedError):
        list(cover(point, axes, np.linspace(-1, 1, 5), None, count))
    assert max(counts) - min(counts) < 20
