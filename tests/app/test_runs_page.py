import shutil

import pytest

from app.address import decode
from app.housekeeping import TRASH, make_export
from app.page import PAGES, link_to
from app.ui.runs_view import RunsView
from app.views.runs import FILTERS
from dpflat.errors import DPFlatError
from dpflat.runs import layout
from dpflat.runs.files import replace_json
from dpflat.runs.store import Store
from tests.app.pages import EXAMPLES, address_of, column, labels, make_run, open_page, press, texts
from tests.app.test_summary import add_layers


@pytest.fixture
def own(stores):
    return stores[0]


def test_an_empty_store_says_how_to_begin(own):
    assert "No runs of your own yet." in texts(open_page("runs"))


def test_a_finished_run_shows_its_numbers_and_its_guarantee(own):
    make_run(own)
    page = open_page("runs")
    assert column(page, "name") == ["my first"]
    assert column(page, "test accuracy") == ["75.0 %"]
    assert column(page, "guarantee") == ["3.00 △ weak"]
    assert "epsilon = 3.00 at delta = 3.0e-3" in texts(page)
    assert "Accuracy reached 75.0 % at step 3; 100 % of examples were clipped at the end (1 seed)" in texts(page)
    assert f"n = {EXAMPLES:,} test examples · largest class 50.0 % · 1 seed · 28 s" in texts(page)
    assert "Step 3: test accuracy 75.0 %, test loss 0.500 nats, n = 1,706." in texts(page)


def test_a_run_without_a_worker_is_shown_as_lost_at_its_step(own):
    make_run(own, state="lost")
    assert column(open_page("runs"), "status") == ["lost at step 3 of 10"]


@pytest.mark.parametrize("file", [layout.CONFIG, layout.STATUS, layout.METRICS, "artifacts/results.json"])
def test_a_broken_folder_stays_in_the_table_and_says_what_is_unreadable(own, file):
    run = make_run(own)
    (run.folder / file).write_text('{"step": 1\n{\n')
    page = open_page("runs")
    assert not page.exception
    assert column(page, "status")[0].startswith(f"unreadable: {file.split('/')[-1]} in '")


def test_a_living_run_shows_its_step_and_a_stop_button(own):
    run = make_run(own, state="running")
    page = open_page("runs")
    assert "step 3 of 10" in texts(page)
    assert "epsilon spent 1.50 of 3.00 (step 3 of 10)" in texts(page)
    assert not press(page, "Stop").exception
    assert (run.folder / layout.STOP).exists()
    assert column(open_page("runs"), "status") == ["stopping"]


@pytest.mark.parametrize("state", ["stopped", "failed", "lost"])
def test_what_ended_early_can_go_on(own, monkeypatch, state):
    started = []
    monkeypatch.setattr("dpflat.execution.jobs.start", lambda folder, store: started.append(folder))
    run = make_run(own, state=state)
    press(open_page("runs"), "Try again" if state == "failed" else "Resume")
    assert started == [run.folder]


def test_a_deleted_run_leaves_the_table_and_undo_brings_it_back(own):
    make_run(own)
    page = press(open_page("runs"), "Delete")
    assert not page.exception
    assert page.get("dataframe") == []
    assert "is not in this store" not in texts(page)
    assert len(press(page, "Undo").dataframe[0].value) == 1


def test_after_a_delete_the_page_shows_what_is_left(own):
    make_run(own, "finished", 3, 0.7)
    page = press(open_page("runs"), "Delete")
    left = make_run(own, "finished", 3, 0.6)
    replace_json(left.folder / layout.LABEL, {"name": "left"})
    assert [s.value for s in page.run().subheader] == ["left"]


def test_undo_that_comes_too_late_says_so(own):
    run = make_run(own)
    page = press(open_page("runs"), "Delete")
    shutil.rmtree(own / TRASH / run.id)
    assert "Undo" not in labels(page.run())


