import json
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest

from analysis.kinds import build_settings
from analysis.layers.forecast import forecast_seconds
from analysis.layers.model import open_run
from analysis.layers.parts import SHARES, list_shares
from analysis.layers.results import SUBSET_MEASURES, build_result
from analysis.layers.settings import LayersConfig
from analysis.layers.trace import read_trace, removed_layers
from analysis.sharpness import SharpnessConfig
from analysis.store import RESULT, Analysis, analyze_command, find_analysis, folder_of, open_analysis
from analysis.worker import do_analysis
from dpflat.config import RunConfig, build_config
from dpflat.core.prefix import active_layers, drop_layers
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.execution.run_job import FINISHED, STOPPED, Stopping, do_run
from dpflat.flatness.sharpness import mean_loss
from dpflat.runs import layout
from dpflat.runs.files import read_lines, replace_json
from dpflat.runs.manifest import find_damage
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings
from tests.conftest import small_config, wait_until

pytestmark = pytest.mark.integration

QUICK = LayersConfig(examples=24, accuracy_examples=48, restarts=2, ascent_steps=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(store):
    """A finished run whose layers were chosen privately."""
    made = Store(store).create_run(
        small_config("flatness.cross_layer.mode=exponential", "flatness.cross_layer.keep_layers=1")
    )
    assert do_run(made, Stopping()) == FINISHED
    return Run(made.folder)


@pytest.fixture(scope="module")
def whole(store, run):
    """Its layers, measured in one go."""
    analysis = open_analysis(run, QUICK, Store(store))
    assert do_analysis(analysis, Stopping()) == FINISHED
    return analysis


def parts_of(analysis):
    content = json.loads((analysis.folder / RESULT).read_text())["parts"]
    return {name: {k: v for k, v in part.items() if k != "seconds"} for name, part in content.items()}


class AfterPart(Stopping):
    """Wants to stop once so many parts are done."""

    def __init__(self, analysis, parts):
        super().__init__()
        self.analysis, self.parts = analysis, parts

    def __call__(self):
        path = self.analysis.folder / RESULT
        return path.exists() and len(json.loads(path.read_text())["parts"]) >= self.parts


def test_an_analysis_lies_beside_its_run_complete_and_sealed(whole, run, store):
    assert whole.folder == store / "analyses" / run.id / f"layers-{QUICK.fingerprint()}"
    assert whole.state == "finished"
    assert find_damage(whole.folder) == []
    assert set(parts_of(whole)) == set(SHARES)
    assert run.folder.name in whole.run.id
    assert find_damage(run.folder) == []


def test_every_subset_has_loss_accuracy_and_sharpness_and_every_layer_four_readings(whole):
    found = whole.result
    assert set(found.asked()) == {(), (0,), (1,), (0, 1)}
    assert found.correct.shape == (4, 48)
    for place, subset in enumerate(found.subsets):
        assert found.value(subset, "accuracy") == pytest.approx(found.correct[place].mean())
        assert found.value(subset, "sharpness") >= 0
    assert set(found.alone) == {0, 1}
    assert all(set(readings) == {"box", "ball", "adaptive", "average"} for readings in found.alone.values())
    assert set(found.whole) == {"box", "ball", "adaptive", "average"}
    assert all(0 < norms.attention_mass < 1 for norms in found.norms.values())


def test_sets_are_asked_on_the_weights_that_were_scored_and_norms_on_the_final_ones(whole, run):
    asked = open_run(run, QUICK)
    trace = read_trace(run)
    assert active_layers(asked.before_removal) == (0, 1)
    assert active_layers(asked.final) == tuple(whole.result.norms) == tuple(run.results["kept_layers"])
    assert whole.result.weights == f"step {trace.step}, before the removal"
    for kept in ((0,), (0, 1)):
        by_hand = drop_layers(asked.before_removal, [layer for layer in (0, 1) if layer not in kept])
        expected = mean_loss(asked.objective, by_hand, asked.many)
        assert whole.result.value(kept, "loss") == pytest.approx(expected, rel=1e-6)


def test_stopped_after_any_part_it_goes_on_and_ends_as_if_uninterrupted(whole, run, tmp_path):
    for parts in (1, 3):
        config = QUICK.model_copy()
        folder = folder_of(tmp_path / str(parts), run, config)
        folder.mkdir(parents=True)
        shutil.copytree(run.folder, folder.parents[2] / run.id)
        replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
        analysis = Analysis(folder)
        assert do_analysis(analysis, AfterPart(analysis, parts)) == STOPPED
        assert analysis.state == "stopped"
        assert len(parts_of(analysis)) == parts
        assert analysis.result is not None
        assert do_analysis(analysis, Stopping()) == FINISHED
        assert parts_of(analysis) == parts_of(whole)
        assert np.array_equal(analysis.result.correct, whole.result.correct)
        names = [event["part"] for event in read_lines(folder / layout.EVENTS) if event["event"] == "part_finished"]
        assert names == list(SHARES)


def test_a_worker_that_is_killed_is_lost_and_what_it_measured_stays(run, tmp_path, real_processes):
    slow = QUICK.model_copy(update={"restarts": 100, "ascent_steps": 200})
    folder = folder_of(tmp_path, run, slow)
    folder.mkdir(parents=True)
    shutil.copytree(run.folder, tmp_path / run.id)
    replace_json(folder / layout.CONFIG, slow.model_dump(mode="json"))
    analysis = Analysis(folder)
    pid = jobs.start(folder, Store(folder.parent), "analysis.worker")
    try:
        wait_until(lambda: (folder / RESULT).exists() or analysis.state not in jobs.ALIVE, "a part")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: analysis.state not in jobs.ALIVE, "the end")
    finally:
        jobs.ask_to_stop(folder)
    assert analysis.state == "lost"
    assert analysis.result.norms
    (folder / layout.STOP).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def single(run, store):
    """One set of layers, scored alone."""
    analysis = open_analysis(run, QUICK.model_copy(update={"keep": (1,)}), Store(store))
    assert do_analysis(analysis, Stopping()) == FINISHED
    return analysis.result


