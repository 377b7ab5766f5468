"""A registry that one thread fills is whole for every other."""

import threading
import time

import pytest

from dpflat import registry
from dpflat.errors import DPFlatError
from dpflat.registry import Registry


def test_who_reads_while_another_thread_fills_waits_until_it_is_whole(monkeypatch):
    kept = Registry("thing")
    under_way = threading.Event()

    def fill():
        kept.register("first", 1)
        under_way.set()
        assert list(kept) == ["first"]
        time.sleep(0.2)
        kept.register("second", 2)

    monkeypatch.setattr(registry, "load_extensions", fill)
    filling = threading.Thread(target=lambda: list(kept))
    filling.start()
    assert under_way.wait(5)
    assert kept.find("second") == 2
    filling.join()


def test_what_could_not_be_filled_is_tried_again(monkeypatch):
    kept = Registry("thing")
    tries = []

    def fill():
        tries.append(1)
        if len(tries) == 1:
            raise DPFlatError("not now")
        kept.register("one", 1)

    monkeypatch.setattr(registry, "load_extensions", fill)
    with pytest.raises(DPFlatError, match="not now"):
        len(kept)
    assert dict(kept) == {"one": 1}
