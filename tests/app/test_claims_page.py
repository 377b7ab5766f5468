import json
import shutil
from urllib.parse import parse_qsl

import pytest

from analysis.claims.costs import LEVELS, STORED
from app.ui import claims_data
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.store import SHIPPED, open_store
from tests.analysis.claims.made_up import CLAIMS, FRESH, make_pairs, make_run, measure_sharpness
from tests.app.pages import NOBODY, address_of, go_to, open_page, texts, use_shipped
from tests.app.pages import make_run as make_other_run

LESSONS = SHIPPED / "lessons"
SMALL = "Small model, small data: this says nothing about RoBERTa-large"


@pytest.fixture
def own(stores):
    """A store of one's own; of what is shipped, the trials of the proof."""
    lessons = stores[1] / "lessons"
    lessons.mkdir(parents=True)
    for name in ("remove_one.json", "refute_epsilon.json"):
        shutil.copy(LESSONS / name, lessons)
    return stores[0]


def headings(page):
    return [heading.value for heading in page.subheader if heading.value[0].isdigit()]


def addresses(page):
    """Of all links to Epsilon and accuracy."""
    links = [link.proto for link in page.get("page_link") if link.proto.label == "Epsilon and accuracy"]
    return [dict(parse_qsl(link.query_string)) for link in links]


def test_without_runs_every_claim_stands_with_its_rule_and_what_is_missing(own):
    page = open_page("claims")
    assert not page.exception
    assert [heading.split(".")[0] for heading in headings(page)] == [str(number) for number in range(1, 13)]
    told = texts(page)
    assert "1 fails by proof · 9 not tested yet · 2 not tested." in told
    assert SMALL in told
    assert "not tested yet (0 of 10 seeds)" in told
    assert "Rule, written on 26 November 2026, before the runs: Reproduced if" in told
    assert "“does not provide a strict DP guarantee”" in told
    assert "28.45 C (across models)" in told
    study = "studies/confirmatory.yaml"
    assert f"dpflat study run {study}\ndpflat study analyze {study} sharpness" in told
    assert "Not a claim" not in told
    assert not [element for element in page.get("html") if "role='img'" in element.proto.body]


def test_with_the_shipped_runs_the_page_stands(stores, monkeypatch):
    use_shipped(monkeypatch)
    page = open_page("claims")
    assert not page.exception
    assert len(headings(page)) == 12
    assert "xploratory: lower by more than 1 point" in texts(page)


def test_what_each_level_costs_stands_as_measured_and_nothing_where_it_is_not(stores):
    ratios = {"training": [1.2, 1.1, 1.3], "peak_mb": [1.0, 1.0, 1.0], "rounds": 3}
    place = stores[1] / "lessons" / STORED
    place.parent.mkdir(parents=True)
    replace_json(place, {"modes": dict.fromkeys(LEVELS.values(), ratios)})
    table = open_page("claims").table[0].value
    assert list(table.index) == list(LEVELS)
    assert table.iloc[0].to_dict() == {"time of a training": "1.20 (1.10 to 1.30)", "memory": "1.00", "rounds": 3}


def test_runs_that_are_there_are_judged_drawn_and_linked(own, monkeypatch):
    make_pairs(own, "DP-Flat", "DP prefix", [4.0 + 0.2 * place for place in range(10)])
    for seed in FRESH:
        for method in ("within layer", "across layers", "across models"):
            make_run(own, "fresh", method, seed, accuracy=0.7)
    page = open_page("claims")
    told = texts(page)
    assert "4.9 points higher" in told
    assert "no difference above 1 point seen" in told
    assert len([element for element in page.get("html") if "role='img'" in element.proto.body]) == 2
    links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert set(links) >= {"Runs", "Epsilon and accuracy", "Privacy"}
    address = next(address for address in addresses(page) if address["methods"] == "DP-Flat,DP prefix")
    named = address.pop("runs").split(",")
    assert len(named) == len(set(named)) == 20
    assert address == {
        "v": "1",
        "task": "rotten_tomatoes",
        "backbone": "dpflat-tiny",
        "y": "accuracy",
        "methods": "DP-Flat,DP prefix",
        "yours": "1",
        "target": "70",
        "epsilon": "3",
    }
    opened = open_page("tradeoff", **address, runs=",".join(named))
    known = {"methods": "DP prefix,DP-Flat", "epsilon": "none", "runs": ",".join(named), "readout": "linear"}
    assert address_of(opened) == {**address, **known}
    assert "cannot name" not in told
    monkeypatch.setattr("app.address.LONGEST", 100)
    page = open_page("claims")
    assert "That link cannot name 20 runs. It shows all that are there when it is opened." in texts(page)
    assert {address["runs"] for address in addresses(page)} == {"all"}


