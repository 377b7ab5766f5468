import json

import pytest

from app.ui import measure
from dpflat.catalog import BACKBONES
from dpflat.execution import jobs
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from tests.app.landscape import (
    keep_all,
    keep_analysis,
    made_up_curvature,
    made_up_lines,
    made_up_plane,
    made_up_trust,
    made_up_way,
)
from tests.app.pages import address_of, give_layers, labels, make_run, open_page, press, texts


@pytest.fixture
def own(stores):
    return stores[0]


def white_box(own, *settings, removed=()):
    return give_layers(make_run(own, "finished", 3, 0.75, *settings), 6, removed)


def open_tab(a, b=None, **more):
    return open_page("landscape", v="1", a=a.id, b=b.id if b else "none", **more)


def code_of(page):
    return [block.value for block in page.code if "find_or_measure" in block.value]


def test_a_store_without_prefixes_says_so(own):
    make_run(own, "finished", 3, 0.75, "adapter.kind=head_only")
    assert "No finished run has prefixes in its layers yet." in texts(open_page("landscape"))


def test_a_run_that_is_not_measured_offers_each_question_with_cost_and_command(own):
    run = white_box(own)
    page = open_tab(run)
    assert texts(page).count("Not measured for A.") == 2
    assert "reads the held-out split (outside epsilon)" in texts(page)
    assert f"dpflat analyze {run.id} lines" in texts(page)
    assert f"dpflat analyze {run.id} plane" in texts(page)
    assert f"dpflat analyze {run.id} curvature" in texts(open_tab(run, tab="curvature"))
    assert f"dpflat analyze {run.id} trust" in texts(open_tab(run, tab="trust"))


def test_the_button_starts_a_worker_with_the_settings_of_the_page(own, monkeypatch):
    run = white_box(own)
    started = []
    monkeypatch.setattr(measure.jobs, "start", lambda folder, store, module: started.append((folder, module)))
    page = open_tab(run, tab="curvature", head="in", count="10")
    press(page, "Measure")
    ((folder, module),) = started
    config = json.loads((folder / layout.CONFIG).read_text())
    assert module == "analysis.worker"
    assert (config["kind"], config["head"], config["count"]) == ("curvature", True, 10)


