import json
import os
import stat

import pytest

from dpflat.errors import DPFlatError
from dpflat.runs import layout, store
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import create_folder, create_run, find_same, list_runs, load_run
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
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "shipped_root", lambda: tmp_path / "shipped")
    return tmp_path / "mine"


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
    def test_an_id_with_path_parts_is_refused_wherever_it_would_lead(self, root, run_id):
        add(root, "20260101-a")
        add(root.parent, "x")
        with pytest.raises(DPFlatError, match="is not a run id"):
            load_run(run_id, root)

    def test_the_whole_id_finds_it(self, root):
        add(root, "20260101-a")
        add(root, "20260101-ab")
        assert load_run("20260101-a", root).id == "20260101-a"

    def test_an_unambiguous_start_finds_it(self, root):
        add(root, "20260101-a")
        add(root, "20260102-b")
        assert load_run("20260102", root).id == "20260102-b"

    def test_an_ambiguous_start_names_what_it_could_be(self, root):
        add(root, "20260101-a")
        add(root, "20260101-b")
        with pytest.raises(DPFlatError, match="could be 2 runs: 20260101-b, 20260101-a") as caught:
            load_run("2026", root)
        assert "Give more of it" in str(caught.value)

    def test_a_whole_id_is_found_without_listing_the_store_and_knows_for_which_store(self, root, monkeypatch):
        add(root, "20260101-a")
        add(layout.shipped_root(), "20270101-z")
        monkeypatch.setattr("dpflat.runs.store.list_runs", lambda *_: pytest.fail("the store was listed"))
        found = [load_run(name, root) for name in ("20260101-a", "20270101-z")]
        assert [(run.id, run.shipped, run.store) for run in found] == [
            ("20260101-a", False, root),
            ("20270101-z", True, root),
        ]

    def test_what_is_not_there_is_named_with_the_folder_looked_in(self, root):
        add(root, "20260101-a")
        with pytest.raises(DPFlatError, match="There is no run '2027' in") as caught:
            load_run("2027", root)
        assert str(root) in str(caught.value)

    def test_latest_is_the_newest(self, root):
        for name in ("20260102-b", "20260103-c", "20260101-a"):
            add(root, name)
        assert load_run("latest", root).id == "20260103-c"

    def test_latest_of_ones_own_comes_before_newer_shipped_ones(self, root):
        add(root, "20260101-a")
        add(layout.shipped_root(), "20270101-z")
        assert load_run("latest", root).id == "20260101-a"
        assert [(run.id, run.shipped) for run in list_runs(root)] == [("20260101-a", False), ("20270101-z", True)]

    def test_latest_is_a_shipped_one_while_there_is_no_other(self, root):
        add(layout.shipped_root(), "20270101-z")
        assert load_run("latest", root).shipped

    def test_latest_of_nothing_says_how_to_make_one(self, root):
        with pytest.raises(DPFlatError, match=r"There is no run yet\. Train one: dpflat train"):
            load_run("latest", root)

    def test_the_folder_is_the_given_one_then_the_variable_then_runs(self, root, monkeypatch):
        monkeypatch.delenv("DPFLAT_RUNS", raising=False)
        assert str(layout.runs_root()) == "runs"
        monkeypatch.setenv("DPFLAT_RUNS", "elsewhere")
        assert str(layout.runs_root()) == "elsewhere"
        assert layout.runs_root(root) == root


class TestCreating:
    def test_a_new_run_is_whole_and_waits(self, root):
        run = create_run(root, small_config("seed=7"), {"name": "mine"})
        assert run.config == small_config("seed=7")
        assert run.label == {"name": "mine"}
        assert run.state == "waiting"
        assert [f.name for f in root.iterdir()] == [run.id]

    def test_its_id_is_safe_and_says_what_it_is(self, root):
        run = create_run(root, small_config("privacy.epsilon=0.5", "seed=7"))
        assert layout.check_id(run.id) == run.id
        assert "-dp-prefix-eps0.5-s7-" in run.id

    def test_two_at_the_same_moment_are_two(self, root):
        assert create_run(root, small_config()).id != create_run(root, small_config()).id

    def test_private_is_for_the_owner_only_whatever_the_umask(self, root):
        before = os.umask(0)
        try:
            run = create_run(root, small_config())
        finally:
            os.umask(before)
        assert stat.S_IMODE((run.folder / layout.PRIVATE).stat().st_mode) == 0o700

    @pytest.mark.parametrize("fails_at", [1, 2])
    def test_it_is_there_at_once_or_not_at_all(self, root, monkeypatch, fails_at):
        written = []

        def write(path, content):
            written.append(path)
            if len(written) == fails_at:
                raise OSError(28, "No space left on device")
            replace_json(path, content)

        monkeypatch.setattr(store, "replace_json", write)
        with pytest.raises(DPFlatError, match="No space left on device"):
            create_run(root, small_config())
        assert len(written) == fails_at
        assert list(root.iterdir()) == []

    def test_a_folder_that_is_there_is_left_as_it_is(self, root):
        folder = add(root, "20260101-a")
        before = (folder / layout.CONFIG).read_bytes()
        with pytest.raises(DPFlatError, match="could not be made"):
            add(root, "20260101-a", small_config("seed=9"))
        assert (folder / layout.CONFIG).read_bytes() == before
        assert [f.name for f in root.iterdir()] == ["20260101-a"]

    @pytest.mark.parametrize("inside", [".", "deep/er"])
    def test_a_root_that_cannot_be_written_is_a_sentence(self, tmp_path, inside):
        (tmp_path / "file").write_text("a file where a folder should be")
        with pytest.raises(DPFlatError, match=r"cannot be written .* Choose another with --runs"):
            create_run(tmp_path / "file" / inside, small_config())

    def test_a_root_without_write_permission_is_a_sentence(self, root, forbid):
        root.mkdir()
        forbid(root, 0o500)
        with pytest.raises(DPFlatError, match="cannot be written"):
            create_run(root, small_config())


