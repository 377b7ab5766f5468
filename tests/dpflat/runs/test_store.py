import json
import os
import stat
from pathlib import Path

import pytest

from dpflat.errors import DPFlatError
from dpflat.runs import layout, store
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.record import Run
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import SHIPPED, Store, create_folder, find_same, open_store, store_of
from tests.conftest import small_config

PATH_PARTS = [
    "../x",
    "..",
    ".",
    "a/b",
    "a\\b",
    "/etc",
    "",
    " ",
    "~",
    "a..b",
    ".hidden",
    "a\0b",
    "a\nb",
    "x" * 121,
    "-rf",
]


@pytest.fixture
def lab(tmp_path):
    """A store of one's own beside shipped runs."""
    return Store(tmp_path / "mine", tmp_path / "shipped")


@pytest.fixture
def forbid():
    """Takes permissions away for the time of a test; skips where, as for root, that changes nothing."""
    changed = []

    def take_away(path, mode=0o000):
        changed.append((path, path.stat().st_mode))
        path.chmod(mode)
        if os.access(path, os.R_OK | os.W_OK):
            pytest.skip("nothing is forbidden to this user")

    yield take_away
    for path, mode in changed:
        path.chmod(mode)


def add(root, name, config=None):
    return create_folder(root, name, {layout.CONFIG: (config or small_config()).model_dump(mode="json")})


class TestFinding:
    @pytest.mark.parametrize("run_id", PATH_PARTS)
    def test_an_id_with_path_parts_is_refused_wherever_it_would_lead(self, lab, run_id):
        add(lab.root, "20260101-a")
        add(lab.root.parent, "x")
        with pytest.raises(DPFlatError, match="is not a run id"):
            lab.load_run(run_id)

    def test_the_whole_id_finds_it(self, lab):
        add(lab.root, "20260101-a")
        add(lab.root, "20260101-ab")
        assert lab.load_run("20260101-a").id == "20260101-a"

    def test_an_unambiguous_start_finds_it(self, lab):
        add(lab.root, "20260101-a")
        add(lab.root, "20260102-b")
        assert lab.load_run("20260102").id == "20260102-b"

    def test_an_ambiguous_start_names_what_it_could_be(self, lab):
        add(lab.root, "20260101-a")
        add(lab.root, "20260101-b")
        with pytest.raises(DPFlatError, match="could be 2 runs: 20260101-b, 20260101-a") as caught:
            lab.load_run("2026")
        assert "Give more of it" in str(caught.value)

    def test_a_whole_id_is_found_without_listing_the_store_and_knows_for_which_store(self, lab, monkeypatch):
        add(lab.root, "20260101-a")
        add(lab.shipped, "20270101-z")
        monkeypatch.setattr(Store, "list_runs", lambda *_: pytest.fail("the store was listed"))
        found = [lab.load_run(name) for name in ("20260101-a", "20270101-z")]
        assert [(run.id, run.shipped, run.store) for run in found] == [
            ("20260101-a", False, lab),
            ("20270101-z", True, lab),
        ]

    def test_what_is_not_there_is_named_with_the_folder_looked_in(self, lab):
        add(lab.root, "20260101-a")
        with pytest.raises(DPFlatError, match="There is no run '2027' in") as caught:
            lab.load_run("2027")
        assert str(lab.root) in str(caught.value)

    def test_latest_is_the_newest(self, lab):
        for name in ("20260102-b", "20260103-c", "20260101-a"):
            add(lab.root, name)
        assert lab.load_run("latest").id == "20260103-c"

    def test_latest_of_ones_own_comes_before_newer_shipped_ones(self, lab):
        add(lab.root, "20260101-a")
        add(lab.shipped, "20270101-z")
        assert lab.load_run("latest").id == "20260101-a"
        assert [(run.id, run.shipped) for run in lab.list_runs()] == [
            ("20260101-a", False),
            ("20270101-z", True),
        ]

    def test_latest_is_a_shipped_one_while_there_is_no_other(self, lab):
        add(lab.shipped, "20270101-z")
        assert lab.load_run("latest").shipped

    def test_latest_of_nothing_says_how_to_make_one(self, lab):
        with pytest.raises(DPFlatError, match=r"There is no run yet\. Train one: dpflat train"):
            lab.load_run("latest")


