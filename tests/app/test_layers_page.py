import json
import time

import numpy as np
import pytest

from analysis.figures.layer_choices import draw_strip
from analysis.figures.layer_findings import describe_what_if
from analysis.layers.settings import LayersConfig
from analysis.store import Analysis
from app.shown.layer_sets import cost_interval, subset_table
from app.ui import measure
from dpflat.execution import jobs
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.store import Store
from tests.app.pages import (
    address_of,
    give_layers,
    labels,
    make_run,
    measure_layers,
    open_page,
    press,
    texts,
    trace_layers,
)


@pytest.fixture
def own(stores):
    return stores[0]


def white_box(own, *settings, removed=(), layers=6):
    return give_layers(make_run(own, "finished", 3, 0.75, *settings), layers, removed)


def choose(page, layer, on):
    return next(t for t in page.toggle if t.label == f"layer {layer}").set_value(on).run()


def test_a_store_without_layers_says_so(own):
    make_run(own, "finished", 3, 0.75, "adapter.kind=head_only")
    assert "No finished run has prefixes in its layers yet." in texts(open_page("layers"))


def test_a_run_that_is_not_measured_offers_to_with_its_cost_and_its_command(own):
    run = white_box(own)
    page = open_page("layers")
    assert "Not measured for A." in texts(page)
    assert "reads the held-out split (outside epsilon)" in texts(page)
    assert "Measure" in labels(page)
    assert f"dpflat analyze {run.id} layers" in texts(page)


def test_the_button_starts_a_worker_of_analyses_on_that_run(own, monkeypatch):
    run = white_box(own)
    started = []
    monkeypatch.setattr(jobs, "start", lambda folder, store, worker: started.append((folder, worker)))
    page = press(open_page("layers"), "Measure")
    assert not page.exception
    folder = own / "analyses" / run.id / f"layers-{LayersConfig().fingerprint()}"
    assert started == [(folder, "analysis.worker")]


