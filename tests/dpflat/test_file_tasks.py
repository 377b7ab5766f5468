"""A file of one's own and a copy of a published task as the task of a run."""

import json
import stat

import numpy as np
import pytest

from dpflat.catalog import TASKS
from dpflat.config import build_config
from dpflat.elsewhere import ELSEWHERE
from dpflat.errors import DPFlatError
from dpflat.execution.run_job import FINISHED, Stopping, do_run
from dpflat.execution.studies import build_study, list_configs, open_study, pin_cells, study_folder
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.ledger import EntryClass
from dpflat.readouts.linear import Linear
from dpflat.runs.store import Store, find_same
from dpflat.settings.text import apply_settings
from dpflat.tasks.count import count_texts
from dpflat.tasks.load import load_task, read_splits
from dpflat.training.experiment import count_shared_texts
from dpflat.training.forecast import forecast_run, plan_privacy
from tests.conftest import SMALL

SETTINGS = [s for s in SMALL if not s.startswith("data.train_subset")]
MARK = "quokka"


def write_own(path, rows=120, word=MARK):
    kinds = ("dull", "fine")
    lines = [f"{word} number {n} was {kinds[n % 2]} indeed,{('bad', 'good')[n % 2]}" for n in range(rows)]
    path.write_text("\n".join(["words,mood", *lines, ""]))
    return path


@pytest.fixture
def own(tmp_path):
    return write_own(tmp_path / "diary.csv")


def content_of(path, *settings, **more):
    file = {"path": str(path), "text_column": "words", "label_column": "mood", **more}
    return apply_settings({"task": {"file": file}}, [*SETTINGS, *settings])


def configure(path, *settings, **more):
    return build_config(count_texts(content_of(path, *settings, **more)))


def because_of(config):
    return write_ledger(config, *plan_privacy(config), ("wikipedia",)).guarantee()


class TestDeclaration:
    def test_is_in_the_settings_and_survives_json_without_the_file(self, own):
        config = configure(own)
        own.unlink()
        assert build_config(json.loads(config.model_dump_json())) == config
        card = config.task.card()
        assert (card.name, card.title, card.class_names) == ("file:diary.csv", "diary.csv", ("bad", "good"))
        assert card.train_rows + card.test_rows == 120
        assert forecast_run(config).plan.units == card.train_rows

    def test_is_private_so_its_noise_is_secret_unless_a_person_says_otherwise(self, own):
        assert not configure(own).task.card().public
        assert configure(own).noise_source() == "secret"
        assert configure(own, "privacy.noise=seeded").noise_source() == "seeded"

    def test_epsilon_is_planned_for_its_training_rows(self, own):
        config = configure(own)
        assert plan_privacy(config)[0].delta == pytest.approx(config.task.card().train_rows ** -1.1)
        with pytest.raises(DPFlatError, match=r"batch_size is 500, but there are \d+ training units"):
            configure(own, "optimiser.batch_size=500")

    def test_settings_that_are_not_counted_are_refused_with_what_to_do(self, own):
        with pytest.raises(DPFlatError, match=r"texts of 'file:diary.csv' are not counted yet.*count_texts"):
            build_config(content_of(own))
        with pytest.raises(DPFlatError, match=r"texts of 'sst2' are not counted yet"):
            build_config({"task": {"name": "sst2"}})

    @pytest.mark.parametrize(
        ("task", "sentence"),
        [
            ({"name": "file:x.csv"}, r"'file:x.csv' needs task.file: path, text_column and label_column"),
            ({"name": "imdb", "path": "/x"}, r"texts of 'imdb' are bundled"),
            ({"file": {"path": "x.csv", "text_column": "a"}}, r"task.file.label_column: field required"),
            ({"file": {"path": "x.csv", "text_column": "a", "label_column": "a"}}, r"must be different columns"),
            (
                {"file": {"path": "x.csv", "text_column": "a", "label_column": "b", "classes": ["one"]}},
                r"expected 2 to 200 different labels; got 1",
            ),
            (
                {"name": "sst2", "file": {"path": "x.csv", "text_column": "a", "label_column": "b"}},
                r"is called 'file:'",
            ),
        ],
    )
    def test_what_does_not_fit_is_one_sentence(self, task, sentence):
        with pytest.raises(DPFlatError, match=sentence) as error:
            build_config(count_texts({"task": task}))
        assert "\n" not in str(error.value)

    def test_the_experiment_is_named_by_the_content_not_by_where_it_lies(self, own, tmp_path):
        first = configure(own)
        moved = tmp_path / "elsewhere.csv"
        moved.write_bytes(own.read_bytes())
        assert configure(moved).fingerprint() == first.fingerprint()
        assert configure(moved).task.data_key() == first.task.data_key()
        other = configure(write_own(tmp_path / "diary.csv", word="wombat"))
        assert other.fingerprint() != first.fingerprint()
        assert other.task.data_key() != first.task.data_key()

    def test_what_others_may_see_tells_no_path_no_name_no_class_and_no_checksum(self, own):
        config = configure(own, classes=["good", "bad"])
        seen = config.task.withheld().model_dump_json()
        for secret in (str(own), own.name, config.task.counted.sha256[:8], "good", "bad"):
            assert secret not in seen
        shared = config.model_copy(update={"task": config.task.withheld()})
        assert build_config(shared.model_dump(mode="json")).task.card().train_rows == config.task.card().train_rows