class TestTheEnvironment:
    @pytest.fixture(autouse=True)
    def nothing_is_set(self, monkeypatch):
        for name in ("DPFLAT_RUNS", "DPFLAT_READONLY", "DPFLAT_PUBLISH"):
            monkeypatch.delenv(name, raising=False)

    def test_the_folder_is_the_given_one_then_the_variable_then_runs(self, tmp_path, monkeypatch):
        assert open_store().root == Path("runs")
        monkeypatch.setenv("DPFLAT_RUNS", "elsewhere")
        assert open_store().root == Path("elsewhere")
        assert open_store(tmp_path).root == tmp_path

    def test_a_command_names_the_folder_only_where_it_would_not_be_found(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path))
        other = tmp_path / "my runs"
        assert open_store().command("show", tmp_path / "r") == "dpflat show r"
        assert open_store(tmp_path / "x" / "..").command("show", tmp_path / "r") == "dpflat show r"
        assert open_store(other).command("show", other / "r", " --log") == f"dpflat show r --log --runs '{other}'"
        assert open_store(other).command("show", SHIPPED / "r") == "dpflat show r"
        assert open_store().at(tmp_path / "x" / "..").command("show", tmp_path / "r") == "dpflat show r"
        assert open_store().at(other).command("show", other / "r") == f"dpflat show r --runs '{other}'"

    @pytest.mark.parametrize(
        ("value", "is_set"), [("1", True), ("true", True), ("Yes", True), ("0", False), ("", False)]
    )
    def test_a_read_only_lab_is_one_that_says_yes(self, monkeypatch, value, is_set):
        monkeypatch.setenv("DPFLAT_READONLY", value)
        assert open_store().read_only is is_set

    def test_a_read_only_lab_shows_what_it_publishes_and_never_says_where(self, tmp_path, monkeypatch):
        places = tmp_path / "a", tmp_path / "b"
        monkeypatch.setenv("DPFLAT_PUBLISH", os.pathsep.join([*map(str, places), ""]))
        assert open_store().shown_roots == (Path("runs"),)
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        assert open_store().shown_roots == places
        assert open_store().at(places[0]).command("show", places[0] / "r") == "dpflat show r --runs FOLDER"