def test_a_read_only_lab_shows_the_command_and_no_button(own, monkeypatch):
    run = white_box(own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
    page = open_page("layers")
    assert "Measure" not in labels(page)
    assert f"dpflat analyze {run.id} layers" in texts(page)
    with pytest.raises(measure.DPFlatError, match="read-only"):
        measure.start_measuring(run, LayersConfig())


def test_a_measured_run_shows_what_its_layers_are(own):
    run = white_box(own)
    measure_layers(run, own)
    page = open_page("layers")
    assert not page.exception
    assert "No layers were removed in this run; the sharpest is layer 5 (1 seed)" in texts(page)
    assert "With every prefix of these weights accuracy is 75.0 %" in texts(page)
    assert "the prefix gets 15 % in layer 5, 10 % in layer 0" in texts(page)
    assert "No layer was chosen, so choosing cost nothing." in texts(page)
    assert "Not measured" not in texts(page)


def test_a_toggle_answers_with_the_cost_and_the_rank_among_all_of_its_size(own):
    measure_layers(white_box(own), own)
    page = choose(choose(open_page("layers"), 5, False), 4, False)
    assert "Taking out layers 4 and 5 costs 2.1 points; 14 of the 15 ways to take out 2 are better" in texts(page)
    page = choose(choose(page, 5, True), 0, False)
    assert "Taking out layers 0 and 4 costs 2.0 points; 4 of the 15 ways" in texts(page)
    assert "Taken out of the trained model, not retrained." in texts(page)


def test_why_layers_went_is_told_round_by_round_with_ties_and_luck(own):
    run = white_box(own, removed=(3, 5))
    drawn = (3, {0: 0.5, 3: 0.1, 5: 0.12}, 0.05, 0.31), (5, {0: 0.4, 5: 0.2}, 0.01, 0.2)
    trace_layers(run, *drawn)
    measure_layers(run, own)
    page = open_page("layers")
    assert "Removed layers 3 and 5, drawn at random by scores; the lowest score went in 2 of 2 rounds" in texts(page)
    assert "Round 1: layer 3 was drawn, with probability 0.31; greedy would have taken it too" in texts(page)
    trace_layers(run, *((removed, scores, spread, None) for removed, scores, spread, _ in drawn))
    page = open_page("layers")
    assert "Removed layers 3 and 5; the second choice was clear, the first was a tie" in texts(page)
    assert "Round 1: without layer 3 the least sharpness is left, 0.02 under the next (a tie)" in texts(page)


def test_the_seeds_of_one_experiment_stand_side_by_side(own):
    for seed, removed in enumerate([(5, 3), (5, 4), (5, 0)]):
        run = white_box(own, f"seed={seed}", removed=removed)
        trace_layers(run, *((layer, {layer: 0.1, 2: 0.3}, 0.01, None) for layer in removed))
        measure_layers(run, own)
    assert "Layer 5 went in 3 of 3 seeds, layers 0, 3 and 4 in 1 of 3" in texts(open_page("layers"))


def test_what_was_removed_can_be_used_in_a_new_run(own):
    run = white_box(own, removed=(5, 3))
    trace_layers(run, (5, {5: 0.1, 3: 0.2}, 0.01, None), (3, {3: 0.2}, 0.01, None))
    measure_layers(run, own)
    page = open_page("layers")
    assert "remove:\n    - 5\n    - 3" in texts(page)
    assert "--set 'flatness.cross_layer.remove=[5,3]'" in texts(page)


@pytest.mark.parametrize(
    ("entry_class", "sentence"),
    [
        (EntryClass.ACCOUNTED, "Choosing layers costs epsilon 0.41 alone, inside the total of 3.00."),
        (EntryClass.BREAKING, "it voids the guarantee"),
        (EntryClass.PUBLIC, "Choosing layers read no private data: it cost nothing."),
    ],
)
def test_what_choosing_cost_stands_on_the_page(own, entry_class, sentence):
    run = white_box(own, removed=(5,))
    mechanism = {
        EntryClass.ACCOUNTED: "layers drawn by the exponential mechanism",
        EntryClass.BREAKING: "layers chosen by un-noised sharpness",
        EntryClass.PUBLIC: "layers fixed beforehand",
    }[entry_class]
    alone = 0.41 if entry_class is EntryClass.ACCOUNTED else None
    entry = LedgerEntry(step="1", touched="t", mechanism=mechanism, entry_class=entry_class, epsilon_alone=alone)
    replace_json(run.folder / layout.LEDGER, run.ledger.add(entry).model_dump(mode="json"))
    write_manifest(run.folder)
    assert sentence in texts(open_page("layers"))


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        ("stopped", "Measuring A: stopped; 2 of 6 parts are measured and kept.", "Continue"),
        ("failed", "Measuring A: failed; 2 of 6 parts are measured and kept.", "Try again"),
        ("lost", "Measuring A: lost; 2 of 6 parts are measured and kept.", "Continue"),
        ("running", "Measuring A: each layer alone", "Stop"),
    ],
)
def test_what_ended_early_shows_what_it_has_and_how_to_go_on(own, state, words, button):
    measure_layers(white_box(own), own, state=state)
    page = open_page("layers")
    assert not page.exception
    assert words in texts(page)
    assert button in labels(page)
    assert "With every prefix of these weights accuracy is 75.0 %" in texts(page)


def test_two_runs_are_drawn_together_and_swapped(own):
    first, second = white_box(own), white_box(own, removed=(1,))
    for run in (first, second):
        measure_layers(run, own)
    page = open_page("layers", a=first.id, b=second.id)
    assert address_of(page) == {
        "v": "1",
        "a": first.id,
        "b": second.id,
        "rows": "test",
        "mark": "none",
        "look": "B",
    }
    page = press(page, "Swap")
    assert (address_of(page)["a"], address_of(page)["b"]) == (second.id, first.id)
    assert "Removed layer 1; the scores are not in this store" in texts(page)


def test_runs_of_different_depth_are_not_drawn_on_one_ruler(own):
    first, second = white_box(own), white_box(own, layers=4)
    measure_layers(first, own)
    measure_layers(second, own, layers=4)
    page = open_page("layers", a=first.id, b=second.id)
    assert "Each on its own ruler. layers: 6 against 4" in texts(page)
    assert [h.value for h in page.markdown if "the sharpest is layer" in h.value and "####" in h.value] != []
    assert len([c for c in page.caption if "Sharpness of each layer's prefix alone" in c.value]) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["adapter.length=4"], "prefix length: 8 against 4"),
        (["task.name=imdb", "data.max_tokens=16"], "task: rotten_tomatoes against imdb"),
    ],
)
def test_what_keeps_two_runs_from_one_ruler_is_named(own, settings, words):
    first, second = white_box(own), white_box(own, *settings)
    for run in (first, second):
        measure_layers(run, own)
    assert words in texts(open_page("layers", a=first.id, b=second.id))