class TestLedger:
    def test_declared_classes_let_the_guarantee_hold_and_those_read_off_the_data_are_a_caveat(self, own):
        assert because_of(configure(own, classes=["bad", "good"])).answer == "holds"
        read_off = because_of(configure(own))
        assert read_off.answer == "nominal"
        assert read_off.because == ("not counting that the classes were read off the data",)

    def test_names_the_file_and_none_of_its_classes(self, own):
        config = configure(own)
        ledger = write_ledger(config, *plan_privacy(config), ("wikipedia",)).model_dump_json()
        assert "training split of file:diary.csv" in ledger
        assert "good" not in ledger
        assert config.task.counted.sha256 not in ledger


class TestRun:
    @pytest.mark.integration
    def test_its_folder_is_the_owners_and_holds_no_text(self, own, tmp_path):
        run = Store(tmp_path / "runs").create_run(configure(own, classes=["bad", "good"]))
        assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
        assert do_run(run, Stopping()) == FINISHED
        assert run.ledger.guarantee().answer == "holds"
        files = [f for f in run.folder.rglob("*") if f.is_file()]
        assert {"config.json", "weights.safetensors", "predictions.npz"} <= {f.name for f in files}
        assert [f.name for f in files if MARK.encode() in f.read_bytes()] == []
        assert (run.folder / "private" / "predictions.npz").exists()
        assert run.results["examples"] == run.config.task.card().test_rows

    @pytest.mark.integration
    def test_a_file_that_has_changed_since_is_refused(self, own, tmp_path):
        run = Store(tmp_path / "runs").create_run(configure(own))
        write_own(own, word="wombat")
        assert do_run(run, Stopping()) != FINISHED
        assert "no longer those that this run's epsilon was planned for" in run.status.message
        assert "wombat" not in run.status.message

    @pytest.mark.integration
    @pytest.mark.parametrize("level", ["cross_layer.mode=public", "cross_model.mode=public"])
    def test_a_level_on_public_data_counts_the_sentences_that_the_file_shares_with_it(self, level, tmp_path):
        public = read_splits(build_config({"task": {"name": "rotten_tomatoes"}}).task)[0].texts
        shared = [text for text in public if len(text.split()) > 6 and "," not in text and '"' not in text][:5]
        path = write_own(tmp_path / "mine.csv")
        path.write_text(
            path.read_text() + "".join(f"{text},{('good', 'bad', 'so')[n % 3]}\n" for n, text in enumerate(shared))
        )
        name = level.split(".")[0]
        settings = [f"flatness.{level}", f"flatness.{name}.public_task=rotten_tomatoes"]
        config = configure(path, *settings, "flatness.cross_layer.examples=16" if "layer" in level else "seed=0")
        assert count_shared_texts(config) == {"rotten_tomatoes": 5}
        run = Store(tmp_path / "runs").create_run(config)
        assert do_run(run, Stopping()) == FINISHED
        told = [e.because for e in run.ledger.entries if e.entry_class == EntryClass.CAVEAT]
        assert "not counting that texts of file:mine.csv share a sentence with the public rotten_tomatoes" in told


