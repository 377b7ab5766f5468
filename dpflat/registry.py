"""Things that are found by name: those that come with the lab, and those that a file of one's own adds. No torch."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from dpflat.errors import DPFlatError, unknown
from dpflat.extensions import is_loading, load_extensions

T = TypeVar("T")
_filling = threading.RLock()
"""One for all: what fills one registry may read another, and no page may see one that is half full."""


class Registry(Mapping[str, T], Generic[T]):
    """What is registered under one heading, by name.

    It is filled when it is first read: by the modules of its package, each of which registers what it holds, and then
    by extensions.
    """

    def __init__(self, what: str, package: str | None = None, order: Callable[[T], int] = lambda _: 0) -> None:
        """A heading.

        Args:
            what: one of its entries, in words.
            package: whose modules register what comes with the lab; None where that is done elsewhere.
            order: entries are listed by this, then by name.
        """
        self._what, self._package, self._order = what, package, order
        self._entries: dict[str, T] = {}
        self._is_filled = self._is_filling = False

    def register(self, name: str, entry: T) -> T:
        """Add an entry; gives it back.

        Raises:
            DPFlatError: when another one has the name.
        """
        if is_loading():  # an extension may come before anybody has read what the lab brings
            self._fill_own()
        if name in self._entries:
            raise DPFlatError(f"There are two of the {self._what} '{name}'. Give one of them another name.")
        self._entries[name] = entry
        self._entries = dict(sorted(self._entries.items(), key=lambda item: (self._order(item[1]), item[0])))
        return entry

    def find(self, name: str) -> T:
        """An entry.

        Raises:
            DPFlatError: when there is none of this name.
        """
        self._fill()
        if name not in self._entries:
            raise unknown(self._what, name[:60], list(self._entries))
        return self._entries[name]

    def _fill(self) -> None:
        if self._is_filled:
            return
        with _filling:
            if self._is_filled or self._is_filling:
                return
            self._is_filling = True
            try:
                self._fill_own()
                load_extensions()
                self._is_filled = True
            finally:
                self._is_filling = False

    def _fill_own(self) -> None:
        if self._package is not None:
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                importlib.import_module(f"{self._package}.{module.name}")

    def __getitem__(self, name: str) -> T:
        """An entry, or KeyError."""
        self._fill()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        """Names, in their order."""
        self._fill()
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        """Number of entries."""
        self._fill()
        return len(self._entries)