def test_one_set_alone_is_scored_beside_the_whole(single, whole):
    assert set(single.asked()) == {(1,), (0, 1)}
    for measure in SUBSET_MEASURES:
        assert single.value((1,), measure) == whole.result.value((1,), measure)


def test_the_same_settings_find_the_same_folder_and_others_another(run, store, whole):
    assert open_analysis(run, QUICK, Store(store)).folder == whole.folder == find_analysis(run, QUICK, store).folder
    assert find_analysis(run, QUICK.model_copy(update={"seed": 1}), store) is None


def test_of_a_shipped_run_it_lies_in_ones_own_store(run, tmp_path):
    shipped = Run(run.folder, shipped=True)
    assert open_analysis(shipped, QUICK.model_copy(update={"seed": 3}), Store(tmp_path)).root == tmp_path


def test_a_read_only_lab_makes_no_folder(run, tmp_path):
    with pytest.raises(DPFlatError, match="read-only"):
        open_analysis(Run(run.folder, shipped=True), QUICK, Store(tmp_path, read_only=True))
    assert list(tmp_path.iterdir()) == []


def test_arrays_that_were_written_before_a_kill_do_not_hide_the_parts_that_are_done(whole, tmp_path):
    folder = tmp_path / "analyses" / "r" / "layers-1"
    folder.mkdir(parents=True)
    content = json.loads((whole.folder / RESULT).read_text())
    content["parts"] = {name: content["parts"][name] for name in ("norms", "coarse", "alone")}
    replace_json(folder / RESULT, content)
    (folder / "arrays.npz").write_bytes((whole.folder / "arrays.npz").read_bytes())
    found = Analysis(folder).result
    assert found.correct is None
    assert found.alone == {n: {"box": r["box"]} for n, r in whole.result.alone.items()}


