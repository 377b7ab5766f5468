"""The tab Attacks of the page Privacy, in each state it can be in."""

import json
import shutil

import numpy as np
import pytest

from analysis.attacks.results import summarise_attack
from analysis.attacks.settings import NOT_FINITE, AttacksConfig
from analysis.store import RESULT, folder_of
from app.report.page import write_file
from app.shown.stored_privacy import find_attack_figures, find_odds_figures
from app.ui import measure
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from tests.app.pages import address_of, labels, make_run, open_page, plan_run, press, texts

AUDIT = {"canaries": 200, "included": 98, "guesses": 100, "right": 90, "bound": 1.2, "ceiling": 3.1, "delta": 1e-3}
NO_SHADOWS = "The run trained on all rows."


@pytest.fixture
def own(stores):
    return stores[0]


def made_up(gap, audit=None):
    """What `result.json` holds of attacks whose members score higher by `gap`."""
    generator = np.random.default_rng(0)
    members, others = generator.normal(gap, 1, 400), generator.normal(0, 1, 1706)
    return {
        "threshold": summarise_attack(members, others, gap / 2, 0),
        "canaries": {"audit": audit} if audit else {"absent": "No canaries were planted."},
        "likelihood": {"absent": NO_SHADOWS},
    }


def measure_attacks(run, root, gap=0.0, audit=None, state="finished", parts=3, **settings):
    """Made-up attacks on a run, as their worker would have left them."""
    config = AttacksConfig(**settings)
    folder = folder_of(root, run, config)
    folder.mkdir(parents=True)
    replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
    content = dict(list(made_up(gap, audit).items())[:parts])
    if content:
        replace_json(folder / RESULT, {"run": run.id, "data": "train", "examples": 2106, "parts": content})
    for part in content:
        append_line(folder / layout.EVENTS, {"event": "part_finished", "time": 0.0, "part": part, "seconds": 1.0})
    message = "The disk is full." if state == "failed" else None
    write_status(folder, own_status(state, phase="threshold", step=30, steps=100, message=message))
    if state == "finished":
        write_manifest(folder)
    return folder


def figures(page):
    return page.get("plotly_chart")


def test_a_run_that_is_not_measured_says_what_measuring_takes_and_offers_it(own):
    plan_run(own)
    page = open_page("privacy", tab="attacks")
    assert not page.exception
    assert "Not measured for this run. " in texts(page)
    assert "outside epsilon" in texts(page)
    assert "A failed attack is not a guarantee." in texts(page)
    assert "Measure" in labels(page)
    assert figures(page) == []
    assert address_of(page)["tab"] == "attacks"


def test_the_button_starts_the_worker_and_the_command_stands_beside_it(own, monkeypatch):
    run, started = plan_run(own), []
    monkeypatch.setattr(measure.jobs, "start", lambda folder, _, worker: started.append((folder.parent.name, worker)))
    page = open_page("privacy", tab="attacks")
    assert any(code.value == f"dpflat analyze {run.id} attacks" for code in page.code)
    press(page, "Measure")
    assert started == [(run.id, "analysis.worker")]


def test_a_read_only_lab_has_the_command_alone(own, monkeypatch):
    plan_run(own)
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
    page = open_page("privacy", tab="attacks")
    assert "Measure" not in labels(page)
    assert any("attacks" in code.value for code in page.code)


def test_attacks_that_find_nothing_are_drawn_under_the_bound_and_are_no_guarantee(own):
    run = plan_run(own, "privacy.noise=secret")
    measure_attacks(run, own)
    page = open_page("privacy", tab="attacks")
    assert "The loss threshold attack finds" in texts(page)
    assert "at 1 % false alarms (bound: 7.4 %) (1 seed)" in texts(page)
    assert "These attacks found nothing. That is not a guarantee." in texts(page)
    assert "an illustration" in texts(page)
    assert NO_SHADOWS in texts(page)
    assert "No canaries were planted." in texts(page)
    assert len(figures(page)) == 1


