"""Sentences of a job as parts: a code, what anybody may read, what only its owner may; joined here alone.

A job's folder holds the parts, so that whoever shows it decides what is shown. A sentence without a code of its own is
private as a whole.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

PLAIN, WITHHELD = "plain", "withheld"
OWNERS_ONLY = "What happened is shown to the owner only."
WORDS = {
    PLAIN: "{sentence}",
    "cell": "Row {row} of '{file}', column '{column}', {problem}.",
    "disk_full": "The disk is full. Nothing written was lost. Make room, then: {again}",
    "no_memory": "There was not enough memory. Choose a smaller execution.microbatch.",
    "file_trouble": "A file could not be read or written ({reason}). The log has the details: {log}",
    "broke": "The work broke ({error}). The log has the details: {log}",
    "unwritten": "The work failed and could not write why, as on a full disk. Make room, then go on with it.",
    "not_begun": "Stopped before the first step.",
    "study_unfinished": "{left} of {runs} runs did not finish. Start the study again to try those anew.",
    "model_changed": (
        "The weights, settings or tokenizer of '{model}' are no longer those that this run was planned with. "
        "Put the old ones back, or start a new run, without backbone.sha256 in its settings."
    ),
    "texts_changed": (
        "The texts of '{task}' are no longer those that this run's epsilon was planned for. "
        "Put the old ones back, or start a new run, without task.counted in its settings."
    ),
}

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey rather than show, in a file's name or a label."""
Value = Annotated[str, Field(max_length=20_000)] | int


class Message(BaseModel):
    """A sentence in parts.

    Attributes:
        code: which sentence of `WORDS` it is.
        public: what of it anybody may read, by name.
        private: what only the owner may: file, column, row, place, or the sentence where it has no code.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: Annotated[str, Field(max_length=40)]
    public: Annotated[dict[str, Value], Field(max_length=20)] = {}
    private: Annotated[dict[str, Value], Field(max_length=20)] = {}

    def whole(self) -> str:
        """The sentence for the owner."""
        return self._join(self.public | self.private)

    def withheld(self) -> str:
        """The sentence for anybody else.

        Privacy: nothing of `private` is in it.
        """
        if self.code == PLAIN:
            return OWNERS_ONLY
        return self._join(self.public | dict.fromkeys(self.private, WITHHELD))

    def _join(self, values: dict[str, Value]) -> str:
        shown = {name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()}
        try:
            return CONTROLS.sub(" ", WORDS[self.code].format_map(shown))
        except KeyError:  # of a newer version, or changed by hand
            return f"A message that this version does not know ({self.code})."


def plain(sentence: str) -> Message:
    """A sentence without a code: private as a whole."""
    return Message(code=PLAIN, private={"sentence": sentence})


def read_message(content: dict[str, Any]) -> Message | None:
    """The message of a line of events or of a status, also of a folder from before there were parts.

    Raises:
        ValueError: when its parts are not as they were written.
    """
    if content.get("said") is not None:
        return Message.model_validate(content["said"])
    sentence = content.get("message")
    return plain(sentence) if isinstance(sentence, str) and sentence else None