class TestSeedsOfOneExperiment:
    @pytest.fixture
    def page(self, own):
        for seed, accuracy in ((0, 0.70), (1, 0.72), (2, 0.74)):
            make_run(own, "finished", 3, accuracy, f"seed={seed}")
        return open_page("runs")

    def test_are_one_row_with_mean_and_deviation(self, page):
        assert column(page, "test accuracy") == ["72.0 ± 2.0 %"]
        assert column(page, "seeds") == ["0, 1, 2"]
        assert column(page, "guarantee") == ["3.00 △ weak each"]

    def test_their_kept_layers_are_drawn_where_they_are_the_same(self, own, page):
        runs = Store(own).list_runs(shipped=False)
        for kept in ([0, 2], [1]):
            add_layers(runs[0], [0, 2], layers=3)
            add_layers(runs[1], [0, 2], layers=3)
            add_layers(runs[2], kept, layers=3)
            drawn = column(open_page("runs"), "kept layers")
            assert drawn == ["■□■" if kept == [0, 2] else "not the same in all seeds"]

    def test_a_seed_that_was_run_twice_counts_once(self, own, page):
        make_run(own, "finished", 3, 0.9, "seed=2")
        page = open_page("runs")
        assert sorted(column(page, "seeds")) == ["0, 1, 2", "2"]

    def test_an_address_cannot_join_what_is_no_experiment(self, own):
        first = make_run(own, "finished", 3, 0.7)
        for other in (
            make_run(own, "finished", 3, 0.8, "privacy.epsilon=8"),
            make_run(own, "stopped", 3, 0.7, "seed=9"),
        ):
            page = open_page("runs", a=f"{first.id},{other.id}")
            assert not page.exception
            assert "not seeds of one experiment; the first is shown" in texts(page)
            assert "(1 seed)" in texts(page)
        assert "(1 seed)" in texts(open_page("runs", a=f"{first.id},{first.id}"))

    def test_say_what_releasing_all_of_them_gives(self, page):
        assert "Released together, these 3 runs on the same data give epsilon = 4." in texts(page)
        assert "Accuracy reached 72.0 ± 2.0 % at step 3" in texts(page)

    def test_can_stand_apart(self, page):
        page.toggle(key="runs_grouped").set_value(False).run()
        assert sorted(column(page, "seeds")) == ["0", "1", "2"]

    def test_an_unfinished_one_stays_a_row_of_its_own(self, own, page):
        make_run(own, "stopped", 3, 0.7, "seed=3")
        assert sorted(column(page.run(), "status")) == ["finished", "stopped"]


class TestLinks:
    def test_every_view_comes_back_from_its_address(self):
        view = RunsView(("x", "y"), ("z",), "s", False, dict.fromkeys(FILTERS, ("one", "two")))
        taken = decode(PAGES["runs"].parameters, link_to("runs", **view.values()).query)
        assert RunsView.of(taken.values) == view

    def test_an_address_is_complete_also_where_everything_is_default(self, own):
        run = make_run(own)
        page = open_page("runs")
        assert address_of(page) == {
            "v": "1",
            "a": run.id,
            "grouped": "1",
            "from": "mine",
            "task": "",
            "method": "",
            "status": "",
        }

    def test_a_newer_run_does_not_change_what_an_address_shows(self, own):
        first = make_run(own)
        address = address_of(open_page("runs"))
        newer = make_run(own, "finished", 3, 0.5, "privacy.epsilon=8")
        replace_json(newer.folder / layout.LABEL, {"name": "newer"})
        page = open_page("runs", **address)
        assert [s.value for s in page.subheader] == ["my first"]
        assert address_of(page)["a"] == first.id
        assert [s.value for s in open_page("runs").subheader] == ["newer"]

    def test_a_run_that_is_not_here_is_named_and_the_page_still_works(self, own):
        make_run(own)
        page = open_page("runs", a="20250101-000000-gone")
        assert not page.exception
        assert "'20250101-000000-gone' is not in this store" in texts(page)
        assert len(page.dataframe[0].value) == 1

    def test_markdown_in_a_name_stays_text(self, own):
        make_run(own)
        assert "Run 'x`![](http://evil)' is not in this store" in texts(open_page("runs", a="x`![](http://evil)"))

    def test_another_version_is_said(self, own):
        make_run(own)
        assert "made by another version of the lab" in texts(open_page("runs", v="99"))

    def test_unknown_filters_and_values_do_no_harm(self, own):
        make_run(own)
        page = open_page("runs", task="nonsense,../../etc", method="'; drop", zoom="3")
        assert not page.exception
        assert len(page.dataframe[0].value) == 1

    def test_a_study_that_is_not_here_is_named(self, own):
        make_run(own)
        assert "Study '../../etc' is not in this store." in texts(open_page("runs", study="../../etc"))