@pytest.mark.parametrize(("gap", "words"), [(0.0, "These attacks found nothing."), (1.0, "A failed attack is not a")])
def test_a_file_with_figures_of_attacks_says_under_each_that_failing_is_no_guarantee(own, gap, words):
    run = plan_run(own, "data.canaries=200")
    measure_attacks(run, own, gap=gap, audit=AUDIT | {"bound": 0.0})
    curves, audit = find_attack_figures({"A": run}, own).figures
    assert words in write_file([curves])
    assert "A failed attack is not a guarantee." in write_file([audit])


def test_a_file_with_a_figure_of_odds_says_who_the_ideal_attacker_is_and_the_caveat(own):
    shown = find_odds_figures({"A": plan_run(own)}).figures
    assert [figure.key for figure in shown] == ["odds_guesses", "odds_members", "odds_epsilons"]
    for figure in shown:
        text = write_file([figure])
        assert "The ideal attacker knows every other example" in text
        assert "The caveat: as if the noise seed were secret." in text


@pytest.mark.parametrize("ran", [True, False])
def test_the_terminal_says_that_attacks_found_nothing_only_where_any_ran(own, dpflat, ran):
    run = plan_run(own)
    folder = measure_attacks(run, own)
    if not ran:
        content = json.loads((folder / RESULT).read_text())
        content["parts"]["threshold"] = {"absent": NOT_FINITE}
        replace_json(folder / RESULT, content)
        write_manifest(folder)
    code, _, told = dpflat("analyze", run.id, "attacks")
    said = " ".join(told.split())
    assert code == 0
    assert ("These attacks found nothing. That is not a guarantee." in said) == ran
    assert ("A failed attack is not a guarantee." in said) == (not ran)
    assert (NOT_FINITE in said) == (not ran)


def test_an_attack_that_finds_something_is_not_said_to_have_failed(own):
    measure_attacks(plan_run(own), own, gap=1.0)
    shown = texts(open_page("privacy", tab="attacks"))
    assert "These attacks found nothing" not in shown
    assert "A failed attack is not a guarantee." in shown
    assert "The caveat: as if the noise seed were secret." in shown


def test_a_table_has_intervals_and_leaves_out_what_rests_on_too_few_rows(own):
    measure_attacks(plan_run(own), own, gap=1.0)
    table = open_page("privacy", tab="attacks").dataframe[-1].value
    assert table["attack"].tolist() == ["loss threshold"]
    assert table["found at 0.1 %"].tolist() == ["too few rows"]
    assert "[" in table["area (AUC)"][0]
    assert "[" in table["found at 1 %"][0]
    assert table["members, others"].tolist() == ["400 and 1,706"]
    assert table["shadow runs"].tolist() == ["none"]


@pytest.mark.parametrize("noiseless", [True, False])
def test_without_a_guarantee_there_is_no_bound_to_draw(own, noiseless):
    read = LedgerEntry(step="1", touched="t", mechanism="a pull", entry_class=EntryClass.BREAKING)
    run = plan_run(own, *(["privacy.kind=none"] if noiseless else []), more=() if noiseless else (read,))
    measure_attacks(run, own, gap=1.0)
    shown = texts(open_page("privacy", tab="attacks"))
    assert "(bound:" not in shown
    assert "No upper limit can be stated." in shown


def test_the_odds_of_a_run_without_a_guarantee_are_what_was_measured_instead(own):
    run = plan_run(own, "privacy.kind=none", "data.canaries=200")
    assert "is not measured yet: see Attacks." in texts(open_page("privacy", tab="odds"))
    measure_attacks(run, own, gap=1.0, audit=AUDIT)
    page = open_page("privacy", tab="odds")
    assert "No upper limit can be stated." in texts(page)
    assert "The loss threshold attack finds" in texts(page)
    assert "Measured at least 1.20 (95 %); nothing was claimed." in texts(page)
    assert figures(page) == []


def test_canaries_that_refute_the_claim_say_so_with_their_ceiling(own):
    run = plan_run(own, "privacy.epsilon=1", "data.canaries=200")
    measure_attacks(run, own, audit=AUDIT)
    page = open_page("privacy", tab="attacks")
    assert "Measured at least 1.20 (95 %), claimed 1.00: refuted at 95 %" in texts(page)
    assert "200 canaries with 100 guesses cannot show more than 3.10." in texts(page)
    assert "at delta = 1.0e-3 · 90 of 100 guesses right" in texts(page)
    assert len(figures(page)) == 2