def test_a_set_scored_alone_joins_the_others_with_its_rows(whole, single):
    content = json.loads((whole.folder / RESULT).read_text())
    for name in ("coarse", "subsets"):
        content["parts"][name]["rows"] = [row for row in content["parts"][name]["rows"] if row["kept"] != [1]]
    keep = [place for place, subset in enumerate(whole.result.subsets) if subset != (1,)]
    without = build_result(content, np.packbits(whole.result.correct[keep], axis=1))
    joined = without.with_one(single)
    for measure in SUBSET_MEASURES:
        assert joined.values(measure) == pytest.approx(whole.result.values(measure))
    place = list(joined.subsets).index((1,))
    assert np.array_equal(joined.correct[place], whole.result.correct[list(whole.result.subsets).index((1,))])


def test_what_was_scored_on_few_rows_only_is_not_set_beside_many(whole, single):
    early = replace(single, subsets={}, correct=None)
    content = json.loads((whole.folder / RESULT).read_text())
    for name in ("coarse", "subsets"):
        content["parts"][name]["rows"] = [row for row in content["parts"][name]["rows"] if row["kept"] != [1]]
    joined = build_result(content, None).with_one(early)
    assert joined.value((1,), "accuracy") is None
    assert joined.value((1,), "sharpness") is not None


def test_the_command_to_go_on_with_names_the_settings_and_the_store(run, store):
    config = LayersConfig(keep=(0, 2), data="imdb")
    expected = f"dpflat analyze {run.id} layers --set data=imdb --set 'keep=[0, 2]'"
    assert analyze_command(run, config) == f"{expected} --runs {store}"
    assert analyze_command(Run(run.folder, store=Store(store, is_usual=True)), config) == expected


def test_longer_texts_and_slower_backbones_take_longer():
    short, long = (
        forecast_seconds(LayersConfig(), RunConfig()),
        forecast_seconds(LayersConfig(data="imdb"), RunConfig()),
    )
    assert 30 < short < long
    assert forecast_seconds(LayersConfig(keep=(0,)), RunConfig()) < short
    slow = build_config(apply_settings({}, ["backbone.name=minilm"]))
    assert forecast_seconds(LayersConfig(), slow) > 2 * short
    assert (
        forecast_seconds(LayersConfig(), build_config(apply_settings({}, ["backbone.name=hub:someone/bert"]))) is None
    )


