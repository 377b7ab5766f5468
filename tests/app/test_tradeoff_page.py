"""The page Epsilon and accuracy: what is pooled, what is left out, what is not measured, links."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dpflat.runs import layout
from tests.app.landscape import keep_analysis, made_up_curvature
from tests.app.pages import address_of, column, make_run, measure_layers, open_page, press, texts

FLAT = "flatness.cross_model.mode=average"
REPAIRED = (
    "flatness.within_layer.mode=previous_noisy",
    "flatness.cross_layer.mode=exponential",
    "flatness.cross_model.mode=average",
)
LINK = {"v": "1", "task": "rotten_tomatoes", "backbone": "random_tiny"}


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


def test_runs_with_other_settings_are_left_out_by_name_and_never_pooled(own):
    make_method(own, accuracy=0.75, seeds=(0, 1, 2))
    make_method(own, "optimiser.head_learning_rate=0.5", accuracy=0.6)
    page = open_page("tradeoff")
    assert "2 runs left out: other head learning rate." in texts(page)
    means = column(page, "test accuracy")
    assert means[0] == "76.0 %"
    stars = [name for name in column(page, "method") if name.startswith("yours")]
    assert sum("other head learning rate" in name for name in stars) == 2
    assert "All pooled runs have" in texts(page)


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


def give_sharpness(root, run, value):
    """A made-up analysis of layers in which all prefixes together have a sharpness."""
    folder = measure_layers(run, root)
    content = json.loads((folder / "result.json").read_text())
    content["parts"]["whole"] = {"measures": {"box": {"value": value, "spread": 0.01, "entries": 2048}}}
    (folder / "result.json").write_text(json.dumps(content))


def test_sharpness_is_compared_by_ratio_over_seeds_and_beside_accuracy(own):
    for n, run in enumerate(make_method(own, seeds=range(4))):
        give_sharpness(own, run, 0.4 + 0.01 * n)
    for n, run in enumerate(make_method(own, *REPAIRED, accuracy=0.72, seeds=range(3))):
        give_sharpness(own, run, 0.2 + 0.006 * n)
    page = open_page("tradeoff", **LINK, y="sharpness")
    found = texts(page)
    assert "At epsilon 3 sharpness of DP-Flat is 50 % lower than that of DP prefix" in found
    assert "intervals over seeds only (Student's t)" in found
    assert "shaded: ±10 %, less than matters" in found
    assert "n = 7 runs of 2 methods, mixed at epsilon 3" in found
    assert "Methods are mixed" in found
    assert "(3 runs" not in found


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


def test_a_link_names_what_is_missing_and_what_is_not_finished(own):
    running = make_run(own, "running")
    run = make_method(own, seeds=(0,))[0]
    page = open_page("tradeoff", v="9", runs=f"gone,{running.id},{run.id}")
    found = texts(page)
    assert "Run `gone` is not in this store." in found
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
    assert len(set(column(page, "method"))) <= 4 + len(methods) + 1
    page = open_page("tradeoff", **LINK, methods="")
    assert not page.exception
    assert "No method is chosen." in texts(page)


def page_methods(page):
    return page.get("button_group")[0].options


def test_choices_outlive_a_visit_to_another_page(own):
    make_method(own)
    page = open_page("tradeoff", **LINK, y="loss")
    page.switch_page("views/runs.py").run()
    page.switch_page("views/tradeoff.py").run()
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
    assert "unreadable: predictions.npz" in texts(page)
    assert column(page, "seeds")[0] == "1"


def test_the_python_behind_each_figure_draws_that_figure(own, stores, monkeypatch):
    for n, run in enumerate(make_method(own, seeds=range(2)) + make_method(own, *REPAIRED, seeds=range(2))):
        give_sharpness(own, run, 0.4 + 0.01 * n)
    monkeypatch.setattr("dpflat.runs.store.layout.shipped_root", lambda: stores[1])
    page = open_page("tradeoff", **LINK)
    blocks = [block.value for block in page.code if "gather(runs" in block.value]
    assert len(blocks) == 4
    for block in blocks:
        *before, last = block.strip().split("\n")
        place = {}
        exec("\n".join(before), place)
        assert len(eval(last, place).data) > 0


def test_a_selection_of_three_rows_on_runs_opens_here(own, monkeypatch):
    runs = [make_run(own, "finished", 3, 0.7, f"optimiser.epochs={n}") for n in (1, 2, 3)]
    page = open_page("runs", v="1", grouped="0", a=runs[0].id)
    monkeypatch.setattr("app.ui.page_runs.show_table", lambda rows, *_: [row.ids for row in rows])
    page.run()
    found = page.get("page_link")
    link = next(one for one in found if one.proto.label == "Open in Epsilon and accuracy")
    assert link.proto.page == "tradeoff" or "tradeoff" in str(link.proto)
    assert all(run.id in link.proto.query_string for run in runs)


def test_what_is_drawn_is_what_was_measured(own):
    make_method(own, accuracy=0.75, seeds=(0, 1))
    page = open_page("tradeoff")
    assert isinstance(page, AppTest)
    chart = json.loads(page.get("plotly_chart")[0].proto.spec)
    drawn = next(trace for trace in chart["data"] if trace.get("name") == "DP prefix")
    shown = drawn["y"] if isinstance(drawn["y"], list) else np.frombuffer(_decode(drawn["y"]["bdata"]))
    assert shown[0] == pytest.approx(75.5, abs=0.05)


def _decode(text):
    import base64

    return base64.b64decode(text)


def test_no_button_is_filled(own):
    make_method(own)
    page = open_page("tradeoff")
    assert not [button for button in page.button if button.proto.type == "primary"]
