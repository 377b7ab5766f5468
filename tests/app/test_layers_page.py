import pytest

from analysis.layers.settings import LayersConfig
from app.ui import measure
from app.ui.measure import measure_command
from dpflat import jobs
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs import layout
from dpflat.runs.files import replace_json
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
    monkeypatch.setattr(jobs, "start", lambda folder, worker: started.append((folder, worker)))
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
    assert "With every prefix there, accuracy is 75.0 %" in texts(page)
    assert "the prefix gets 15 % in layer 5, 10 % in layer 0" in texts(page)
    assert "No layer was chosen, so choosing cost nothing." in texts(page)
    assert "Not measured" not in texts(page)


def test_a_toggle_answers_with_the_cost_and_the_rank_among_all_of_its_size(own):
    measure_layers(white_box(own), own)
    page = choose(choose(open_page("layers"), 5, False), 4, False)
    assert "Taking out layers 4 and 5 costs 2.1 points; 14 of the 15 ways to take out 2 cost less" in texts(page)
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
        (EntryClass.ACCOUNTED, "Choosing layers costs epsilon 0.41 alone, inside the total of 2.50."),
        (EntryClass.BREAKING, "it voids the guarantee"),
        (EntryClass.PUBLIC, "Choosing layers cost nothing"),
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
    assert "With every prefix there, accuracy is 75.0 %" in texts(page)


def test_two_runs_are_drawn_together_and_swapped(own):
    first, second = white_box(own), white_box(own, removed=(1,))
    for run in (first, second):
        measure_layers(run, own)
    page = open_page("layers", a=first.id, b=second.id)
    assert address_of(page) == {"v": "1", "a": first.id, "b": second.id, "rows": "test"}
    page = press(page, "Swap")
    assert (address_of(page)["a"], address_of(page)["b"]) == (second.id, first.id)
    assert "Removed layer 1 before the first step; nothing was scored" in texts(page)


def test_runs_of_different_depth_are_not_drawn_on_one_ruler(own):
    first, second = white_box(own), white_box(own, layers=4)
    measure_layers(first, own)
    measure_layers(second, own, layers=4)
    assert "A and B have different numbers of layers" in texts(open_page("layers", a=first.id, b=second.id))


def test_a_link_to_a_black_box_run_gets_its_sentence(own):
    white_box(own)
    prompt = make_run(own, "finished", 3, 0.75, "adapter.kind=prompt")
    page = open_page("layers", a=prompt.id)
    assert "This run is black box" in texts(page)
    assert "Pick a white-box run." in texts(page)


def test_a_link_to_a_missing_run_names_it_and_the_page_works(own):
    run = white_box(own)
    page = open_page("layers", a="nobody")
    assert "Run `nobody` is not in this store." in texts(page)
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
    page = choose(choose(open_page("layers"), 7, False), 9, False)
    assert not page.exception
    assert "Without layers 7 and 9: not measured" in texts(page)
    assert "Not measured for this set." in texts(page)


def test_the_command_of_a_set_can_be_run_as_it_stands(own):
    run = white_box(own)
    assert measure_command(run, LayersConfig(keep=(0, 2))) == f"dpflat analyze {run.id} layers --set 'keep=[0, 2]'"