class TestCreating:
    def test_a_new_run_is_whole_and_waits(self, lab):
        run = lab.create_run(small_config("seed=7"), {"name": "mine"})
        assert run.config == small_config("seed=7")
        assert run.label == {"name": "mine"}
        assert run.state == "waiting"
        assert [f.name for f in lab.root.iterdir()] == [run.id]

    def test_its_id_is_safe_and_says_what_it_is(self, lab):
        run = lab.create_run(small_config("privacy.epsilon=0.5", "seed=7"))
        assert layout.check_id(run.id) == run.id
        assert "-dp-prefix-eps0.5-s7-" in run.id

    def test_two_at_the_same_moment_are_two(self, lab):
        assert lab.create_run(small_config()).id != lab.create_run(small_config()).id

    def test_private_is_for_the_owner_only_whatever_the_umask(self, lab):
        before = os.umask(0)
        try:
            run = lab.create_run(small_config())
        finally:
            os.umask(before)
        assert stat.S_IMODE((run.folder / layout.PRIVATE).stat().st_mode) == 0o700

    @pytest.mark.parametrize("fails_at", [1, 2])
    def test_it_is_there_at_once_or_not_at_all(self, lab, monkeypatch, fails_at):
        written = []

        def write(path, content):
            written.append(path)
            if len(written) == fails_at:
                raise OSError(28, "No space left on device")
            replace_json(path, content)

        monkeypatch.setattr(store, "replace_json", write)
        with pytest.raises(DPFlatError, match="No space left on device"):
            lab.create_run(small_config())
        assert len(written) == fails_at
        assert list(lab.root.iterdir()) == []

    def test_a_folder_that_is_there_is_left_as_it_is(self, lab):
        folder = add(lab.root, "20260101-a")
        before = (folder / layout.CONFIG).read_bytes()
        with pytest.raises(DPFlatError, match="could not be made"):
            add(lab.root, "20260101-a", small_config("seed=9"))
        assert (folder / layout.CONFIG).read_bytes() == before
        assert [f.name for f in lab.root.iterdir()] == ["20260101-a"]

    @pytest.mark.parametrize("inside", [".", "deep/er"])
    def test_a_root_that_cannot_be_written_is_a_sentence(self, tmp_path, inside):
        (tmp_path / "file").write_text("a file where a folder should be")
        with pytest.raises(DPFlatError, match=r"cannot be written .* Choose another with --runs"):
            Store(tmp_path / "file" / inside).create_run(small_config())

    def test_a_root_without_write_permission_is_a_sentence(self, lab, forbid):
        lab.root.mkdir()
        forbid(lab.root, 0o500)
        with pytest.raises(DPFlatError, match="cannot be written"):
            lab.create_run(small_config())


class TestBrokenFolders:
    def test_a_half_made_folder_is_not_a_run(self, lab):
        add(lab.root, "20260101-a")
        (lab.root / "20260102-no-settings").mkdir()
        (lab.root / ".new-x").mkdir()
        (lab.root / ".new-x" / layout.CONFIG).write_text("{}")
        (lab.root / "a file").write_text("")
        assert [run.id for run in lab.list_runs()] == ["20260101-a"]

    def test_no_folder_is_no_runs(self, lab):
        assert lab.list_runs() == []

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "null", '{"task": 3}', '{"unknown": 1}', '{"schema_version": 99}', '{"1": 2}']
    )
    def test_unreadable_settings_are_listed_and_told(self, lab, content):
        (add(lab.root, "20260101-a") / layout.CONFIG).write_text(content)
        (run,) = lab.list_runs()
        with pytest.raises(DPFlatError, match="20260101-a"):
            _ = run.config

    @pytest.mark.parametrize(
        ("file", "field"),
        [
            (layout.LABEL, "label"),
            (layout.ENV, "environment"),
            (layout.LEDGER, "ledger"),
            (f"{layout.ARTIFACTS}/{layout.RESULTS}", "results"),
        ],
    )
    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff"])
    def test_an_unreadable_file_is_named_and_the_others_can_still_be_read(self, lab, file, field, content):
        folder = add(lab.root, "20260101-a")
        (folder / file).write_bytes(content)
        run = lab.load_run("20260101-a")
        with pytest.raises(DPFlatError, match="unreadable: " + file.split("/")[-1]):
            getattr(run, field)
        assert run.config == small_config()

    @pytest.mark.parametrize("part", [".", layout.CONFIG])
    def test_what_may_not_be_read_is_listed_and_told(self, lab, forbid, part):
        folder, other = add(lab.root, "20260101-a"), add(lab.root, "20260102-b")
        forbid(folder / part)
        assert [run.id for run in lab.list_runs()] == [other.name, folder.name]
        run = lab.load_run("20260101")
        with pytest.raises(DPFlatError, match=r"unreadable: config\.json in '20260101-a' cannot be read \(Permission"):
            _ = run.config
        assert run.state == ("unreadable" if part == "." else "waiting")

    def test_steps_without_a_number_are_unreadable(self, lab):
        folder = add(lab.root, "20260101-a")
        append_line(folder / layout.METRICS, {"loss": 1.0})
        with pytest.raises(DPFlatError, match=r"unreadable: metrics\.jsonl"):
            _ = lab.load_run("2026").steps

    def test_a_step_written_twice_is_shown_once(self, lab):
        folder = add(lab.root, "20260101-a")
        for step in (1, 2, 2, 3):
            append_line(folder / layout.METRICS, {"step": step, "loss": 0.5, "epsilon": None, "clipped_share": None})
        assert [line["step"] for line in lab.load_run("2026").steps] == [1, 2, 3]

    def test_a_run_that_has_not_begun_has_empty_metrics_and_results(self, lab):
        run = lab.create_run(small_config())
        assert run.metrics.empty
        assert run.results == {}
        assert run.events == []