class TestStudy:
    def test_a_study_counts_its_file_once_and_keeps_what_was_counted(self, own, tmp_path):
        base = {"task.file.path": str(own), "task.file.text_column": "words", "task.file.label_column": "mood"}
        base |= dict(setting.split("=") for setting in SETTINGS)
        base = {key: json.loads(value) if value[0].isdigit() else value for key, value in base.items()}
        study = build_study({"name": "mine", "base": base, "grid": {"privacy.epsilon": [1, 3]}, "seeds": [0, 1]}, "it")
        counted = pin_cells(study)
        configs = list_configs(counted)
        assert len(configs) == 4
        assert {config.task.card().train_rows for config in configs} == {configure(own).task.card().train_rows}
        folder = open_study(tmp_path / "runs", counted)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        own.unlink()
        assert list_configs(build_study(json.loads((folder / "config.json").read_text()), "it")) == configs
        write_own(own, word="wombat")
        assert study_folder(tmp_path / "runs", pin_cells(study)) != folder

    def test_a_run_on_the_same_file_is_found_again_and_one_on_another_is_not(self, own, tmp_path):
        run = Store(tmp_path / "runs").create_run(configure(own))
        assert find_same([run], configure(own)) is run
        assert find_same([run], configure(write_own(own, word="wombat"))) is None


