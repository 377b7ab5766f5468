"""Which labelled texts to learn: a task of the catalog, or a file of one's own, declared here.

A person's own file is private: the run folder holds where it lies, its columns, the names of its classes and how many
texts it has, for this person's own use, and never a text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from dpflat.catalog import TASKS, Task
from dpflat.errors import unknown
from dpflat.settings.section import Section, later
from dpflat.tasks.by_class import check_classes
from dpflat.tasks.labels import MOST_CLASSES, name_label

OWN = "file:"
WITHHELD = f"{OWN}withheld"
NAMED_BY = ("name", "label_texts", "template", "words", "alike")
"""What names an experiment on a bundled task."""
Word = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value), Field(min_length=1)
]


def _spell_tab(value: Any) -> Any:
    return "\t" if value in ("tab", "\\t") else value


LabelText = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
LabelWord = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
Delimiter = Annotated[str, BeforeValidator(_spell_tab), Field(pattern=r'^[^"\r\n\x00]$')]


class OwnFile(Section):
    """A file of one's own: CSV, TSV, JSON Lines or Parquet, as its name ends. One row is one example."""

    path: str = Field(min_length=1)
    """Where it lies: .csv, .tsv, .jsonl, .ndjson or .parquet. Kept as an absolute path."""
    text_column: Word
    """Column of the text; a number from 1 where there is no header."""
    pair_column: Word | None = None
    """Column of the second text, for pairs. None: single texts."""
    label_column: Word
    """Column of the label, text or whole number."""
    test_path: str | None = None
    """A second file, with the same columns, to test on. None: a fifth of the rows is held out."""
    classes: tuple[Word, ...] | None = None
    """Labels in the order of the classes. None: taken from the file, which is a caveat of the guarantee."""
    encoding: str | None = Field(None, json_schema_extra=later(None))
    """Such as `latin-1` or `cp1252`. None: UTF-8, or UTF-16 with its mark."""
    header: bool = True
    """Whether the first line of a CSV or TSV names the columns."""
    quotes: bool | None = None
    """Whether fields may stand in quotes. None: in CSV yes, in TSV no."""
    delimiter: Delimiter | None = Field(None, json_schema_extra=later(None))
    """What stands between two fields of a CSV or TSV. None: a tab in TSV; in CSV , ; tab or |, the one that fits."""
    drop_missing: bool = False
    """Whether rows that lack a text or a label are left out. No: they are refused."""

    @model_validator(mode="after")
    def _fits(self) -> OwnFile:
        named = [c for c in (self.text_column, self.pair_column, self.label_column) if c is not None]
        if len(set(named)) < len(named):
            raise ValueError("text, pair and label must be different columns")
        names = {name_label(name) for name in self.classes or ()}
        if self.classes is not None and not 2 <= len(names) == len(self.classes) <= MOST_CLASSES:
            raise ValueError(f"classes: expected 2 to {MOST_CLASSES} different labels; got {len(self.classes)}")
        return self


class CountedTexts(Section):
    """What was found when the texts were counted, before the run was planned: epsilon depends on their number."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the training file or files: a run refuses other content. Of private texts it is private, and never shared."""
    test_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """Of the file to test on, where there is one."""
    classes: tuple[str, ...] = Field(min_length=2, max_length=MOST_CLASSES)
    """One name a label, in label order. Their number counts as public."""
    train_rows: int = Field(ge=1)
    """Training examples N: counts as public."""
    test_rows: int = Field(ge=1)
    """Test examples."""
    typical_tokens: int = Field(ge=1)
    """About how long a text is, for forecasts."""