class TestTheSameExperiment:
    def finished(self, lab, name, config):
        folder = add(lab.root, name, config)
        write_status(folder, own_status("finished"))
        write_manifest(folder)

    def test_a_finished_run_of_the_same_settings_and_seed_is_found(self, lab):
        self.finished(lab, "20260101-a", small_config("seed=1"))
        self.finished(lab, "20260102-b", small_config("seed=2"))
        assert find_same(lab.list_runs(), small_config("seed=1")).id == "20260101-a"
        assert find_same(lab.list_runs(), small_config("seed=3")) is None

    def test_how_it_is_computed_does_not_matter(self, lab):
        self.finished(lab, "20260101-a", small_config())
        assert find_same(lab.list_runs(), small_config("execution.microbatch=7")).id == "20260101-a"

    def test_a_finished_one_comes_before_one_that_can_go_on(self, lab):
        self.finished(lab, "20260101-a", small_config())
        write_status(add(lab.root, "20260102-b"), own_status("stopped"))
        assert find_same(lab.list_runs(), small_config()).id == "20260101-a"

    def test_a_stopped_one_goes_on_and_a_failed_one_only_if_there_is_no_other(self, lab):
        stopped, failed = add(lab.root, "20260101-a"), add(lab.root, "20260102-b")
        write_status(stopped, own_status("stopped"))
        write_status(failed, own_status("failed"))
        assert find_same(lab.list_runs(), small_config()).id == "20260101-a"
        write_status(stopped, own_status("failed"))
        assert find_same(lab.list_runs(), small_config()).state == "failed"

    def test_unreadable_runs_are_passed_over(self, lab):
        (add(lab.root, "20260102-b") / layout.CONFIG).write_text("{")
        self.finished(lab, "20260101-a", small_config())
        assert find_same(lab.list_runs(), small_config()).id == "20260101-a"


def test_settings_survive_the_way_through_the_folder(lab):
    config = small_config("privacy.kind=none", "adapter.kind=head_only")
    run = lab.create_run(config)
    assert json.loads((run.folder / layout.CONFIG).read_text()) == config.model_dump(mode="json")
    assert lab.load_run(run.id).config == config


class TestAReadOnlyLab:
    def test_makes_no_run(self, tmp_path):
        with pytest.raises(DPFlatError, match="This lab is read-only"):
            Store(tmp_path, read_only=True).create_run(small_config())
        assert list(tmp_path.iterdir()) == []

    def test_is_read_only_for_a_run_that_was_found_for_no_store_too(self, tmp_path, monkeypatch):
        run = Run(Store(tmp_path).create_run(small_config()).folder)
        assert not store_of(run).read_only
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        assert store_of(run).read_only
        assert store_of(run).root == tmp_path


def test_a_run_is_found_by_the_end_of_its_id_which_tables_show(tmp_path):
    lab = Store(tmp_path, tmp_path / "none")
    first, second = (lab.create_run(small_config(f"seed={seed}")) for seed in (0, 1))
    assert lab.load_run(first.id.split("-", 2)[2]) == first
    assert lab.load_run(second.id.rpartition("-")[2]) == second
    with pytest.raises(DPFlatError, match="There is no run"):
        lab.load_run(first.id[-3:])
