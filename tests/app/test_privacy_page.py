import pytest

from app.budget import compose_store
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from dpflat.runs.store import Store
from tests.app.pages import address_of, make_run, open_page, texts


@pytest.fixture
def own(stores):
    return stores[0]


def entry(kind, mechanism="m", epsilon=None):
    because = mechanism if kind == EntryClass.BREAKING else None
    return LedgerEntry(
        step="1", touched="t", mechanism=mechanism, entry_class=kind, epsilon_alone=epsilon, because=because
    )


def add_to_ledger(run, *entries):
    replace_json(run.folder / layout.LEDGER, run.ledger.add(*entries).model_dump(mode="json"))
    write_manifest(run.folder)


def test_an_empty_store_says_how_to_begin(own):
    assert "No runs of your own yet." in texts(open_page("privacy"))


def test_a_run_has_its_sentence_its_ledger_and_what_all_runs_promise_together(own):
    run = make_run(own)
    page = open_page("privacy")
    assert "epsilon = 3.00 at delta = 3.0e-3" in texts(page)
    assert "● in epsilon" in page.table[0].value["class"].tolist()
    assert address_of(page)["a"] == run.id
    assert "One run has read rotten_tomatoes." in texts(page)
    assert "dpflat budget --data rotten_tomatoes" in texts(page)


def test_what_voids_a_guarantee_is_told_first_and_counted(own):
    run = make_run(own)
    reads = [entry(EntryClass.BREAKING, f"read {number}") for number in range(3)]
    add_to_ledger(run, *reads)
    page = open_page("privacy")
    assert "Three un-noised reads void the guarantee" in texts(page)
    assert "No guarantee. The noise alone would give epsilon = 3.00" in texts(page)
    assert [text.value for text in page.markdown if text.value.startswith("1: ")] == [f"1: read {n}." for n in range(3)]


def test_a_link_opens_its_run_and_an_unknown_one_says_so(own):
    first = make_run(own)
    make_run(own)
    assert open_page("privacy", a=first.id).selectbox[0].value == first.id
    assert "is not in this store" in texts(open_page("privacy", a="no-such-run"))


def test_what_it_shows_is_a_whole_address_that_can_be_copied(own):
    first = make_run(own)
    second = make_run(own)
    page = open_page("privacy", a=first.id)
    assert address_of(page) == {"v": "1", "a": first.id, "tab": "guarantee", "alarms": "5"}
    assert any(code.value.endswith(f"?v=1&a={first.id}&tab=guarantee&alarms=5") for code in page.code)
    page.selectbox(key="privacy_run").set_value(second.id).run()
    assert address_of(page) == {"v": "1", "a": second.id, "tab": "guarantee", "alarms": "5"}
    page.query_params["a"] = first.id
    assert page.run().selectbox[0].value == first.id


def test_a_link_of_another_version_is_told(own):
    run = make_run(own)
    page = open_page("privacy", v="2", a=run.id)
    assert "made by another version of the lab" in texts(page)
    assert page.selectbox[0].value == run.id


def test_a_damaged_ledger_is_told_and_the_page_stands(own):
    run = make_run(own)
    (run.folder / layout.LEDGER).write_text("{")
    page = open_page("privacy")
    assert not page.exception
    assert page.warning


def test_runs_on_one_data_set_compose_and_choosing_among_them_is_said_not_to_be_covered(own):
    first = make_run(own)
    alone = compose_store(Store(own).list_runs(shipped=False), "rotten_tomatoes")
    make_run(own, "stopped")
    both = compose_store(Store(own).list_runs(shipped=False), "rotten_tomatoes")
    assert 0 < alone["epsilon"] < both["epsilon"] < 2 * alone["epsilon"]
    assert len(both["runs"]) == 2
    assert "Choosing the best of them" in both["additions"][0]
    add_to_ledger(first, entry(EntryClass.BREAKING, "a pull"))
    assert compose_store([Run(first.folder)], "rotten_tomatoes")["sentence"] == (
        "One run has read rotten_tomatoes. No guarantee: un-noised private data shaped it."
    )
    void = compose_store(Store(own).list_runs(shipped=False), "rotten_tomatoes")
    assert void["epsilon"] is None
    assert "have no guarantee: one of them was shaped by un-noised private data" in void["sentence"]
    assert (
        compose_store(Store(own).list_runs(shipped=False), "imdb")["sentence"]
        == "No run of this store has read imdb yet."
    )


@pytest.mark.parametrize("level", ["cross_model", "cross_layer"])
def test_a_run_that_uses_a_data_set_as_public_has_read_it_without_noise(own, level):
    reader = make_run(own, "stopped", 3, 0.75, f"flatness.{level}.mode=public", f"flatness.{level}.public_task=imdb")
    alone = compose_store(Store(own).list_runs(shipped=False), "imdb")
    assert (alone["runs"], alone["read_as_public"], alone["epsilon"]) == ([], [reader.id], None)
    assert alone["sentence"] == "One run has read imdb. No guarantee: it read these data as public, without noise."
    assert f"Read imdb as public, without noise: {reader.id}." in alone["additions"]
    private = make_run(own, "finished", 3, 0.75, "task.name=imdb")
    both = compose_store(Store(own).list_runs(shipped=False), "imdb")
    assert (both["runs"], both["read_as_public"], both["epsilon"]) == ([private.id], [reader.id], None)
    assert both["sentence"] == (
        "Released together, these 2 runs on imdb have no guarantee: one of them read these data as public, without "
        "noise."
    )
    assert "all of them read these data as public" in compose_store([reader, reader], "imdb")["sentence"]
    own_data = compose_store(Store(own).list_runs(shipped=False), "rotten_tomatoes")
    assert (own_data["runs"], own_data["read_as_public"]) == ([reader.id], [])
    assert own_data["epsilon"] > 0


def test_a_run_without_noise_leaves_no_guarantee_for_all(own):
    make_run(own)
    make_run(own, "finished", 3, 0.75, "privacy.kind=none")
    noiseless = make_run(own, "finished", 3, 0.75, "privacy.kind=none", "flatness.within_layer.mode=per_example")
    ledger = noiseless.ledger.add(entry(EntryClass.BREAKING, "gradients")).model_copy(update={"epsilon": None})
    replace_json(noiseless.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    found = compose_store(Store(own).list_runs(shipped=False), "rotten_tomatoes")
    assert found["epsilon"] is None
    assert "at least one was trained without noise" in found["sentence"]