def test_weights_of_different_stages_do_not_share_a_ruler(own):
    first, second = white_box(own), white_box(own, removed=(5,))
    measure_layers(first, own)
    folder = measure_layers(second, own)
    content = json.loads((folder / "result.json").read_text())
    replace_json(folder / "result.json", content | {"weights": "step 27, before the removal"})
    write_manifest(folder)
    page = open_page("layers", a=first.id, b=second.id)
    assert "weights: final against step 27, before the removal" in texts(page)
    assert "Taken out of the weights of step 27, before the removal, not retrained." in texts(page)


def test_rows_that_only_one_of_two_can_answer_are_not_offered_and_a_damaged_run_does_not_hide_the_other(own):
    first, second = white_box(own), white_box(own, "task.name=imdb", "data.max_tokens=16")
    measure_layers(first, own)
    folder = measure_layers(second, own)
    (folder / "result.json").write_text("{")
    page = open_page("layers", a=first.id, b=second.id, rows="imdb")
    assert not page.exception
    assert address_of(page)["rows"] == "test"
    assert any("B: unreadable: result.json" in warning.value for warning in page.warning)
    assert "the sharpest is layer 5" in texts(page)


def test_a_link_restores_rows_mark_the_run_to_look_at_the_measure_and_the_set(own):
    first, second = white_box(own), white_box(own)
    for run in (first, second):
        measure_layers(run, own)
        measure_layers(run, own, data="imdb")
    link = {"a": first.id, "b": second.id, "rows": "imdb", "mark": "2", "look": "A"}
    page = open_page("layers", **link, measure="loss", keep="0,1,2,3")
    assert "Taking out layers 4 and 5 raises loss by 0.020" in texts(page)
    assert address_of(page) == {"v": "1"} | link
    assert "keep=0%2C1%2C2%2C3" in texts(page)
    page.query_params["rows"] = "test"
    assert address_of(page.run())["rows"] == "test"


def test_nonsense_in_a_link_is_left_aside(own):
    run = white_box(own)
    measure_layers(run, own)
    page = open_page("layers", a=run.id, b="none", rows="/etc", mark="99", look="C", measure="x", keep="7,-1,q")
    assert not page.exception
    assert {"rows": "test", "mark": "none", "look": "A"}.items() <= address_of(page).items()


def test_what_an_accuracy_costs_has_the_interval_of_its_paired_rows(own):
    run = white_box(own)
    folder = measure_layers(run, own)
    content = json.loads((folder / "result.json").read_text())
    subsets = [tuple(row["kept"]) for row in content["parts"]["subsets"]["rows"]]
    bits = np.random.default_rng(0).random((len(subsets), 1706)) < 0.75
    np.savez_compressed(folder / "arrays.npz", correct=np.packbits(bits, axis=1))
    write_manifest(folder)
    result = Analysis(folder).result
    everything, kept = tuple(range(6)), (0, 1, 2)
    low, high = cost_interval(result, everything, kept)
    difference = bits[subsets.index(everything)].astype(float) - bits[subsets.index(kept)]
    half = 1.96 * difference.std() / np.sqrt(1706)
    assert (low, high) == pytest.approx((difference.mean() - half, difference.mean() + half), abs=0.003)
    assert cost_interval(result, everything, everything) is None


def test_a_toggle_is_answered_within_a_tenth_of_a_second(own):
    """The work behind it, without the browser: the median of nine."""
    run = white_box(own)
    folder = measure_layers(run, own)
    rows = len(json.loads((folder / "result.json").read_text())["parts"]["subsets"]["rows"])
    np.savez_compressed(folder / "arrays.npz", correct=np.packbits(np.ones((rows, 1706), dtype=bool), axis=1))
    write_manifest(folder)
    result = Analysis(folder).result
    seconds = []
    for kept in [(0, 1, 2, 3)] * 9:
        began = time.perf_counter()
        interval = cost_interval(result, tuple(range(6)), kept)
        describe_what_if(result, kept, "accuracy", interval)
        values = {s: v for s, v in result.values("accuracy").items() if len(s) == 4}
        draw_strip(values, kept, kept, "accuracy, %", "light").to_json()
        subset_table(result, 4)
        seconds.append(time.perf_counter() - began)
    assert sorted(seconds)[4] < 0.1


