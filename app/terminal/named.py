"""Runs as a person names them on the command line: ids, starts of ids, names, `latest`, or a link of a page."""

from __future__ import annotations

from app.page import read_address
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.runs.store import Store

NONE, LATEST = "none", "latest"
MOST_NAMED = 10


def read_link(text: str) -> dict[str, list[str]]:
    """The ids that a link of a page names as A and B; empty where the text is no link."""
    if "?" not in text:
        return {}
    values = read_address(text)[1].values
    named = {letter: values[letter] for letter in ("a", "b") if letter in values}
    return {letter: [ids] if isinstance(ids, str) else list(ids) for letter, ids in named.items() if ids != NONE}


def find_run(text: str, store: Store) -> Run:
    """One run: by its id, `latest`, the name that it alone has, the start of its id, or a link that shows it.

    Raises:
        DPFlatError: when it is none of these, or several.
    """
    if text == LATEST or store.holds(text):
        return store.load_run(text)
    named = [run for run in store.list_runs(shipped=False) if text and _name_of(run) == text]
    if len(named) > 1:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        ids = ", ".join(run.id for run in named[:MOST_NAMED])
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
    a = _load_all(link.get("a") or [_first(None, first)], store) if link or "?" in first else [find_run(first, store)]
    if second is not None:
        return [a, [find_run(second, store)]]
    b = _load_all(link.get("b") or [], store)
    if not b:
        raise DPFlatError("Expected two runs, or a link that names A and B: dpflat compare A B.")
    return [a, b]


def _load_all(ids: list[str], store: Store) -> list[Run]:
    """The runs that a link names: by their ids, never by a name."""
    return [store.load_run(name) for name in dict.fromkeys(ids)]
