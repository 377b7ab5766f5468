"""The page Epsilon and accuracy: what is pooled, what is left out, what is not measured, links."""

import json
from urllib.parse import parse_qsl

import numpy as np
import pytest

from dpflat.runs import layout
from dpflat.runs.manifest import write_manifest
from tests.analysis.claims.made_up import measure_sharpness
from tests.app.landscape import keep_analysis, made_up_curvature
from tests.app.pages import address_of, column, go_to, make_run, measure_layers, open_page, plan_run, press, texts

FLAT = "flatness.cross_model.mode=average"
REPAIRED = (
    "flatness.within_layer.mode=previous_noisy",
    "flatness.cross_layer.mode=exponential",
    "flatness.cross_model.mode=average",
)
LINK = {"v": "1", "task": "rotten_tomatoes", "backbone": "random_tiny", "readout": "linear"}


@pytest.fixture
def own(stores):
    return stores[0]


def make_method(root, *settings, accuracy=0.75, seeds=(0, 1), epsilon=3):
    """A method's runs at an epsilon, one a seed."""
    private = () if "privacy.kind=none" in settings else (f"privacy.epsilon={epsilon}",)
    return [
        make_run(root, "finished", 3, accuracy + 0.01 * seed, *settings, *private, f"seed={seed}") for seed in seeds
    ]


def selected(page, key):
    return next(widget.value for widget in page.selectbox if widget.key == key)


def test_a_store_without_finished_runs_says_so_and_offers_to_train(own):
    make_run(own, "running")
    assert "No finished run is here to show." in texts(open_page("tradeoff"))


def test_the_title_tells_cost_and_flatness_and_every_panel_says_over_what(own):
    make_method(own, "privacy.kind=none", accuracy=0.85)
    make_method(own, accuracy=0.75)
    make_method(own, *REPAIRED, accuracy=0.77)
    page = open_page("tradeoff")
    found = texts(page)
    assert not page.exception
    assert "At epsilon 3 privacy costs 10.0 points of accuracy" in found
    assert "DP-Flat gives back 2.0" in found
    assert "At epsilon 3 DP-Flat has 2.0 points more accuracy than DP prefix" in found
    assert "n = 1,706 examples · 2 seeds · Rotten Tomatoes sentences, random 2-layer BERT (for tests)" in found
    assert "intervals over seeds and test examples" in found
    assert "measured at epsilon" in " ".join(map(str, (table.value.columns.tolist() for table in page.dataframe)))


def test_runs_of_one_readout_are_shown_with_a_head_alone_beside_either(own):
    make_method(own, accuracy=0.75)
    make_method(own, "readout.kind=label_text", accuracy=0.60)
    make_method(own, "adapter.kind=head_only", accuracy=0.72)
    page = open_page("tradeoff")
    assert page.selectbox(key="tradeoff_readout").options == ["label texts", "a trained head"]
    assert "Rotten Tomatoes sentences, random 2-layer BERT (for tests), label texts" in texts(page)
    assert column(page, "test accuracy")[:2] == ["60.5 %", "72.5 %"]
    page.selectbox(key="tradeoff_readout").set_value("linear").run()
    assert sorted(column(page, "test accuracy")[:2]) == ["72.5 %", "75.5 %"]
    assert "left out" not in texts(page)


def test_an_address_from_before_readouts_shows_the_runs_that_it_names_or_a_trained_head(own):
    head = make_method(own, accuracy=0.75)
    texts_of_classes = make_method(own, "readout.kind=label_text", accuracy=0.60)
    for named, readout in (({}, "linear"), ({"runs": texts_of_classes}, "label_text"), ({"runs": head}, "linear")):
        link = {name: ",".join(run.id for run in runs) for name, runs in named.items()}
        page = open_page("tradeoff", v="1", task="rotten_tomatoes", **link)
        assert page.selectbox(key="tradeoff_readout").value == readout


def test_what_flatness_costs_is_a_line_a_level_where_it_has_two_strengths(own):
    noisy = "flatness.within_layer.mode=previous_noisy"
    runs = [*make_method(own), *make_method(own, noisy, "flatness.within_layer.gamma=1", accuracy=0.70)]
    for run in runs:
        measure_sharpness(run, 0.3 if run in runs[:2] else 0.1)
    assert "What does flatness cost?" not in [header.value for header in open_page("tradeoff").subheader]
    for run in make_method(own, noisy, accuracy=0.74):
        measure_sharpness(run, 0.2)
    page = open_page("tradeoff")
    assert "What does flatness cost?" in [header.value for header in page.subheader]
    assert "gamma 1 of within layer (previous noisy): sharpness 0.1 (−67 %) and accuracy 70.5 %" in texts(page)