def test_damage_is_one_sentence(whole, tmp_path):
    folder = tmp_path / "analyses" / "r" / "layers-1"
    folder.mkdir(parents=True)
    (folder / RESULT).write_text('{"parts": {"norms": {"rows": [{"layer": 0}]}}}')
    with pytest.raises(DPFlatError, match=r"unreadable: result\.json"):
        _ = Analysis(folder).result


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data": "sst2"}, "data"),
        ({"keep": (1, 0)}, "rising order"),
        ({"keep": (0, 7)}, "layers from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(run, store, settings, sentence):
    with pytest.raises(DPFlatError, match=sentence):
        open_analysis(run, LayersConfig(**settings), Store(store))


@pytest.mark.parametrize(("adapter", "sentence"), [("prompt", "black box"), ("head_only", "head alone")])
def test_a_run_without_prefixes_in_its_layers_gets_its_sentence(store, adapter, sentence):
    other = Store(store).create_run(small_config(f"adapter.kind={adapter}"))
    with pytest.raises(DPFlatError, match=sentence):
        open_analysis(other, QUICK, Store(store))


def test_a_run_that_is_not_finished_is_refused(store):
    with pytest.raises(DPFlatError, match="only a finished run"):
        open_analysis(Store(store).create_run(small_config()), QUICK, Store(store))


def test_unknown_settings_are_refused_with_what_was_expected():
    with pytest.raises(DPFlatError, match="restarts"):
        build_settings({"kind": "layers", "restarts": 0})


def test_progress_counts_finished_parts_and_the_one_under_way():
    from analysis.parts import Step, share_done

    config = LayersConfig()
    assert share_done(list_shares(config), frozenset()) == 0
    assert share_done(list_shares(config), frozenset(SHARES)) == 1
    half = share_done(list_shares(config), frozenset({"norms"}), Step("coarse", 0.5))
    assert half == pytest.approx((1 + 10) / sum(SHARES.values()))


def test_the_rounds_are_read_with_ties_margins_and_the_order_in_which_layers_went(run):
    trace = read_trace(run)
    assert removed_layers(run) == trace.removed
    assert set(run.results["kept_layers"]).isdisjoint(trace.removed)
    found = trace.rounds[0]
    values = sorted(found.scores.values())
    assert found.margin == pytest.approx(values[1] - values[0])
    assert found.is_tie == (found.margin < 2 * found.spreads[found.lowest])


def test_the_sharpness_of_a_set_is_the_highest_rise_along_the_fixed_directions_by_brute_force(run, whole):
    from analysis.layers.analyse import draw_directions

    asked = open_run(run, QUICK)
    corners = draw_directions(asked, QUICK)
    assert len(corners) == QUICK.directions
    assert all(set(value.unique().tolist()) <= {-1.0, 0.0, 1.0} for corner in corners for value in corner.values())
    for kept in ((0,), (1,), (0, 1)):
        gone = [layer for layer in (0, 1) if layer not in kept]
        here = mean_loss(asked.objective, drop_layers(asked.before_removal, gone), asked.few)
        rises = []
        for corner in corners:
            moved = {
                key: value + QUICK.direction_eta * (value.abs() + 1) * corner[key] if key in corner else value
                for key, value in asked.before_removal.items()
            }
            rises.append((mean_loss(asked.objective, drop_layers(moved, gone), asked.few) - here) / (1 + here))
        assert whole.result.coarse[kept].sharpness == pytest.approx(max(0.0, *rises), rel=1e-4, abs=1e-7)


def test_norms_and_attention_are_those_of_each_layers_own_keys_and_values(run, whole):
    asked = open_run(run, QUICK)
    (layer,) = active_layers(asked.final)
    keys, values = asked.objective.prefix(asked.final, layer)
    found = whole.result.norms[layer]
    assert found.key_norm == pytest.approx(float(keys.pow(2).sum().sqrt()))
    assert found.value_norm == pytest.approx(float(values.pow(2).sum().sqrt()))
    assert found.key_norm != pytest.approx(found.value_norm, rel=1e-6)
    shares = []
    for piece in asked.few:
        for row in range(len(piece)):
            words = int(piece.mask[row].sum())
            alone = type(piece)(
                input_ids=piece.input_ids[row : row + 1, :words],
                mask=piece.mask[row : row + 1, :words],
                labels=piece.labels[row : row + 1],
                target_mask=piece.target_mask,
                unit=piece.unit[row : row + 1],
            )
            shares.extend(mass_by_hand(asked, layer, alone))
    assert found.attention_mass == pytest.approx(sum(shares) / len(shares), rel=1e-4)


def mass_by_hand(asked, layer, batch):
    """Each word's attention on the prefix, the mean over heads, from queries and keys."""
    from analysis.layers.forward import begin, run_layers

    states, mask = begin(asked.objective, batch)
    states = run_layers(asked.objective, asked.final, states, mask, 0, layer)
    own = asked.objective.backbone.model.encoder.layer[layer].attention.self
    heads = own.num_attention_heads

    def split(projected):
        return projected.view(1, -1, heads, projected.shape[-1] // heads).transpose(1, 2)

    keys = asked.objective.prefix(asked.final, layer)[0][None]
    every = np.concatenate([keys.detach().numpy(), split(own.key(states)).detach().numpy()], axis=2)
    scores = split(own.query(states)).detach().numpy() @ every.transpose(0, 1, 3, 2) / np.sqrt(every.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights[..., : keys.shape[2]].sum(axis=-1).mean(axis=1)[0].tolist()


def test_the_sharpness_of_a_run_alone_is_that_which_an_analysis_of_its_layers_reads(whole, run, store):
    alone = SharpnessConfig(examples=QUICK.examples, restarts=QUICK.restarts, ascent_steps=QUICK.ascent_steps)
    analysis = open_analysis(run, alone, Store(store))
    assert do_analysis(analysis, Stopping()) == FINISHED
    assert analysis.result.box == whole.result.whole["box"]