class TaskConfig(Section):
    """Which labelled texts to learn."""

    name: str = "rotten_tomatoes"
    """A name of the catalog, or `file:` and a name of one's own. Default: the smallest bundled task."""
    path: str | None = None
    """Folder or file with a published task's texts as its authors wrote them. None: the hub, if it is not bundled."""
    file: OwnFile | None = None
    """A file of one's own."""
    counted: CountedTexts | None = None
    """Filled in when the settings are read, where the texts are not bundled."""
    label_texts: dict[str, LabelText] | None = Field(None, json_schema_extra=later(None))
    """By class, a text that says what it is, for a readout that reads them. None: those of the catalog."""
    template: str | None = Field(None, min_length=1, max_length=500, json_schema_extra=later(None))
    """What a text is written into, with {text}, {pair} and {mask}, for a readout at a mask. None: that of the
    catalog."""
    words: dict[str, LabelWord] | None = Field(None, json_schema_extra=later(None))
    """By class, the word that would stand at the mask, one token. None: those of the catalog."""
    alike: str | None = Field(None, json_schema_extra=later(None))
    """The class of pairs whose texts belong together, for a readout that compares them. None: that of the catalog."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, content: Any) -> Any:
        """A file gives its own name to the task."""
        file = content.get("file") if isinstance(content, dict) else None
        if not isinstance(file, dict) or "name" in content or not isinstance(file.get("path"), str):
            return content
        return {"name": OWN + file["path"].replace("\\", "/").rstrip("/").rpartition("/")[2], **content}

    @model_validator(mode="after")
    def _one_source(self) -> TaskConfig:
        if self.file is not None:
            if not self.name.startswith(OWN) or self.name == OWN:
                raise ValueError(f"name: a file of one's own is called '{OWN}' and a name; got '{self.name}'")
            if self.path is not None:
                raise ValueError("path is for published tasks; a file of one's own has task.file.path")
            return self
        if self.name.startswith(OWN):
            raise ValueError(
                f"'{self.name}' needs task.file: path, text_column and label_column; or: "
                "dpflat train --data FILE --text-column ... --label-column ..."
            )
        if self.name not in TASKS:
            raise ValueError(str(unknown("task", self.name, list(TASKS))))
        if TASKS[self.name].elsewhere is None and (self.path is not None or self.counted is not None):
            raise ValueError(f"the texts of '{self.name}' are bundled; task.path is for tasks that are not")
        return self

    @property
    def is_bundled(self) -> bool:
        """Whether the texts come with the lab."""
        return self.file is None and TASKS[self.name].elsewhere is None

    @property
    def has_pairs(self) -> bool:
        """Whether a row is two texts."""
        if self.file is not None:
            return self.file.pair_column is not None
        elsewhere = TASKS[self.name].elsewhere
        return elsewhere is not None and elsewhere.columns[1] is not None

    def card(self) -> Task:
        """The task's declaration: of the catalog, with the texts as they were counted, or of a file of one's own."""
        card = self.usual_card()
        given: dict[str, Any] = {"alike": self.alike, "template": self.template}
        for name, by_class in (("label_texts", self.label_texts), ("words", self.words)):
            if by_class is not None and by_class.keys() == set(card.class_names):
                given[name] = tuple(by_class[name] for name in card.class_names)
        return replace(card, **{name: value for name, value in given.items() if value is not None})

    def usual_label_texts(self) -> dict[str, str]:
        """The label texts of the task's card, by class; empty where it has none."""
        card = self.usual_card()
        return dict(zip(card.class_names, card.label_texts, strict=False))

    def usual_words(self) -> dict[str, str]:
        """The words of the task's card, by class; empty where it has none."""
        card = self.usual_card()
        return dict(zip(card.class_names, card.words, strict=False))

    def with_label_texts(self) -> TaskConfig:
        """The same task with a text for each class, those of the catalog where none were given.

        Raises:
            WrongSettingError: when a class has none, a text is of no class, or two are the same.
        """
        option = '--label-text CLASS="a text that says what it is"'
        texts = self.label_texts or self.usual_label_texts()
        found = check_classes(texts, self.usual_card().class_names, "task.label_texts", "label text", option)
        return self.model_copy(update={"label_texts": found})

    def usual_card(self) -> Task:
        """The task's declaration without what these settings say of its classes."""
        counted = self.counted
        rows, tests, tokens = (counted.train_rows, counted.test_rows, counted.typical_tokens) if counted else (0, 0, 0)
        if self.file is not None:
            return Task(
                name=self.name,
                title=self.name.removeprefix(OWN),
                class_names=counted.classes if counted else (),
                train_rows=rows,
                test_rows=tests,
                typical_tokens=tokens,
                public=False,
                derived_from=(),
                source="a file of one's own",
            )
        card = TASKS[self.name]
        return card if counted is None else replace(card, train_rows=rows, test_rows=tests, typical_tokens=tokens)

    def data_key(self) -> str:
        """What runs on the same data have in common: the name of a published task, the content of one's own file."""
        return f"sha256:{self.counted.sha256}" if self.file is not None and self.counted else self.name

    def identity(self) -> dict[str, Any]:
        """What names the experiment: the content and how it is read, not where it lies or what its owner calls it."""
        if self.is_bundled:
            return {key: value for key, value in self.named_by().items() if key in NAMED_BY}
        content = self.named_by()
        del content["path"]
        if self.file is not None:
            del content["name"], content["file"]["path"], content["file"]["test_path"]
        return content

    def withheld(self) -> TaskConfig:
        """The same task without what only its owner may see: name, place, columns, classes, checksum, lengths."""
        if self.file is None or self.counted is None:
            return self
        names = tuple(f"class {number}" for number in range(len(self.counted.classes)))
        file = self.file.model_copy(
            update={
                "path": "withheld",
                "text_column": "text",
                "pair_column": self.file.pair_column and "second text",
                "label_column": "label",
                "test_path": self.file.test_path and "withheld",
                "classes": self.file.classes and names,
            }
        )
        unknown_sha = {"sha256": "0" * 64, "test_sha256": None}
        counted = self.counted.model_copy(update={**unknown_sha, "classes": names, "typical_tokens": 1})
        texts = self.label_texts and {name: f"text of {name}" for name in names}
        words = self.words and {name: f"word-of-class-{number}" for number, name in enumerate(names)}
        template = self.template and ("{text} {mask} {pair}" if self.has_pairs else "{text} {mask}")
        alike = self.alike and names[self.counted.classes.index(self.alike)]
        said = {"label_texts": texts, "template": template, "words": words, "alike": alike}
        return self.model_copy(update={"name": WITHHELD, "file": file, "counted": counted, **said})