def test_a_link_to_a_black_box_run_gets_its_sentence(own):
    white_box(own)
    prompt = make_run(own, "finished", 3, 0.75, "adapter.kind=prompt")
    page = open_page("layers", a=prompt.id)
    assert "This run is black box" in texts(page)
    assert "Pick a white-box run." in texts(page)


@pytest.mark.parametrize("state", ["stopped", "failed", "lost"])
def test_a_link_to_a_run_that_is_not_finished_says_its_state(own, state):
    white_box(own)
    other = make_run(own, state)
    assert f"'{other.id}' is {state}; layers are shown of finished runs." in texts(open_page("layers", a=other.id))


def test_a_link_to_an_unreadable_run_says_what_is_damaged(own):
    white_box(own)
    other = make_run(own)
    (other.folder / layout.CONFIG).write_text("{")
    page = open_page("layers", a=other.id)
    assert not page.exception
    assert "unreadable: config.json" in texts(page)


def test_a_damaged_removal_of_another_seed_is_named_and_the_others_stand(own):
    for seed in (0, 1):
        run = white_box(own, f"seed={seed}", removed=(5,))
        trace_layers(run, (5, {5: 0.1, 3: 0.2}, 0.01, None))
        measure_layers(run, own)
    damaged = next(r for r in Store(own).list_runs(shipped=False) if r.config.seed == 0)
    (damaged.folder / "artifacts" / layout.SELECTION).write_text("{")
    page = open_page("layers", a=run.id, b="none")
    assert not page.exception
    assert any("unreadable: selection.json" in warning.value for warning in page.warning)
    assert "Layer 5 went in 1 of 1 seed" in texts(page)


def test_a_link_to_a_missing_run_names_it_and_the_page_works(own):
    run = white_box(own)
    page = open_page("layers", a="nobody")
    assert "Run 'nobody' is not in this store." in texts(page)
    assert address_of(page)["a"] == run.id


def test_a_damaged_result_is_told_and_the_page_stands(own):
    folder = measure_layers(white_box(own), own)
    (folder / "result.json").write_text("{")
    page = open_page("layers")
    assert not page.exception
    assert any("unreadable: result.json" in warning.value for warning in page.warning)


def test_of_thirty_layers_a_set_that_was_not_asked_is_one_click(own):
    run = white_box(own, layers=30)
    folder = measure_layers(run, own, layers=6)
    from analysis.layers.subsets import list_subsets
    from tests.app.pages import made_up_layers

    content = made_up_layers(6) | {"layers": 30}
    layers = tuple(range(30))
    rows = [{"kept": s, "loss": 0.5, "accuracy": 0.7} for s in list_subsets(layers, layers, [], 8, 0)]
    content["parts"]["subsets"]["rows"] = rows
    content["parts"]["coarse"]["rows"] = [{**row, "sharpness": 0.1, "spread": 0.0} for row in rows]
    replace_json(folder / "result.json", content)
    write_manifest(folder)
    page = choose(choose(open_page("layers"), 7, False), 9, False)
    assert not page.exception
    assert "Without layers 7 and 9: accuracy is not measured" in texts(page)
    assert "Not measured for this set." in texts(page)
    kept = tuple(layer for layer in layers if layer not in (7, 9))
    extra = measure_layers(run, own, state="stopped", keep=kept)
    single = content | {"parts": {"coarse": {"rows": [rows[-1] | {"kept": kept, "sharpness": 0.1, "spread": 0.0}]}}}
    replace_json(extra / "result.json", single)
    page = choose(choose(open_page("layers"), 7, False), 9, False)
    assert not page.exception
    assert "accuracy is not measured" in texts(page)
    single["parts"]["subsets"] = {"rows": [rows[-1] | {"kept": kept, "accuracy": 0.69}], "examples": 1706}
    replace_json(extra / "result.json", single)
    page = choose(choose(open_page("layers"), 7, False), 9, False)
    assert not page.exception
    assert "Taking out layers 7 and 9 costs 1.0 points" in texts(page)


def test_the_python_behind_every_figure_runs_as_it_stands(own):
    run = white_box(own, removed=(5,))
    trace_layers(run, (5, {5: 0.1, 3: 0.2}, 0.01, None))
    measure_layers(run, own)
    page = open_page("layers")
    snippets = [code.value for code in page.code if "import" in code.value]
    assert len(snippets) == 5
    for snippet in snippets:
        *_, last = snippet.strip().splitlines()
        names = {}
        exec(snippet.replace(last, f"figure = {last}"), names)
        assert names["figure"].to_dict()["data"]
