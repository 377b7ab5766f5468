"""One pass over a page: what its address asks, the runs that are here, and the address that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from app.address import decode
from app.page import Page, link_to
from app.ui.links import show_copy_link
from app.ui.states import empty_store, missing_run, needs_own_store, unknown_link
from app.ui.store import read_only, summarise_cached, visible_runs
from app.ui.text import plain
from dpflat.runs.record import Run

SEEN = "address_seen"
Row = dict[str, Any]


@dataclass
class Visit:
    """What a page is drawn from.

    Attributes:
        page: which.
        link: what it takes from an address that this tab has not written itself; empty where it has.
    """

    page: Page
    link: Mapping[str, Any]

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The runs that pages may show, by id: one's own first, the newest first; shipped ones last."""
        found: dict[str, Run] = {}
        for run in visible_runs():
            found.setdefault(run.id, run)
        return found

    @cached_property
    def rows(self) -> dict[str, Row]:
        """Each of them as a row."""
        return {run_id: summarise_cached(run) for run_id, run in self.runs.items()}

    @cached_property
    def usable(self) -> list[Row]:
        """The rows that the page can show."""
        needs = self.page.needs
        return [row for row in self.rows.values() if needs is None or needs.fits(row)]

    def find_run(self, name: str) -> Run | None:
        """The run that a parameter of the address names; None where it names none, and said where it is not here."""
        wanted = self.link.get(name)
        if wanted and wanted not in self.runs:
            missing_run(wanted)
        return self.runs.get(wanted) if wanted else None

    def settle(self) -> None:
        """From here on the address is known: what a person changes counts, not what it asked."""
        st.session_state[SEEN] = (self.page.name, st.query_params.to_dict())

    def write_address(self, copied: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        """The complete, versioned address of what is shown, and the button that copies it.

        Args:
            copied: values that the copied address holds instead, so that what it shows stays as it is.
            **values: of the page's parameters.
        """
        address = link_to(self.page.name, **values)
        if st.query_params.to_dict() != address.query:
            st.query_params.from_dict(address.query)
        self.settle()
        show_copy_link(link_to(self.page.name, **(values | dict(copied or {}))))


def open_page(page: Page) -> None:
    """Paint the title at once, read the address, say what of it is refused, and draw."""
    st.title(plain(page.heading or page.title), anchor=False)
    st.caption(plain(page.question))
    if read_only() and not page.read_only:
        needs_own_store()
        return
    given = st.query_params.to_dict()
    taken = decode(page.parameters, given if (page.name, given) != st.session_state.get(SEEN) else {})
    if not taken.is_known_version:
        unknown_link()
    for problem in taken.problems:
        st.warning(plain(problem))
    visit = Visit(page, taken.values)
    if page.needs is not None and not visit.usable:
        st.write(plain(page.needs.otherwise))
        empty_store()
    else:
        page.draw(visit)
    visit.settle()