def test_shadow_runs_that_came_later_are_offered_and_what_was_measured_stands(own):
    run = plan_run(own)
    measure_attacks(run, own, gap=1.0)
    for seed in (1, 2):
        other = plan_run(own, f"seed={seed}")
        (other.folder / layout.ARTIFACTS / layout.WEIGHTS).touch()
    page = open_page("privacy", tab="attacks", a=run.id)
    assert "Not measured for this run with 2 shadow runs." in texts(page)
    assert any(code.value == f"dpflat analyze {run.id} attacks --set shadows=2" for code in page.code)
    assert len(figures(page)) == 1


def test_shadow_runs_are_offered_when_they_are_as_many_as_the_default_looks_at(own):
    run = plan_run(own)
    measure_attacks(run, own, gap=1.0)
    for seed in range(1, AttacksConfig().shadows + 1):
        other = plan_run(own, f"seed={seed}")
        (other.folder / layout.ARTIFACTS / layout.WEIGHTS).touch()
    page = open_page("privacy", tab="attacks", a=run.id)
    assert "Not measured for this run with 16 shadow runs." in texts(page)
    assert any(code.value == f"dpflat analyze {run.id} attacks --set shadows=17" for code in page.code)


def test_shadow_runs_that_were_looked_at_are_not_offered_again_whatever_became_of_them(own):
    run = plan_run(own)
    shadows = [plan_run(own, f"seed={seed}") for seed in (1, 2)]
    for other in shadows:
        (other.folder / layout.ARTIFACTS / layout.WEIGHTS).touch()
    folder = measure_attacks(run, own, gap=1.0)
    content = json.loads((folder / RESULT).read_text())
    content["parts"]["likelihood"] |= {"tried": [r.id for r in shadows], "left_out": {shadows[0].id: "it diverged"}}
    replace_json(folder / RESULT, content)
    write_manifest(folder)
    page = open_page("privacy", tab="attacks", a=run.id)
    assert "Not measured for this run" not in texts(page)
    assert f"Left out of the shadow runs: {shadows[0].id}, it diverged." in texts(page)


def test_what_looked_at_every_shadow_run_stands_although_one_of_them_is_gone(own):
    run = plan_run(own)
    shadows = [plan_run(own, f"seed={seed}") for seed in range(1, 6)]
    for other in shadows:
        (other.folder / layout.ARTIFACTS / layout.WEIGHTS).touch()
    measure_attacks(run, own, gap=1.0)
    part = made_up(1.0)["threshold"] | {"tried": [other.id for other in shadows], "shadows": [shadows[0].id]}
    folder = measure_attacks(run, own, gap=1.0, shadows=5)
    content = json.loads((folder / RESULT).read_text())
    content["parts"]["likelihood"] = part
    replace_json(folder / RESULT, content)
    write_manifest(folder)
    shutil.rmtree(shadows[4].folder)
    page = open_page("privacy", tab="attacks", a=run.id)
    assert "Not measured for this run" not in texts(page)
    assert page.dataframe[-1].value["attack"].tolist() == ["loss threshold", "likelihood ratio"]


def test_power_is_told_from_runs_without_privacy_that_are_otherwise_the_same(own):
    run = plan_run(own)
    measure_attacks(run, own)
    link = {"tab": "attacks", "a": run.id}
    assert "Loss threshold: not yet tried on another run without privacy" in texts(open_page("privacy", **link))
    longer = plan_run(own, "privacy.kind=none", "optimiser.epochs=9")
    measure_attacks(longer, own, gap=1.0)
    shown = texts(open_page("privacy", **link))
    assert "finds something in the one other run without privacy, with other settings; with these settings it" in shown
    weak = plan_run(own, "privacy.kind=none")
    measure_attacks(weak, own)
    shown = texts(open_page("privacy", **link))
    assert "finds nothing in the one other run like this one, without privacy. It has shown no power here." in shown
    strong = plan_run(own, "privacy.kind=none", "seed=1")
    measure_attacks(strong, own, gap=1.0)
    shown = texts(open_page("privacy", **link))
    assert "Loss threshold: finds something in 1 of 2 other runs like this one, without privacy." in shown
    itself = texts(open_page("privacy", tab="attacks", a=strong.id))
    assert "Loss threshold: finds nothing in the one other run like this one, without privacy." in itself