class TestComparing:
    def test_two_runs_shows_their_paired_difference_and_only_the_settings_that_differ(self, own):
        first = make_run(own, "finished", 3, 0.7)
        second = make_run(own, "finished", 3, 0.8, "privacy.epsilon=8")
        page = open_page("runs", a=first.id, b=second.id)
        assert not page.exception
        assert "B: +10.0 points of accuracy against A (1 seed)" in texts(page)
        assert column(page, "B minus A", 1)[0].startswith("+10.0 points [+8.")
        assert column(page, "setting", 2) == ["privacy.epsilon"]
        assert (column(page, "A", 2), column(page, "B", 2)) == (["3.0"], ["8.0"])

    def test_two_experiments_pairs_their_seeds(self, own):
        sides = [
            [make_run(own, "finished", 3, accuracy, f"seed={s}", f"privacy.epsilon={e}") for s in (0, 1)]
            for e, accuracy in ((3, 0.7), (8, 0.8))
        ]
        page = open_page("runs", **{k: ",".join(r.id for r in side) for k, side in zip("ab", sides, strict=True)})
        assert not page.exception
        assert "B has 10.0 points more accuracy than A [+8." in texts(page)
        assert "paired by test example and seed (0, 1)" in texts(page)

    def test_a_side_that_is_not_here_is_named_and_the_other_stays(self, own):
        run = make_run(own)
        for address in ({"a": run.id, "b": "gone"}, {"a": "gone", "b": run.id}):
            page = open_page("runs", **address)
            assert "Run 'gone' is not in this store" in texts(page)
            assert [s.value for s in page.subheader] == ["my first"]
            assert {key: address_of(page)[key] for key in "ab"} == address

    def test_a_copied_link_stays_when_another_seed_joins_an_experiment(self, own):
        sides = [
            [make_run(own, "finished", 3, 0.7, f"seed={s}", f"privacy.epsilon={e}") for s in (0, 1)] for e in (3, 8)
        ]
        address = {k: ",".join(r.id for r in side) for k, side in zip("ab", sides, strict=True)}
        make_run(own, "finished", 3, 0.1, "seed=2", "privacy.epsilon=8")
        page = open_page("runs", **address)
        assert "paired by test example and seed (0, 1)" in texts(page)
        assert {key: address_of(page)[key] for key in "ab"} == address

    def test_numbers_are_those_of_the_seeds_that_pair(self, own):
        a = [make_run(own, "finished", 3, accuracy, f"seed={s}") for s, accuracy in enumerate((0.6, 0.7, 0.8))]
        b = [make_run(own, "finished", 3, 0.75, f"seed={s}", "privacy.epsilon=8") for s in (1, 5)]
        page = open_page("runs", a=",".join(r.id for r in a), b=",".join(r.id for r in b))
        assert column(page, "A", 1)[0] == "70.0 %"
        assert column(page, "B", 1)[0] == "75.0 %"
        assert column(page, "B minus A", 1)[0].startswith("+5.0 points")
        assert "paired by test example and seed (1)" in texts(page)

    def test_one_run_against_another_of_another_seed_pairs_by_example_and_says_so(self, own):
        first, second = make_run(own), make_run(own, "finished", 3, 0.8, "seed=4")
        assert "seeds 0 and 4, paired by test example" in texts(open_page("runs", a=first.id, b=second.id))

    def test_without_predictions_the_reason_is_told(self, own):
        first, second = make_run(own), make_run(own, "finished", 3, 0.8, "seed=4")
        (second.folder / "artifacts" / layout.PREDICTIONS).unlink()
        page = open_page("runs", a=first.id, b=second.id)
        assert "predictions of the same test examples are not stored for both" in texts(page)

    def test_a_run_that_never_began_can_stand_beside_another(self, own):
        first, second = make_run(own), make_run(own, "failed", 0)
        (second.folder / layout.LEDGER).unlink()
        page = open_page("runs", a=first.id, b=second.id)
        assert not page.exception
        assert "It ended before it began." in texts(page)

    def test_an_unfinished_run_has_no_difference(self, own):
        first, second = make_run(own), make_run(own, "stopped")
        page = open_page("runs", a=first.id, b=second.id)
        assert not page.exception
        assert "it needs two finished runs of the same task" in texts(page)


class TestReadOnly:
    @pytest.fixture(autouse=True)
    def read_only(self, monkeypatch):
        monkeypatch.setenv("DPFLAT_READONLY", "1")

    def test_commands_stand_where_buttons_were(self, own, monkeypatch):
        run = make_run(own, state="stopped")
        monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
        page = open_page("runs")
        assert labels(page) == []
        assert f"dpflat resume {run.id}" in texts(page)
        assert str(own) not in texts(page)

    def test_a_command_for_a_published_run_names_a_folder_but_not_which(self, tmp_path, own, monkeypatch):
        run = make_run(tmp_path / "published", state="stopped")
        monkeypatch.setenv("DPFLAT_PUBLISH", str(tmp_path / "published"))
        shown = texts(open_page("runs", a=run.id))
        assert f"dpflat resume {run.id} --runs FOLDER" in shown
        assert f"dpflat show {run.id} --runs FOLDER --json" in shown
        assert str(tmp_path) not in shown

    def test_nothing_is_served_but_what_is_shipped_or_published(self, own, stores, tmp_path, monkeypatch):
        make_run(own)
        shipped = make_run(stores[1], "finished", 3, 0.7, "seed=1")
        published = make_run(tmp_path / "published", "finished", 3, 0.7, "seed=2")
        page = open_page("runs")
        assert column(page, "from") == ["shipped"]
        monkeypatch.setenv("DPFLAT_PUBLISH", str(tmp_path / "published"))
        page = open_page("runs", **{"from": "shipped,published"})
        assert sorted(column(page, "from")) == ["published", "shipped"]
        for run in (shipped, published):
            assert "not in this store" not in texts(open_page("runs", a=run.id))

    def test_the_log_which_may_hold_paths_is_neither_shown_nor_exported(self, own, monkeypatch):
        run = make_run(own)
        (run.folder / layout.LOG).write_text("/home/somebody")
        monkeypatch.setenv("DPFLAT_PUBLISH", str(own))
        page = open_page("runs")
        assert "/home/somebody" not in texts(page)
        assert [button.proto.label for button in page.get("download_button")] == ["CSV", "Share"]
        with pytest.raises(DPFlatError, match="read-only"):
            make_export(run, everything=True)
