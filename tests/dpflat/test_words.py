"""Templates and words as settings: which there are, what they name, what is refused, and what may be shared of them."""

import pytest

from dpflat.catalog import TASKS
from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.readout import READOUTS
from dpflat.settings.commands import as_command, changed_settings
from dpflat.settings.text import apply_settings
from dpflat.tasks.count import count_texts
from dpflat.tasks.fitting import usual_readout
from dpflat.tasks.settings import TaskConfig
from dpflat.tasks.templates import check_template, fill_template
from tests.conftest import SMALL, small_config
from tests.dpflat.test_file_tasks import SETTINGS, write_own

FOLDER = "backbone.name=folder:/somewhere"
HERE = (FOLDER, "readout.kind=label_words")


def test_every_published_task_has_a_template_and_a_word_for_each_class():
    for name, card in TASKS.items():
        check_template(card.template, TaskConfig(name=name).has_pairs)
        assert len(card.words) == len(set(card.words)) == len(card.class_names), name


@pytest.mark.parametrize(
    ("name", "template", "words"),
    [
        ("sst2", "{text} It was {mask}.", {"negative": "terrible", "positive": "great"}),
        ("mnli", "{text}? {mask}, {pair}", {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}),
        ("qnli", "{text}? {mask}, {pair}", {"entailment": "yes", "not_entailment": "no"}),
        ("qqp", "{text} {mask}, {pair}", {"duplicate": "yes", "different": "no"}),
    ],
)
def test_the_authors_own_are_those_of_the_catalog(name, template, words):
    card = TASKS[name]
    assert card.template == template
    assert dict(zip(card.class_names, card.words, strict=True)) == words
    assert TASKS["trec"].template == "{mask}: {text}"


def test_a_filled_template_says_where_its_texts_stand():
    filled = fill_template("{text}? {mask}, {pair}", {"text": "{mask} a", "mask": "[MASK]", "pair": "{text}"})
    assert filled.sentence == "{mask} a? [MASK], {text}"
    assert {name: filled.sentence[a:b] for name, (a, b) in filled.places.items()} == {
        "text": "{mask} a",
        "mask": "[MASK]",
        "pair": "{text}",
    }


class TestSettings:
    def test_those_of_the_card_stand_in_the_settings(self):
        task = small_config(*HERE).task
        assert (task.template, task.words) == ("{text} It was {mask}.", {"negative": "terrible", "positive": "great"})
        assert task.label_texts is None
        assert TaskConfig(**task.model_dump()) == task

    def test_template_and_words_each_name_the_experiment(self):
        template, words = "task.template='{text}. {mask}'", "task.words={negative: bad, positive: good}"
        made = [small_config(*HERE, *more) for more in ((), (template,), (words,), (template, words))]
        assert len({config.fingerprint() for config in made}) == 4
        assert small_config(*HERE, words).task.card().words == ("bad", "good")
        assert small_config(*HERE, template).task.card().template == "{text}. {mask}"

    def test_a_readout_that_does_not_read_them_drops_them(self):
        given = ("task.template='{text} {mask}'", "task.words={negative: bad, positive: good}")
        assert small_config(*given) == small_config()
        assert small_config(*given).fingerprint() == small_config().fingerprint()

    def test_it_is_never_the_usual_readout(self):
        kinds = {
            usual_readout({"task": {"name": name, "template": "{text} {mask}", "words": {"a": "b"}}, "data": data})
            for name in TASKS
            for data in ({}, {"pair": "apart"})
        }
        assert "label_words" not in kinds
        assert READOUTS["label_words"].prefix_learning_rate == small_config(*HERE).optimiser.prefix_learning_rate

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ("task.words={negative: bad}", r"expected a word for each class, such as --word positive=great.*has none"),
            ("task.words={negative: bad, positive: good, odd: x}", r"there is no class 'odd'"),
            ("task.words={negative: bad, positive: bad}", "two classes have the same word"),
            ("task.words={negative: very bad, positive: good}", "should match pattern"),
            ("task.template='{text} It was good.'", r"expected \{mask\}, \{text\}, each once"),
            ("task.template='{mask} {mask} {text}'", "each once"),
            ("task.template='{text} {mask} {pair}'", "each once"),
            ("adapter.kind=head_only", r"readout\.kind=label_words has none"),
            ("data.pair=apart", "has single ones"),
        ],
    )
    def test_what_does_not_fit_is_one_sentence(self, setting, sentence):
        with pytest.raises(DPFlatError, match=sentence):
            small_config(*HERE, setting)

    def test_a_command_names_those_that_differ_from_the_cards(self):
        usual = as_command(small_config(*HERE))
        assert "--word" not in usual
        assert "--template" not in usual
        other = small_config(*HERE, "task.words={negative: bad, positive: it's}", "task.template='{text} {mask}'")
        command = as_command(other)
        assert "--template '{text} {mask}'" in command
        assert "--word negative=bad \\\n  --word 'positive=it'\"'\"'s'" in command
        assert "task.words" not in command
        assert changed_settings(other)["task.words"] == other.task.words


class TestOwnFile:
    GIVEN = ("task.template='{text} Mood {mask}.'", "task.words={bad: sad, good: happy}")

    def make(self, tmp_path, *settings, **more):
        path = write_own(tmp_path / "diary.csv")
        file = {"path": str(path), "text_column": "words", "label_column": "mood", "classes": ["bad", "good"], **more}
        return build_config(count_texts(apply_settings({"task": {"file": file}}, [*SETTINGS, *settings])))

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (GIVEN[1:], "expects a template, such as --template"),
            (GIVEN[:1], "a word for each class, such as --word bad="),
        ],
    )
    def test_has_none_by_itself(self, tmp_path, given, sentence):
        with pytest.raises(DPFlatError, match=sentence):
            self.make(tmp_path, *HERE, *given)

    def test_names_the_experiment_by_them(self, tmp_path):
        mine = self.make(tmp_path, *HERE, *self.GIVEN)
        other = self.make(tmp_path, *HERE, self.GIVEN[0], "task.words={bad: sad, good: glad}")
        assert mine.fingerprint() != other.fingerprint()
        assert "--word bad=sad \\\n  --word good=happy" in as_command(mine)

    def test_shares_neither(self, tmp_path):
        withheld = self.make(tmp_path, *HERE, *self.GIVEN).task.withheld()
        assert not any(word in withheld.model_dump_json() for word in ("sad", "happy", "Mood"))
        assert withheld.card().words == ("word-of-class-0", "word-of-class-1")
        again = build_config(apply_settings({"task": withheld.model_dump(mode="json")}, [*SETTINGS, *HERE]))
        assert again.task == withheld


def test_settings_from_before_have_the_fingerprint_they_had():
    """Oracle: what the commit before template and words gave."""
    config = build_config(apply_settings({}, SMALL))
    assert "template" not in config.named_by()["task"]
    assert not {"template", "words"} & config.task.identity().keys()