class TestBrokenFolders:
    def test_a_half_made_folder_is_not_a_run(self, root):
        add(root, "20260101-a")
        (root / "20260102-no-settings").mkdir()
        (root / ".new-x").mkdir()
        (root / ".new-x" / layout.CONFIG).write_text("{}")
        (root / "a file").write_text("")
        assert [run.id for run in list_runs(root)] == ["20260101-a"]

    def test_no_folder_is_no_runs(self, root):
        assert list_runs(root) == []

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "null", '{"task": 3}', '{"unknown": 1}', '{"schema_version": 99}', '{"1": 2}']
    )
    def test_unreadable_settings_are_listed_and_told(self, root, content):
        (add(root, "20260101-a") / layout.CONFIG).write_text(content)
        (run,) = list_runs(root)
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
    def test_an_unreadable_file_is_named_and_the_others_can_still_be_read(self, root, file, field, content):
        folder = add(root, "20260101-a")
        (folder / file).write_bytes(content)
        run = load_run("20260101-a", root)
        with pytest.raises(DPFlatError, match="unreadable: " + file.split("/")[-1]):
            getattr(run, field)
        assert run.config == small_config()

    @pytest.mark.parametrize("part", [".", layout.CONFIG])
    def test_what_may_not_be_read_is_listed_and_told(self, root, forbid, part):
        folder, other = add(root, "20260101-a"), add(root, "20260102-b")
        forbid(folder / part)
        assert [run.id for run in list_runs(root)] == [other.name, folder.name]
        run = load_run("20260101", root)
        with pytest.raises(DPFlatError, match=r"unreadable: config\.json in '20260101-a' cannot be read \(Permission"):
            _ = run.config
        assert run.state == ("unreadable" if part == "." else "waiting")

    def test_steps_without_a_number_are_unreadable(self, root):
        folder = add(root, "20260101-a")
        append_line(folder / layout.METRICS, {"loss": 1.0})
        with pytest.raises(DPFlatError, match=r"unreadable: metrics\.jsonl"):
            _ = load_run("2026", root).steps

    def test_a_step_written_twice_is_shown_once(self, root):
        folder = add(root, "20260101-a")
        for step in (1, 2, 2, 3):
            append_line(folder / layout.METRICS, {"step": step, "loss": 0.5, "epsilon": None, "clipped_share": None})
        assert [line["step"] for line in load_run("2026", root).steps] == [1, 2, 3]

    def test_a_run_that_has_not_begun_has_empty_metrics_and_results(self, root):
        run = create_run(root, small_config())
        assert run.metrics.empty
        assert run.results == {}
        assert run.events == []


class TestTheSameExperiment:
    def finished(self, root, name, config):
        folder = add(root, name, config)
        write_status(folder, own_status("finished"))
        write_manifest(folder)

    def test_a_finished_run_of_the_same_settings_and_seed_is_found(self, root):
        self.finished(root, "20260101-a", small_config("seed=1"))
        self.finished(root, "20260102-b", small_config("seed=2"))
        assert find_same(list_runs(root), small_config("seed=1")).id == "20260101-a"
        assert find_same(list_runs(root), small_config("seed=3")) is None

    def test_how_it_is_computed_does_not_matter(self, root):
        self.finished(root, "20260101-a", small_config())
        assert find_same(list_runs(root), small_config("execution.microbatch=7")).id == "20260101-a"

    def test_a_finished_one_comes_before_one_that_can_go_on(self, root):
        self.finished(root, "20260101-a", small_config())
        write_status(add(root, "20260102-b"), own_status("stopped"))
        assert find_same(list_runs(root), small_config()).id == "20260101-a"

    def test_a_stopped_one_goes_on_and_a_failed_one_only_if_there_is_no_other(self, root):
        stopped, failed = add(root, "20260101-a"), add(root, "20260102-b")
        write_status(stopped, own_status("stopped"))
        write_status(failed, own_status("failed"))
        assert find_same(list_runs(root), small_config()).id == "20260101-a"
        write_status(stopped, own_status("failed"))
        assert find_same(list_runs(root), small_config()).state == "failed"

    def test_unreadable_runs_are_passed_over(self, root):
        (add(root, "20260102-b") / layout.CONFIG).write_text("{")
        self.finished(root, "20260101-a", small_config())
        assert find_same(list_runs(root), small_config()).id == "20260101-a"


def test_settings_survive_the_way_through_the_folder(root):
    config = small_config("privacy.kind=none", "adapter.kind=head_only")
    run = create_run(root, config)
    assert json.loads((run.folder / layout.CONFIG).read_text()) == config.model_dump(mode="json")
    assert load_run(run.id, root).config == config