def test_a_read_only_lab_shows_the_command_in_place_of_the_button(own, monkeypatch):
    run = white_box(own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
    page = open_tab(run)
    assert "Measure" not in labels(page)
    assert f"dpflat analyze {run.id} lines" in texts(page)


def test_every_tab_says_what_it_found_of_a_and_b_and_that_it_is_one_seed(own):
    a, b = white_box(own), white_box(own)
    keep_all(a, own)
    keep_all(b, own, 2.0)
    slices = texts(open_tab(a, b))
    assert "noise lengths out the loss changes by 0.00835 (A) and 0.0167 (B) nats on average (1 seed)" in slices
    assert "Over this plane the loss changes by 0 to 8 (A) and 0 to 16 (B) nats (1 seed)" in slices
    curvature = texts(open_tab(a, b, tab="curvature"))
    assert "The largest eigenvalue is 1.5 (A) and 3 (B) (1 seed)" in curvature
    assert "by itself the head has the largest eigenvalue 24.8, the steepest layer 0.6" in curvature
    trust = texts(open_tab(a, b, tab="trust"))
    assert "In 0 of 20 random planes B rises less than A" in trust
    assert "A: a grid twice as fine reads 0.012 instead of 0.011 nats in the first plane." in trust


def test_runs_without_a_common_ruler_are_shown_each_on_its_own_with_the_reason(own):
    a, b = white_box(own), white_box(own, "adapter.length=4")
    keep_all(a, own)
    keep_all(b, own)
    for tab in ("slice", "curvature", "trust"):
        page = open_tab(a, b, tab=tab)
        assert not page.exception
        assert "Each on its own ruler. prefix length: 8 against 4." in texts(page)


def test_planes_that_disagree_say_that_the_answer_depends_on_the_plane(own):
    a, b = white_box(own), white_box(own)
    keep_analysis(a, own, {"kind": "trust"}, made_up_trust(0.0, top=0.03))
    keep_analysis(b, own, {"kind": "trust"}, made_up_trust(-0.001, top=0.05))
    found = texts(open_tab(a, b, tab="trust"))
    assert "In 20 of 20 random planes B rises less than A; in the top-Hessian plane more: the answer depends" in found
    assert "a plane needs 2" in found


def test_an_eigenvalue_that_has_not_converged_has_no_number(own):
    run = white_box(own)
    keep_analysis(run, own, {"kind": "curvature"}, made_up_curvature(top=None))
    assert "The largest eigenvalue is not converged (1 seed)" in texts(open_tab(run, tab="curvature"))


def test_curvature_that_was_stopped_shows_the_parts_it_has_and_says_that_more_are_to_come(own):
    run = white_box(own)
    content = made_up_curvature()
    ball = content["parts"]["ball"]
    content["parts"] = {name: content["parts"][name] for name in ("eigenvalues", "trace", "blocks")} | {
        "ball": ball | {"draws": 60, "complete": False}
    }
    keep_analysis(run, own, {"kind": "curvature"}, content, state="stopped")
    page = open_tab(run, tab="curvature")
    assert "Mean rise under noise, draws: 60 so far" in texts(page)
    assert "blocks: 7" in texts(page)
    assert "Density of all eigenvalues" not in texts(page)
    assert "stopped; 3 of 5 parts are measured and kept" in texts(page)
    assert "Continue" in labels(page)


def test_a_rise_without_a_place_on_the_axes_is_told_on_the_page(own):
    run = white_box(own)
    content = made_up_curvature()
    content["parts"]["ball"]["rows"][0]["mean"] = -1e-6
    keep_analysis(run, own, {"kind": "curvature"}, content)
    assert "A: 1 of 5 sizes of noise are not drawn" in texts(open_tab(run, tab="curvature"))


def test_more_eigenvalues_are_offered_at_the_cost_of_what_is_missing_and_start_with_the_other_parts(own, monkeypatch):
    run = white_box(own)
    keep_analysis(run, own, {"kind": "curvature"}, made_up_curvature())
    monkeypatch.setattr(measure.jobs, "start", lambda folder, store, module: None)
    page = open_tab(run, tab="curvature", count="10")
    assert "(4 of 5 parts are measured already)" in texts(page)
    kept = BACKBONES[run.config.backbone.name].memory_gb[run.config.backbone.dtype]
    assert f", {kept + 0.6:.2g} GB; reads the held-out split" in texts(page)
    press(page, "Measure")
    page = open_tab(run, tab="curvature", count="10")
    assert "Mean rise under noise, draws: 200" in texts(page)
    assert "The largest eigenvalue" not in texts(page)


def test_a_plane_that_was_stopped_is_drawn_as_far_as_it_goes_and_can_go_on(own):
    run = white_box(own)
    keep_analysis(run, own, {"kind": "lines"}, made_up_lines())
    keep_analysis(run, own, {"kind": "plane"}, made_up_plane(done=False), state="stopped")
    page = open_tab(run)
    assert "121 of 441 points" in texts(page)
    assert "Continue" in labels(page)


def test_a_plane_without_all_its_coarse_points_is_not_drawn_yet(own):
    run = white_box(own)
    content = made_up_plane(done=False)
    content["parts"]["grid"]["loss"][10][10] = content["parts"]["grid"]["accuracy"][10][10] = None
    keep_analysis(run, own, {"kind": "plane"}, content, state="stopped")
    page = open_tab(run)
    assert not page.exception
    assert "Over this plane" not in texts(page)
    assert "Continue" in labels(page)


def test_a_choice_of_one_tab_outlives_a_visit_to_another(own):
    run = white_box(own)
    keep_all(run, own)
    page = open_tab(run, tab="curvature", count="10")
    next(c for c in page.get("button_group") if c.label == "Question").set_value("slice").run()
    next(c for c in page.get("button_group") if c.label == "Question").set_value("curvature").run()
    assert address_of(page)["count"] == "10"


def test_two_questions_of_one_kind_under_way_stand_beside_each_other(own):
    a, b = white_box(own), white_box(own)
    keep_analysis(a, own, {"kind": "lines"}, made_up_lines(), state="running")
    way = {"kind": "lines", "toward": b.id, "points": 25, "head": True}
    keep_analysis(a, own, way, made_up_way(), state="running")
    assert not open_tab(a, b).exception


def test_damaged_curvature_does_not_take_the_slice_down(own):
    run = white_box(own)
    keep_all(run, own)
    folder = keep_analysis(run, own, {"kind": "curvature", "head": True}, made_up_curvature())
    replace_json(folder / "result.json", {"parts": {}})
    keep_analysis(run, own, {"kind": "lines", "head": True}, made_up_lines())
    keep_analysis(run, own, {"kind": "trust", "head": True}, made_up_trust())
    for tab in ("slice", "trust"):
        page = open_tab(run, tab=tab, head="in")
        assert not page.exception


def test_between_runs_with_the_same_layers_the_barrier_is_told_and_with_others_why_there_is_none(own):
    a, b, fewer = white_box(own), white_box(own), white_box(own, removed=(5,))
    keep_analysis(a, own, {"kind": "lines", "toward": b.id, "points": 25, "head": True}, made_up_way())
    assert "Between A and B the loss lies at most 0.02 nats above" in texts(open_tab(a, b))
    assert "No line leads from A to B" in texts(open_tab(a, fewer))


def test_a_path_plane_says_how_much_of_the_path_it_holds(own):
    run = white_box(own)
    content = made_up_plane(path=[[1.0, 0.0], [0.5, 0.2]], share=0.61)
    keep_analysis(run, own, {"kind": "plane", "plane": "path"}, content)
    assert "it holds 61 % of the kept path" in texts(open_tab(run, plane="path"))


def test_a_path_plane_says_what_a_random_walk_would_give(own):
    run = white_box(own)
    content = made_up_plane(path=[[1.0, 0.0], [0.5, 0.2], [0.3, 0.1]], share=0.61, shares=[0.5, 0.11])
    keep_analysis(run, own, {"kind": "plane", "plane": "path"}, content)
    told = texts(open_tab(run, plane="path"))
    assert "A: of the squared distances of 3 kept points from these weights this plane holds 61 %." in told
    assert "A random walk of 3 equal steps in many dimensions has 95 % in two principal components" in told


def test_the_switch_of_the_surface_and_the_rescaling_are_in_the_address_and_come_from_it(own):
    run = white_box(own)
    keep_all(run, own)
    assert address_of(open_tab(run))["surface"] == "off"
    page = open_tab(run, surface="on")
    assert address_of(page)["surface"] == "on"
    assert next(toggle for toggle in page.toggle if toggle.label == "Draw it").value
    page = open_tab(run, tab="trust", scale="2")
    assert address_of(page)["scale"] == "2"
    assert "with s = 2 the largest eigenvalue" in texts(page)
    assert address_of(open_tab(run, tab="trust", scale="3"))["scale"] == "1"


def test_rows_of_zeros_are_told(own):
    run = white_box(own)
    keep_analysis(run, own, {"kind": "plane"}, made_up_plane(zero_rows=3))
    assert "3 rows of zeros move as far as usual ones" in texts(open_tab(run))


def test_the_address_holds_the_whole_state_and_restores_it(own):
    run = white_box(own)
    keep_all(run, own)
    page = open_tab(run, tab="slice", plane="hessian", measure="accuracy", head="in", step="0")
    wanted = {"tab": "slice", "plane": "hessian", "measure": "accuracy", "head": "in", "step": "0", "rows": "test"}
    assert wanted.items() <= address_of(page).items()
    assert "plane=hessian" in texts(page)


@pytest.mark.parametrize("nonsense", [{"tab": "x"}, {"plane": "x"}, {"step": "7"}, {"step": "-1"}, {"rows": "../x"}])
def test_nonsense_in_a_link_is_left_aside(own, nonsense):
    run = white_box(own)
    keep_all(run, own)
    page = open_tab(run, **nonsense)
    assert not page.exception
    assert address_of(page)["tab"] == "slice"


def test_a_damaged_result_is_told_and_the_page_stands(own):
    run = white_box(own)
    keep_all(run, own)
    folder = keep_analysis(run, own, {"kind": "plane", "plane": "isotropic"}, made_up_plane())
    replace_json(folder / "result.json", {"parts": {"axes": {}, "grid": {"loss": "x"}}})
    page = open_tab(run, plane="isotropic")
    assert not page.exception
    assert "is damaged" in texts(page) or "result.json" in texts(page)


@pytest.mark.parametrize("state", ["running", "lost", "failed"])
def test_an_analysis_that_is_not_finished_says_its_state(own, state):
    run = white_box(own)
    written = "running" if state == "lost" else state
    folder = keep_analysis(run, own, {"kind": "trust"}, made_up_trust(), state=written)
    if state == "lost":
        replace_json(folder / layout.STATUS, {**json.loads((folder / layout.STATUS).read_text()), "pid": 999_999_999})
    found = texts(open_tab(run, tab="trust"))
    assert ("Measuring A" in found) or (state in found)
    assert "Over 20 planes the reading goes from" in found


def test_the_python_behind_every_figure_runs_as_it_stands(own, monkeypatch):
    monkeypatch.setenv("DPFLAT_RUNS", str(own))
    a, b = white_box(own), white_box(own)
    for run in (a, b):
        keep_all(run, own)
    keep_analysis(a, own, {"kind": "lines", "toward": b.id, "points": 25, "head": True}, made_up_way())
    blocks = [code for tab in ("slice", "curvature", "trust") for code in code_of(open_tab(a, b, tab=tab))]
    assert len(blocks) == 8
    for code in blocks:
        *body, call = code.strip().splitlines()
        scope: dict = {}
        exec("\n".join([*body, f"figure = {call}"]), scope)
        assert scope["figure"].data


def test_the_page_starts_nothing_by_itself(own, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "start", lambda *given: started.append(given))
    page = open_tab(white_box(own))
    assert not page.exception
    assert started == []
