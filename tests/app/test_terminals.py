"""Terminals that cannot write every letter: a command says what it can and does not break."""

import os
import subprocess
import sys

import pytest

from app.terminal.say import SPELLED
from dpflat.privacy.wording import BADGES
from tests.app.pages import make_run

pytestmark = pytest.mark.integration


def run_in(encoding, *words):
    script = "import sys; from app.cli import main; sys.argv = ['dpflat', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False, timeout=120
    )


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_every_listing_works_where_a_terminal_has_few_letters(encoding, tmp_path):
    run = make_run(tmp_path)
    for words in (["list"], ["ledger", run.id], ["show", run.id], ["claims"], ["doctor"]):
        done = run_in(encoding, *words, "--runs", tmp_path)
        assert b"UnicodeEncodeError" not in done.stderr, words
        assert b"Traceback" not in done.stderr, words
        assert done.stdout, words
        done.stdout.decode(encoding)


def test_a_caveat_stays_marked_and_the_widths_of_a_table_stay(tmp_path):
    make_run(tmp_path)
    plain, poor = (run_in(e, "list", "--runs", tmp_path).stdout.decode(e).splitlines() for e in ("utf-8", "ascii"))
    marked = [number for number, line in enumerate(plain) if "△" in line]
    assert marked
    assert all(poor[number] == plain[number].replace("△", "!").replace("…", "?") for number in marked)


def test_no_two_badges_read_the_same_where_they_are_spelled():
    assert len({SPELLED[badge] for badge, _ in BADGES.values()}) == len(BADGES)