def test_a_new_analysis_is_seen_without_a_new_run(own):
    runs = [(make_run(own, "fresh", "DP prefix", s), make_run(own, "fresh", "DP-Flat", s)) for s in FRESH]
    page = open_page("claims")
    assert "37 % lower" not in texts(page)
    for place, (plain, flat) in enumerate(runs):
        measure_sharpness(plain, 0.2)
        measure_sharpness(flat, 0.1 + 0.005 * place)
    assert "% lower" in texts(page.run())


def test_trials_that_were_made_anew_are_seen_without_a_new_run(stores):
    place = stores[1] / "lessons" / "remove_one.json"
    place.parent.mkdir(parents=True)
    found = {"share_above_c": 1.0, "trials": [1.5]}
    replace_json(place, {"modes": {"cross_model:as_published": {"largest": 1.5, **found}}})
    page = open_page("claims")
    assert "by up to 1.50 C" in texts(page)
    replace_json(place, {"modes": {"cross_model:as_published": {"largest": 2.25, **found}}})
    assert "by up to 2.25 C" in texts(page.run())


@pytest.mark.parametrize("state", ["running", "failed", "lost", "stopped"])
def test_a_run_that_is_not_finished_counts_for_nothing(own, state):
    run = make_run(own, "fresh", "DP prefix", FRESH[0], state="running" if state == "lost" else state)
    if state == "lost":
        status = json.loads((run.folder / layout.STATUS).read_text())
        replace_json(run.folder / layout.STATUS, {**status, "pid": NOBODY})
    assert run.state == state
    make_other_run(own, state)
    page = open_page("claims")
    assert not page.exception
    assert "1 fails by proof · 9 not tested yet · 2 not tested." in texts(page)


def test_a_broken_folder_is_told_and_the_page_stands(own):
    make_pairs(own, "DP-Flat", "DP prefix", [0.0] * 10)
    damaged, broken = (next(own.glob(f"*-s{seed}-*")) for seed in FRESH[:2])
    (damaged / "artifacts" / "predictions.npz").write_bytes(b"broken")
    (broken / "config.json").write_text("{")
    page = open_page("claims")
    assert not page.exception
    (warning,) = page.warning
    assert f"Run '{damaged.name}' counts as missing." in warning.value
    assert "not tested yet (8 of 10 seeds)" in texts(page)


def test_a_filter_shows_only_its_verdicts_and_the_address_says_so(own):
    page = open_page("claims")
    assert address_of(page) == {"v": "1", "verdict": "all"}
    page.button_group(key="claims_verdicts").set_value(["fails by proof"]).run()
    assert [heading[:2] for heading in headings(page)] == ["9."]
    assert address_of(page) == {"v": "1", "verdict": "fails by proof"}
    assert any(code.value.endswith("?v=1&verdict=fails+by+proof") for code in page.code)


@pytest.mark.usefixtures("own")
def test_a_filter_outlives_a_visit_to_another_page():
    page = open_page("claims")
    page.button_group(key="claims_verdicts").set_value(["fails by proof"]).run()
    go_to(page, "runs").run()
    go_to(page, "claims").run()
    assert [heading[:2] for heading in headings(page)] == ["9."]
    assert address_of(page)["verdict"] == "fails by proof"


def test_a_link_opens_its_filter_and_what_it_does_not_know_is_left_out(own):
    page = open_page("claims", v="1", verdict="not tested,of another version")
    assert [heading.split(".")[0] for heading in headings(page)] == ["1", "12"]
    page = open_page("claims", v="2", verdict="nonsense")
    assert "made by another version of the lab" in texts(page)
    assert len(headings(page)) == 12


@pytest.mark.usefixtures("own")
def test_rules_that_cannot_be_read_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(claims_data, "claims_path", lambda: tmp_path / "claims.yaml")
    page = open_page("claims")
    assert not page.exception
    assert "There is no settings file" in page.warning[0].value


def test_a_read_only_lab_shows_the_same(own, monkeypatch):
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    page = open_page("claims")
    assert not page.exception
    assert len(headings(page)) == 12


def test_the_terminal_says_the_same(own_root, dpflat):
    shutil.copytree(LESSONS, open_store().lessons)
    make_pairs(own_root, "DP-Flat", "DP prefix", [4.0 + 0.2 * place for place in range(10)])
    code, told, _ = dpflat("claims")
    assert code == 0
    assert "reproduced" in told
    assert "Rules: studies/claims.yaml, written 2026-11-26." in told
    assert "mostly through fewer layers and a smaller, different head" in " ".join(told.split())  # card 5's note
    code, told, _ = dpflat("claims", "--json")
    found = json.loads(told)
    assert [card["number"] for card in found["cards"]] == list(range(1, 13))
    row = found["cards"][1]["rows"][0]
    assert row["verdict"] == "reproduced"
    assert row["mean"] == pytest.approx(4.9, abs=0.2)
    assert row["unit"] == "test accuracy, %"
    assert len(row["runs"]) == 20
    assert found["counts"] == {"fails by proof": 1, "not tested yet": 9, "not tested": 2}
    assert CLAIMS.written.isoformat() == found["written"]
