"""Runs as a person names them on the command line: ids, starts of ids, names, `latest`, or a link of a page."""

from __future__ import annotations

from app.page import read_address
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.runs.store import Store

NONE, LATEST = "none", "latest"
MOST_TOLD = 10


def read_link(text: str) -> dict[str, list[str]]:
    """The ids that a link of a page names as A and B; empty where the text is no link."""
    if "?" not in text:
        return {}
    values = read_address(text)[1].values
    named = {letter: values[letter] for letter in ("a", "b") if letter in values}
    return {letter: [ids] if isinstance(ids, str) else list(ids) for letter, ids in named.items() if ids != NONE}


def find_run(text: str, store: Store) -> Run:
    """One run: by its id, the name that it alone has, the start of its id, `latest`, or a link that shows it.

    Raises:
        DPFlatError: when it is none of these, or several.
    """
    own = store.list_runs(shipped=False)
    if text != LATEST and all(run.id != text for run in own):
        named = [run for run in own if text and _name_of(run) == text]
        if len(named) > 1:
            more = f" and {len(named) - MOST_TOLD} more" if len(named) > MOST_TOLD else ""
            ids = ", ".join(run.id for run in named[:MOST_TOLD])
            raise DPFlatError(f"'{text[:120]}' is the name of {len(named)} runs: {ids}{more}. Give an id.")
        if named:
            return named[0]
    return store.load_run(_first(read_link(text).get("a"), text) if "?" in text else text)


def _name_of(run: Run) -> str | None:
    try:
        return run.label.get("name")
    except DPFlatError:  # a damaged label names nothing
        return None


def _first(ids: list[str] | None, text: str) -> str:
    if not ids:
        raise DPFlatError(f"This link names no run: '{text[:120]}'.")
    return ids[0]


def find_sides(first: str, second: str | None, store: Store) -> list[list[Run]]:
    """A and B, each a run or, from a link, seeds of one experiment.

    Args:
        first: A; a link may name both.
        second: B; None where A's link names it.
        store: where they are looked for.

    Raises:
        DPFlatError: when a side is missing or not here.
    """
    link = read_link(first)
    a = link.get("a") or [_first(None, first)] if "?" in first else [first]
    if second is None:
        b = link.get("b") or []
    else:
        b = [_first(read_link(second).get("a"), second)] if "?" in second else [second]
    if not b:
        raise DPFlatError("Expected two runs, or a link that names A and B: dpflat compare A B.")
    return [[find_run(name, store) for name in dict.fromkeys(ids)] for ids in (a, b)]