def test_runs_with_other_settings_are_left_out_by_name_and_never_pooled(own):
    make_method(own, accuracy=0.75, seeds=(0, 1, 2))
    make_method(own, "optimiser.head_learning_rate=0.5", accuracy=0.6)
    page = open_page("tradeoff")
    assert "2 runs left out: other head learning rate." in texts(page)
    means = column(page, "test accuracy")
    assert means[0] == "76.0 %"
    stars = [name for name in column(page, "method") if name.startswith("yours")]
    assert sum("other head learning rate" in name for name in stars) == 2
    assert len(stars) == 5
    shared = "All pooled runs have max tokens 16, train subset 200, epochs 1, batch size 20; else the defaults."
    assert shared in texts(page)


def test_one_variant_of_a_method_is_pooled_which_is_said_and_the_others_are_told(own):
    make_method(own, seeds=(0,))
    stronger = "flatness.cross_model.strength=0.5"
    make_method(own, FLAT, seeds=(0,), epsilon=8)
    for epsilon in (1, 3):
        make_method(own, FLAT, stronger, accuracy=0.6, seeds=(0, 1), epsilon=epsilon)
    page = open_page("tradeoff", **LINK, methods="DP prefix,DP prefix + across models (average)")
    rows = [
        (method, epsilon)
        for method, epsilon in zip(column(page, "method"), column(page, "epsilon of the noise"), strict=True)
        if not method.startswith("yours")
    ]
    pooled = [("DP prefix + across models (average)", epsilon) for epsilon in ("1", "3")]
    assert rows == [("DP prefix", "3"), *pooled]
    assert "pooled runs of DP prefix + across models (average) have cross model strength 0.5;" in texts(page)
    assert "1 run left out: other cross model strength." in texts(page)


def keep_predictions(run, count):
    """Keep predictions of the first so many test examples alone."""
    path = run.folder / layout.ARTIFACTS / layout.PREDICTIONS
    with np.load(path) as arrays:
        few = {name: values[:count] for name, values in arrays.items()}
    np.savez_compressed(path, **few)
    write_manifest(run.folder)


def test_runs_with_another_number_of_test_examples_are_told_and_neither_pooled_nor_paired(own):
    runs = make_method(own, accuracy=0.6, seeds=(0, 1, 2), epsilon=1) + make_method(own, seeds=(0, 1), epsilon=8)
    keep_predictions(runs[2], 100)
    page = open_page("tradeoff", **LINK, target="70")
    assert not page.exception
    assert "1 run left out: 100 test examples, not 1,706." in texts(page)
    assert column(page, "seeds")[:2] == ["2", "2"]
    assert "For 70 % accuracy: DP prefix epsilon" in texts(page)
    stars = dict(zip(column(page, "method"), column(page, "examples"), strict=True))
    assert [n for name, n in stars.items() if name.endswith("other test examples")] == ["100"]


def test_the_shipped_runs_of_start_with_another_number_of_test_examples_are_told(stores):
    runs = [
        make_run(stores[1], "finished", 3, 0.7, "backbone.name=dpflat-tiny", "readout.kind=label_text", f"seed={seed}")
        for seed in (0, 1, 2)
    ]
    keep_predictions(runs[2], 100)
    page = open_page("start")
    assert not page.exception
    assert "1 shipped run is left out: no predictions of the same number of test sentences." in texts(page)
    assert column(page, "seeds") == ["2"]


def test_ones_own_runs_alone_have_their_number_of_examples_and_the_answer_of_their_ledger(own):
    published = plan_run(own, "privacy.epsilon=2", "flatness.within_layer.mode=as_published")
    stronger = plan_run(own, "privacy.epsilon=2", "optimiser.epochs=2", "flatness.within_layer.mode=as_published")
    page = open_page("tradeoff", **LINK, runs=f"{published.id},{stronger.id}", yours="1")
    rows = page.dataframe[0].value.to_dict("records")
    assert [row["guarantee"] for row in rows] == ["void"] * 3
    assert {row["examples"] for row in rows} == {"1,706"}
    assert {row["epsilon of the noise"] for row in rows if row["method"].startswith("yours")} == {"2.00"}