class TestPublishedTasks:
    def test_are_declared_with_source_licence_columns_and_what_they_come_from(self):
        assert set(ELSEWHERE) == {"sst2", "trec", "qnli", "mnli", "qqp"}
        for name, how in ELSEWHERE.items():
            card = TASKS[name]
            assert card.elsewhere is how
            assert card.public
            assert card.derived_from
            assert "icence" in card.source or "CC BY" in card.source or "terms" in card.source
            assert set(how.labels.values()) == set(range(len(card.class_names)))
            assert how.hub.count("/") == 1

    @pytest.mark.data
    @pytest.mark.parametrize(
        ("name", "path", "train", "test"),
        [
            ("sst2", "sst2", 6920, 1821),
            ("trec", "trec", 5452, 500),
            ("qnli", "qnli", 4389, 1074),
            ("qnli", "qnli/dev.tsv", 4389, 1074),
        ],
    )
    def test_a_local_copy_has_the_authors_rows(self, name, path, train, test, data_folder):
        task = build_config(count_texts({"task": {"name": name, "path": str(data_folder / path)}})).task
        sides = read_splits(task)
        assert [len(side) for side in sides] == [train, test]
        assert (task.card().train_rows, task.card().test_rows) == (train, test)
        assert (sides[0].pairs is not None) == (name == "qnli")

    @pytest.mark.data
    def test_labels_of_a_local_copy_mean_what_the_class_names_say(self, data_folder):
        def label_of(name, start):
            task = build_config(count_texts({"task": {"name": name, "path": str(data_folder / name)}})).task
            rows = read_splits(task)[0]
            return task.card().class_names[
                rows.labels[next(i for i, t in enumerate(rows.texts) if t.startswith(start))]
            ]

        assert label_of("trec", "When was Ozzy Osbourne born") == "number"
        assert label_of("trec", "What is the full form of .com") == "abbreviation"
        assert label_of("trec", "What is the highest waterfall") == "location"
        assert label_of("trec", "How did serfdom develop") == "description"
        assert label_of("sst2", "a stirring , funny and finally") == "positive"
        assert label_of("qnli", "What came into force after the new constitution") == "entailment"

    @pytest.mark.data
    @pytest.mark.integration
    def test_pairs_of_a_local_copy_become_rows_of_tokens(self, data_folder, tiny):
        task = build_config(count_texts({"task": {"name": "qnli", "path": str(data_folder / "qnli")}})).task
        data = load_task(task, build_config({}).data, tiny, 0, b"\0" * 16, Linear())
        assert data.public_units == task.card().train_rows
        assert np.mean([len(tokens) for tokens in data.train.tokens]) > 30

    def test_glues_own_layout_of_mnli_and_qqp_is_read(self, tmp_path):
        head = "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label"
        for name in ("train.tsv", "dev_matched.tsv"):
            rows = [f'{n}\tfiction\tHe said "a\tand b {n}\tneutral\tcontradiction' for n in range(4)]
            (tmp_path / name).write_text("\n".join([head, *rows, ""]))
        counted = count_texts({"task": {"name": "mnli", "path": str(tmp_path)}})["task"]["counted"]
        assert (counted["train_rows"], counted["test_rows"]) == (4, 4)
        lines = [
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
            "1\t2\t3\ta b\tc d\t1",
            "2\t4\t5",
            "3\t6\t7\te\tf\t0",
        ]
        for name in ("train.tsv", "dev.tsv"):
            (tmp_path / name).write_text("\n".join([*lines, ""]))
        assert count_texts({"task": {"name": "qqp", "path": str(tmp_path)}})["task"]["counted"]["train_rows"] == 2

    def test_the_original_release_of_trec_is_read(self, tmp_path):
        fine = "DESC:manner How did it develop ?\nENTY:cremat What films na\xefve ?\n"
        for name in ("train_5500.label", "TREC_10.label"):
            (tmp_path / name).write_bytes(fine.encode("latin-1"))
        task = build_config(
            count_texts({"task": {"name": "trec", "path": str(tmp_path)}, "optimiser": {"batch_size": 2}})
        ).task
        rows = read_splits(task)[0]
        assert rows.texts == ["How did it develop ?", "What films na\xefve ?"]
        assert [task.card().class_names[label] for label in rows.labels] == ["description", "entity"]

    def test_a_folder_without_the_files_says_which_are_expected(self, tmp_path):
        with pytest.raises(DPFlatError, match=r"no texts of 'sst2' in .*Expected a folder with train.tsv or test.tsv"):
            count_texts({"task": {"name": "sst2", "path": str(tmp_path)}})

    def test_the_hub_is_asked_for_the_declared_columns(self, monkeypatch):
        asked = []

        def load(where, part, revision, split):
            asked.append((where, part, revision, split))
            return {"question": ["q"] * 3, "sentence": ["s"] * 3, "label": [0, 1, 0]}

        monkeypatch.setattr("datasets.load_dataset", load)
        content = count_texts({"task": {"name": "qnli"}})
        assert asked == [("nyu-mll/glue", "qnli", None, "train"), ("nyu-mll/glue", "qnli", None, "validation")]
        assert content["task"]["counted"]["train_rows"] == 3

    def test_a_hub_out_of_reach_or_without_labels_is_one_sentence(self, monkeypatch):
        def fail(*_, **__):
            raise ConnectionError("no route")

        monkeypatch.setattr("datasets.load_dataset", fail)
        with pytest.raises(DPFlatError, match=r"'SetFit/sst2' \(ConnectionError\).*task.path=FOLDER with train.tsv"):
            count_texts({"task": {"name": "sst2"}})
        monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: {"text": ["a"], "label": [-1]})
        with pytest.raises(DPFlatError, match="holds no labelled texts of 'sst2'"):
            count_texts({"task": {"name": "sst2"}})

    @pytest.mark.data
    def test_runs_on_one_published_task_compose_by_its_name_wherever_it_was_read(self, data_folder):
        first, second = (
            build_config(count_texts({"task": {"name": "qnli", "path": str(data_folder / path)}}))
            for path in ("qnli", "qnli/dev.tsv")
        )
        assert first.task.data_key() == second.task.data_key() == "qnli"
        assert first.fingerprint() == second.fingerprint()
