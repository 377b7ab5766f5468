"""The tab In odds of the page Privacy, in each state a run can be in."""

import json

import pytest

from app.terminal.odds import describe_run_odds
from dpflat.errors import ChangedError
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs.files import replace_json
from dpflat.runs.layout import LEDGER
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from tests.app.pages import address_of, make_run, open_page, plan_run, texts


@pytest.fixture
def own(stores):
    return stores[0]


def figures(page):
    return page.get("plotly_chart")


def test_a_run_with_a_guarantee_has_an_upper_limit_beside_a_coin(own):
    plan_run(own, "privacy.noise=secret", "privacy.accountant=rdp")
    page = open_page("privacy", tab="odds")
    assert not page.exception
    assert (
        "An ideal attacker who sees the weights guesses right at most 595 times in 1,000; a coin gets 500"
    ) in texts(page)
    assert "With 5 false alarms in 100 the attacker finds at most 16 members in 100; a coin finds 5" in texts(page)
    assert (
        "With the same steps at epsilons 1, 3, 8 the attacker is right at most 552, 595, 660 times in 1,000"
        in texts(page)
    )
    assert "by itself would allow 953 right guesses in 1,000" in texts(page)
    assert "The caveat" not in texts(page)
    assert len(figures(page)) == 3


def test_a_nominal_run_says_its_condition(own):
    plan_run(own)
    shown = texts(open_page("privacy", tab="odds"))
    assert "(with a caveat); a coin gets 500" in shown
    assert "The caveat: as if the noise seed were secret." in shown


def test_more_false_alarms_find_more_and_stand_in_the_address(own):
    run = plan_run(own, "privacy.accountant=rdp")
    page = open_page("privacy", tab="odds", alarms="1")
    assert (
        "With 1 false alarm in 100 the attacker finds at most 6 members in 100 (with a caveat); a coin finds 1"
        in texts(page)
    )
    page.segmented_control[0].set_value(10).run()
    assert "With 10 false alarms in 100 the attacker finds at most 25 members in 100" in texts(page)
    assert address_of(page) == {"v": "1", "a": run.id, "tab": "odds", "alarms": "10"}


def test_a_false_alarm_rate_that_is_not_offered_becomes_the_default(own):
    plan_run(own)
    assert "With 5 false alarms in 100" in texts(open_page("privacy", tab="odds", alarms="nonsense"))


@pytest.mark.parametrize("noiseless", [True, False])
def test_a_run_without_a_guarantee_has_no_arrays(own, noiseless):
    read = LedgerEntry(step="1", touched="t", mechanism="a pull", entry_class=EntryClass.BREAKING)
    plan_run(own, *(["privacy.kind=none"] if noiseless else []), more=() if noiseless else (read,))
    page = open_page("privacy", tab="odds")
    assert "No upper limit can be stated." in texts(page)
    assert "No guarantee" in texts(page)
    assert figures(page) == []


def understate(run):
    """The run with a smaller epsilon in its ledger, and checksums that fit."""
    replace_json(run.folder / LEDGER, run.ledger.model_dump(mode="json") | {"epsilon": 0.1})
    write_manifest(run.folder)
    return Run(run.folder)


def test_a_ledger_that_does_not_fit_its_settings_is_told(own):
    understate(make_run(own))
    page = open_page("privacy", tab="odds")
    assert "states another epsilon than the 3 that its settings give" in texts(page)
    assert figures(page) == []


def test_the_guarantee_is_there_when_one_comes_back_to_it(own):
    plan_run(own, "privacy.noise=secret")
    page = open_page("privacy", tab="odds")
    assert "covers the trained weights" not in texts(page)
    page.query_params["tab"] = "guarantee"
    assert "covers the trained weights" in texts(page.run())


def test_the_terminal_has_the_same_in_one_line(own):
    for accountant, right in (("rdp", 595), ("rdp_or_pld", 613)):
        run = plan_run(own, "privacy.noise=secret", f"privacy.accountant={accountant}")
        assert describe_run_odds(run) == (
            f"An ideal attacker who sees the weights guesses right at most {right} times in 1,000; a coin gets 500."
        )
    assert describe_run_odds(plan_run(own, "privacy.kind=none")) == "No upper limit can be stated."
    with pytest.raises(ChangedError, match="no guarantee is stated"):
        describe_run_odds(understate(make_run(own)))


def test_the_python_behind_each_figure_draws_that_figure(own):
    plan_run(own)
    page = open_page("privacy", tab="odds", alarms="10")
    snippets = [code.value for code in page.code if "import" in code.value]
    shown = [json.loads(figure.proto.spec)["layout"]["annotations"] for figure in figures(page)]
    assert len(snippets) == len(shown) == 3
    for snippet, annotations in zip(snippets, shown, strict=True):
        *_, last = snippet.strip().splitlines()
        names = {}
        exec(snippet.replace(last, f"figure = {last}"), names)
        assert [note.text for note in names["figure"].layout.annotations] == [note["text"] for note in annotations]