def test_ones_own_runs_can_be_left_out(stores):
    own, shipped = stores
    make_method(shipped, accuracy=0.75)
    make_method(own, accuracy=0.65, seeds=(5,))
    page = open_page("tradeoff")
    assert "stars: your runs" in texts(page)
    assert column(page, "seeds")[0] == "3"
    page.toggle[0].set_value(False).run()
    assert "stars: your runs" not in texts(page)
    assert column(page, "seeds")[0] == "2"
    assert address_of(page)["yours"] == "0"


def test_a_measure_that_no_run_has_is_counted_and_never_a_zero(own):
    make_method(own)
    make_method(own, "adapter.kind=head_only")
    page = open_page("tradeoff", **LINK, y="sharpness")
    found = texts(page)
    assert not page.exception
    assert found.count("Sharpness: measured for 0 of 2 runs; 2 more have none, since no prefix was trained.") == 2
    assert "dpflat analyze" in found
    assert "No chosen method stands beside DP prefix" in found


def give_sharpness(root, run, value, entries=2048):
    """A made-up analysis of layers in which all prefixes together have a sharpness."""
    folder = measure_layers(run, root)
    content = json.loads((folder / "result.json").read_text())
    content["parts"]["whole"] = {"measures": {"box": {"value": value, "spread": 0.01, "entries": entries}}}
    (folder / "result.json").write_text(json.dumps(content))
    write_manifest(folder)


def test_sharpness_is_compared_by_ratio_over_seeds_and_beside_accuracy(own):
    for n, run in enumerate(make_method(own, seeds=range(4))):
        give_sharpness(own, run, 0.4 + 0.01 * n)
    for n, run in enumerate(make_method(own, *REPAIRED, accuracy=0.72, seeds=range(3))):
        give_sharpness(own, run, 0.2 + 0.006 * n)
    page = open_page("tradeoff", **LINK, y="sharpness")
    found = texts(page)
    assert "At epsilon 3 sharpness of DP-Flat is 50 % lower than that of DP prefix" in found
    assert "intervals over seeds only (Student's t)" in found
    assert "shaded: −9 to +10 %, less than matters · hollow: no guarantee" in found
    assert "raw sharpness" not in found
    assert "n = 7 runs of 2 methods, mixed at epsilon 3" in found
    assert "Methods are mixed" in found
    assert "(3 runs" not in found


def test_titles_call_sharpness_raw_where_methods_move_unlike_numbers_of_entries(own):
    for n, run in enumerate(make_method(own, seeds=range(3))):
        give_sharpness(own, run, 0.4 + 0.01 * n)
    for n, run in enumerate(make_method(own, *REPAIRED, seeds=range(3))):
        give_sharpness(own, run, 0.2 + 0.006 * n, entries=1024)
    found = texts(open_page("tradeoff", **LINK, y="sharpness"))
    assert found.count("raw sharpness of DP-Flat is 50 % lower than that of DP prefix") == 2
    assert found.count("Entries that move: DP prefix 2,048, DP-Flat 1,024. Fewer entries alone lower sharpness.") == 2


def test_few_runs_cannot_tell_whether_flatter_is_more_accurate(own):
    run = make_method(own, seeds=(0,))[0]
    give_sharpness(own, run, 0.4)
    assert "we cannot tell (1 run of 1 method, 5 are needed)" in texts(open_page("tradeoff", **LINK))


def test_the_largest_eigenvalue_takes_the_place_of_sharpness_where_it_is_on_the_axis(own):
    run = make_method(own, seeds=(0,))[0]
    keep_analysis(run, own, {"kind": "curvature"}, made_up_curvature(1.5))
    page = open_page("tradeoff", **LINK, y="eigenvalue")
    assert "1.5" in column(page, "largest eigenvalue")
    assert "against largest eigenvalue, nats per length²" in texts(page)


def test_an_analysis_that_arrives_while_the_page_is_open_is_seen(own):
    run = make_method(own, seeds=(0,))[0]
    page = open_page("tradeoff", **LINK, y="sharpness")
    assert "measured for 0 of 1 runs" in texts(page)
    give_sharpness(own, run, 0.4)
    assert "0.4" in column(page.run(), "sharpness")


def test_the_epsilon_of_a_target_is_never_beyond_what_was_measured(own):
    make_method(own, accuracy=0.6, epsilon=1)
    make_method(own, accuracy=0.8, epsilon=8)
    found = texts(open_page("tradeoff", **LINK, target="70"))
    assert "For 70 % accuracy: DP prefix epsilon 2.7 [" in found
    assert "not reached within 1 to 8" in texts(open_page("tradeoff", **LINK, target="99"))
    assert "reached already at the smallest measured epsilon 1" in texts(open_page("tradeoff", **LINK, target="20"))


