"""Ways from page to page: pages as Streamlit knows them, links, and the button that copies one."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app.page import PAGES, Address, Page, first_page, load_later
from app.ui.store import read_only
from app.ui.text import plain


def as_streamlit(page: Page, alias: bool = False) -> Any:
    """A page as Streamlit knows it.

    Args:
        page: which.
        alias: for the first page, which answers at `/` alone: the hidden one that answers under its own name.
    """
    is_first = page == first_page() and not alias
    is_listed = not alias and (page.read_only or not read_only())
    return st.Page(
        partial(load_later("app.ui.visit", "open_page"), page),
        title=plain(page.title),
        url_path="" if is_first else page.name,
        default=is_first,
        visibility="visible" if is_listed else "hidden",
    )


def list_navigation() -> dict[str, list[Any]]:
    """All pages under their headings.

    Raises:
        DPFlatError: when an extension cannot be loaded.
    """
    first = first_page()
    headings: dict[str, list[Any]] = {}
    for page in PAGES.values():
        headings.setdefault(page.group, []).append(as_streamlit(page))
    headings[first.group].append(as_streamlit(first, alias=True))
    return headings


def show_link(address: Address, label: str) -> None:
    """A link to a page of the lab.

    Args:
        address: of `link_to`.
        label: its words; escaped here.
    """
    st.page_link(as_streamlit(address.page), label=plain(label), query_params=address.query)


def go_to(address: Address) -> None:
    """Leave for another page at once."""
    st.switch_page(as_streamlit(address.page), query_params=address.query)


def show_copy_link(address: Address, words: str = "Copy link") -> None:
    """A quiet popover with the whole address of this page and the browser's copy button."""
    with st.popover(plain(words), type="tertiary"):
        st.code(f"{st.context.url or ''}?{urlencode(address.query)}", language=None, wrap_lines=True)
