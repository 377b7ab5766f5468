"""What a page shows as an address: complete, versioned, defaults included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st

from app.ui.text import plain

VERSION, VIEW = "1", "runs_view"
LONGEST, MOST_DIGITS = 4000, 9


@dataclass(frozen=True)
class RunsView:
    """Everything that decides what the page Runs shows.

    Attributes:
        a: ids of the first run, or of the seeds of the first experiment.
        b: the same of what it is compared with; empty for none.
        study: the study that is open instead, if any.
        grouped: whether seeds of one experiment are one row of the table.
        chosen: for each filter its chosen values; an empty tuple leaves everything in.
    """

    a: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    study: str | None = None
    grouped: bool = True
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def write_link(view: RunsView) -> dict[str, str]:
    """The parameters of an address for a view."""
    parameters = {"v": VERSION, "grouped": "1" if view.grouped else "0"}
    parameters |= {name: ",".join(values) for name, values in (("a", view.a), ("b", view.b)) if values}
    if view.study:
        parameters["study"] = view.study
    return parameters | {name: ",".join(values) for name, values in sorted(view.chosen.items())}


def read_link(parameters: Mapping[str, str], filters: tuple[str, ...]) -> RunsView:
    """The view that an address names. What it does not name is empty; nothing of it is trusted to exist.

    Args:
        parameters: of the address.
        filters: names of the filters that the page has.
    """

    def parts(name: str) -> tuple[str, ...]:
        return tuple(part for part in parameters.get(name, "")[:LONGEST].split(",") if part)

    return RunsView(
        a=parts("a"),
        b=parts("b"),
        study=parameters.get("study") or None,
        grouped=parameters.get("grouped", "1") != "0",
        chosen={name: parts(name) for name in filters if name in parameters},
    )


def write_selection(run_ids: Sequence[str]) -> dict[str, str] | None:
    """The parameters of an address of Epsilon and accuracy over these runs alone; None where they are too many."""
    named = ",".join(run_ids)
    return {"v": VERSION, "yours": "1", "runs": named} if 0 < len(named) <= LONGEST else None


def write_number(number: float) -> str:
    """A number in an address, every digit of it: 3, 0.1, 2.123456789."""
    return repr(float(number)).removesuffix(".0")


def read_whole(text: str | None) -> int | None:
    """A whole number in an address; None for anything else, also for one of more digits than any number here has."""
    return int(text) if text and len(text) <= MOST_DIGITS and text.isdecimal() else None


def cut_list(text: str) -> list[str]:
    """The whole names in a list of an address; of one that is too long those that fit."""
    whole = text if len(text) <= LONGEST else text[: LONGEST + 1].rpartition(",")[0]
    return list(dict.fromkeys(part for part in whole.split(",") if part))


def is_known_version(parameters: Mapping[str, str]) -> bool:
    """Whether an address was written by a version of the lab that this one can read; a bare one was."""
    return parameters.get("v", VERSION) == VERSION


def show_copy_link(parameters: Mapping[str, str], words: str = "Copy link") -> None:
    """A quiet popover with the whole address and the browser's copy button."""
    with st.popover(plain(words), type="tertiary"):
        st.code(f"{st.context.url or ''}?{urlencode(parameters)}", language=None, wrap_lines=True)