def test_the_target_begins_where_something_is_to_be_seen(own):
    make_method(own, accuracy=0.75, epsilon=1, seeds=(0,))
    make_method(own, accuracy=0.85, epsilon=8, seeds=(0,))
    page = open_page("tradeoff")
    assert page.number_input[0].value == 80
    page.number_input[0].set_value(77).run()
    assert "For 77 % accuracy" in texts(page)
    assert address_of(page)["target"] == "77"


def test_the_address_is_complete_and_a_copied_link_names_each_run(own):
    runs = make_method(own, seeds=(0, 1))
    page = open_page("tradeoff")
    assert address_of(page) == LINK | {
        "y": "accuracy",
        "methods": "DP prefix",
        "yours": "1",
        "target": "76",
        "epsilon": "none",
        "runs": "all",
    }
    link = next(block.value for block in page.code if "v=1" in block.value)
    assert all(run.id in link for run in runs)


def test_a_link_shows_its_runs_when_newer_ones_exist_until_all_are_asked_for(own):
    old = make_method(own, accuracy=0.7, seeds=(0, 1))
    make_method(own, accuracy=0.9, seeds=(2, 3))
    page = open_page("tradeoff", v="1", runs=",".join(run.id for run in old))
    assert "Only 2 runs that a link names." in texts(page)
    assert column(page, "seeds")[0] == "2"
    press(page, "Show all runs")
    assert "that a link names" not in texts(page)
    assert column(page, "seeds")[0] == "4"


def test_all_runs_can_be_asked_for_where_a_link_names_none_that_is_here(own):
    make_method(own, seeds=(0,))
    page = open_page("tradeoff", v="1", runs="gone")
    assert "No finished run is here to show." in texts(page)
    press(page, "Show all runs")
    assert address_of(page)["runs"] == "all"
    assert column(page, "seeds")[0] == "1"


def test_a_link_that_cannot_name_all_runs_says_so_and_one_that_names_too_many_too(own, monkeypatch):
    runs = make_method(own, seeds=(0, 1, 2))
    assert "The link cannot name" not in texts(open_page("tradeoff"))
    monkeypatch.setattr("app.address.LONGEST", 2 * len(runs[0].id) + 1)
    page = open_page("tradeoff")
    assert "The link cannot name 3 runs. It shows all that are there when it is opened." in texts(page)
    assert next(block.value for block in page.code if "v=1" in block.value).endswith("runs=all")
    page = open_page("tradeoff", v="1", runs=",".join(run.id for run in runs))
    assert "The link names more runs than an address can hold; the first 2 are asked for." in texts(page)
    assert "is not in this store" not in texts(page)
    assert column(page, "seeds")[0] == "2"


def test_an_epsilon_keeps_all_its_digits_in_a_link(own):
    for epsilon in (1.2345678, 1.2345679):
        give_sharpness(own, make_method(own, seeds=(0,), epsilon=epsilon)[0], 0.4)
    page = open_page("tradeoff", **LINK, epsilon="1.2345679")
    assert address_of(page)["epsilon"] == "1.2345679"
    assert page.button_group(key="tradeoff_epsilon").options == ["1.2345678", "1.2345679"]


def test_a_link_names_what_is_missing_and_what_is_not_finished(own):
    running = make_run(own, "running")
    run = make_method(own, seeds=(0,))[0]
    page = open_page("tradeoff", v="9", runs=f"gone,{running.id},{run.id}")
    found = texts(page)
    assert "Run 'gone' is not in this store." in found
    assert f"'{running.id}' is running; only finished runs are shown." in found
    assert "made by another version" in found
    assert column(page, "seeds")[0] == "1"


def test_what_a_link_asks_that_is_not_here_falls_back(own):
    make_method(own)
    page = open_page("tradeoff", v="1", task="no", backbone="no", y="no", methods="no", target="x", epsilon="y")
    assert not page.exception
    assert selected(page, "tradeoff_task") == "rotten_tomatoes"
    assert address_of(page)["methods"] == "DP prefix"