def test_the_power_of_canaries_is_told_although_no_row_took_part_with_its_own_label(own):
    run = plan_run(own, "data.canaries=200")
    folder = measure_attacks(run, own, audit=AUDIT)
    content = json.loads((folder / RESULT).read_text())
    content["parts"]["threshold"] = {"absent": "Every training row is a canary."}
    replace_json(folder / RESULT, content)
    write_manifest(folder)
    assert "Canaries: not yet tried on another run without privacy" in texts(
        open_page("privacy", tab="attacks", a=run.id)
    )


def test_a_run_that_is_not_measured_is_beside_shipped_ones_that_are(stores):
    own, shipped = stores
    run = plan_run(own)
    attacked = [
        plan_run(shipped, *settings)
        for settings in (["privacy.kind=none"], ["seed=2"], ["seed=1"], ["seed=3", "data.canaries=200"])
    ]
    for other in attacked:
        measure_attacks(other, shipped)
    page = open_page("privacy", tab="attacks", a=run.id)
    assert "Measured already" in texts(page)
    named = [link.proto.query_string for link in page.get("page_link") if "tab=attacks" in link.proto.query_string]
    assert [attacked[2].id in named[0], attacked[3].id in named[1], len(named)] == [True, True, 2]


def test_without_runs_of_ones_own_the_page_begins_with_the_shipped_dp_prefix(stores):
    shipped = stores[1]
    wanted = plan_run(shipped, "privacy.epsilon=3", "backbone.name=dpflat-tiny")
    plan_run(shipped, "privacy.epsilon=3", "backbone.name=dpflat-tiny", "seed=1")
    plan_run(shipped, "privacy.kind=none", "backbone.name=dpflat-tiny")
    assert address_of(open_page("privacy"))["a"] == wanted.id


@pytest.mark.parametrize(("state", "button"), [("stopped", "Continue"), ("failed", "Try again")])
def test_what_ended_early_keeps_its_parts_and_can_go_on(own, state, button):
    measure_attacks(plan_run(own), own, state=state, parts=1)
    page = open_page("privacy", tab="attacks")
    assert f"{state}; 1 of 3 parts are measured and kept" in texts(page)
    assert button in labels(page)
    assert len(figures(page)) == 1


def test_while_it_is_measured_there_is_a_bar_and_stop(own):
    measure_attacks(plan_run(own), own, state="running", parts=0)
    page = open_page("privacy", tab="attacks")
    assert "losses of members and test rows" in texts(page)
    assert "Stop" in labels(page)
    assert figures(page) == []


def test_a_run_that_is_not_finished_cannot_be_attacked(own):
    make_run(own, "stopped")
    page = open_page("privacy", tab="attacks")
    assert "This run is stopped. Attacks are measured on finished runs." in texts(page)


def test_a_damaged_result_is_told_and_the_page_stands(own):
    folder = measure_attacks(plan_run(own), own)
    content = json.loads((folder / RESULT).read_text())
    del content["parts"]["threshold"]["area"]
    replace_json(folder / RESULT, content)
    page = open_page("privacy", tab="attacks")
    assert not page.exception
    assert any("result.json" in str(warning.value) for warning in page.warning)


def test_the_python_behind_each_figure_runs_as_it_stands(own):
    measure_attacks(plan_run(own, "data.canaries=200"), own, gap=1.0, audit=AUDIT)
    snippets = [code.value for code in open_page("privacy", tab="attacks").code if "import" in code.value]
    assert len(snippets) == 2
    for snippet in snippets:
        *_, last = snippet.strip().splitlines()
        names = {}
        exec(snippet.replace(last, f"figure = {last}"), names)
        assert names["figure"].to_dict()["data"]
