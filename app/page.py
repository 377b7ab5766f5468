"""The pages: what each one is called, asks of the store and takes from an address, and what draws it. No Streamlit.

A page registers itself: one in a module of `app.views`, or one of your own in a file that `DPFLAT_EXTENSIONS` names.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from app.address import TAKEN, Parameter, Taken, decode, encode
from dpflat.errors import DPFlatError
from dpflat.registry import Registry

if TYPE_CHECKING:
    from app.ui.visit import Visit

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Needs(NamedTuple):
    """Runs without which a page has nothing to show: the sentence where there is none, and which rows are such runs."""

    otherwise: str
    fits: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Page:
    """One page. It has no icon: the browser would ask a foreign server for it.

    Attributes:
        name: in its address.
        title: in the navigation, in the browser's tab and over the page.
        question: what it answers, under the title.
        draw: draws what stands below; what is heavy it loads itself, so that the title is there at once.
        parameters: all that it takes from an address.
        group: its heading in the navigation.
        place: pages and headings are listed by this; the first page answers at `/` as well.
        heading: over the page, where it is not the title.
        needs: runs without which it is not drawn; None for a page that is drawn whatever is here.
        read_only: whether a read-only lab lists and draws it.
    """

    name: str
    title: str
    question: str
    draw: Callable[[Visit], None]
    parameters: tuple[Parameter, ...] = ()
    group: str = "More"
    place: int = 100
    heading: str | None = None
    needs: Needs | None = None
    read_only: bool = True


PAGES: Registry[Page] = Registry("page", "app.views", order=lambda page: page.place)


def add_page(page: Page) -> Page:
    """Register a page under its name.

    Raises:
        DPFlatError: when another one has the name, or it or a name of its parameters cannot stand in an address.
    """
    if not NAME.fullmatch(page.name):
        raise DPFlatError(f"'{page.name[:60]}' cannot be the name of a page. Expected lower-case letters and digits.")
    declared = [parameter.name for parameter in page.parameters]
    for name in declared:
        if name.lower() in TAKEN or declared.count(name) > 1:
            raise DPFlatError(
                f"The page '{page.name}' cannot have a parameter '{name[:60]}': an address holds it already. "
                "Give it another name."
            )
    return PAGES.register(page.name, page)


def load_later(module: str, name: str = "show_page") -> Callable[..., None]:
    """A function of a module that is imported when it is called: once the page's title stands."""
    return lambda *given: getattr(importlib.import_module(module), name)(*given)


@dataclass(frozen=True)
class Address:
    """A page with what it is asked to show.

    Attributes:
        page: which.
        query: the texts behind the question mark.
    """

    page: Page
    query: dict[str, str]


def first_page() -> Page:
    """The page that answers at `/`."""
    return next(iter(PAGES.values()))


def link_to(page: str, /, **values: Any) -> Address:
    """The address of a page.

    Args:
        page: its name.
        **values: of its parameters; None leaves one out.

    Raises:
        DPFlatError: when there is no such page, or it would not take this.
    """
    found = PAGES.find(page)
    return Address(found, encode(found.parameters, values))


def read_address(text: str) -> tuple[Page, Taken]:
    """The page that a copied link opens, and what that page takes from it.

    Raises:
        DPFlatError: when it is no link of a page.
    """
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise DPFlatError(f"This is no link of a page: '{text[:120]}'.") from error
    name = parts.path.rstrip("/").rpartition("/")[2]
    page = PAGES.find(name) if name else first_page()
    return page, decode(page.parameters, dict(parse_qsl(parts.query, keep_blank_values=True)))