def test_at_most_four_methods_are_drawn_and_none_is_said(own):
    levels = ("within_layer.mode=random", "cross_model.mode=average", "cross_layer.mode=fixed")
    for settings in ((), *((f"flatness.{level}",) for level in levels), ("adapter.kind=head_only",)):
        make_method(own, *settings, seeds=(0,))
    methods = ["DP prefix", "head only", *(m for m in page_methods(open_page("tradeoff")) if "+" in m)]
    page = open_page("tradeoff", **LINK, methods=",".join(methods))
    assert "At most 4 methods are drawn at once" in texts(page)
    drawn = {name for name in column(page, "method") if not name.startswith("yours")}
    assert drawn == set(page_methods(page)[:4])
    assert len(page_methods(page)) == 5
    page = open_page("tradeoff", **LINK, methods="")
    assert not page.exception
    assert "No method is chosen." in texts(page)


def page_methods(page):
    return page.get("button_group")[0].options


def test_choices_outlive_a_visit_to_another_page(own):
    make_method(own)
    page = open_page("tradeoff", **LINK, y="loss")
    go_to(page, "runs").run()
    go_to(page, "tradeoff").run()
    assert selected(page, "tradeoff_measure") == "loss"
    assert address_of(page)["y"] == "loss"


def test_a_read_only_lab_calls_the_runs_published_and_draws_no_stars(own, monkeypatch):
    make_method(own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
    page = open_page("tradeoff")
    assert page.toggle[0].label == "Published"
    assert "stars" not in texts(page)


def test_torn_predictions_are_named_and_the_others_shown(own):
    runs = make_method(own, seeds=(0, 1))
    path = runs[0].folder / layout.ARTIFACTS / layout.PREDICTIONS
    path.write_bytes(path.read_bytes()[:40])
    page = open_page("tradeoff")
    assert "changed since it finished: artifacts/predictions.npz" in texts(page)
    assert column(page, "seeds")[0] == "1"


def test_the_python_behind_each_figure_draws_that_figure(own):
    for n, run in enumerate(make_method(own, seeds=range(2)) + make_method(own, *REPAIRED, seeds=range(2))):
        give_sharpness(own, run, 0.4 + 0.01 * n)
    page = open_page("tradeoff", **LINK)
    blocks = [block.value for block in page.code if "gather(runs" in block.value]
    assert len(blocks) == 4
    for block, chart in zip(blocks, page.get("plotly_chart"), strict=True):
        *before, last = block.strip().split("\n")
        place = {}
        exec("\n".join(before), place)
        drawn, shown = json.loads(eval(last, place).to_json())["data"], json.loads(chart.proto.spec)["data"]
        assert drawn == [trace for trace in shown if "star" not in str(trace.get("marker", {}).get("symbol"))]
        assert len(drawn) > 0


def test_a_selection_of_three_rows_on_runs_opens_here(own, monkeypatch):
    runs = [make_run(own, "finished", 3, 0.7, f"optimiser.epochs={n}") for n in (1, 2, 3)]
    page = open_page("runs", v="1", grouped="0", a=runs[0].id)
    monkeypatch.setattr("app.ui.page_runs.show_table", lambda rows, *_: [row.ids for row in rows])
    page.run()
    found = page.get("page_link")
    link = next(one for one in found if one.proto.label == "Open in Epsilon and accuracy")
    assert link.proto.page == "tradeoff"
    opened = open_page("tradeoff", **dict(parse_qsl(link.proto.query_string)))
    assert sorted(address_of(opened)["runs"].split(",")) == sorted(run.id for run in runs)
    assert "Only 3 runs that a link names." in texts(opened)


def test_what_is_drawn_is_what_was_measured(own):
    make_method(own, accuracy=0.75, seeds=(0, 1))
    make_method(own, accuracy=0.85, seeds=(0, 1), epsilon=8)
    page = open_page("tradeoff")
    chart = json.loads(page.get("plotly_chart")[0].proto.spec)
    drawn = next(trace for trace in chart["data"] if trace.get("name") == "DP prefix")
    assert (drawn["x"], drawn["y"]) == ([3, 8], pytest.approx([75.5, 85.5], abs=0.05))
    dots = next(trace for trace in chart["data"] if "seed 0" in (trace.get("text") or ""))
    assert dots["y"] == pytest.approx([75, 76, 85, 86], abs=0.05)
    for (low, high, seeds, examples, _), mean in zip(drawn["customdata"], drawn["y"], strict=True):
        assert mean - 4 < low < mean - 1
        assert mean + 1 < high < mean + 4
        assert (seeds, examples) == (2, 1706)


def test_no_button_is_filled(own):
    make_method(own)
    page = open_page("tradeoff")
    assert not [button for button in page.button if button.proto.type == "primary"]
