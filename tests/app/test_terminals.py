"""Terminals that cannot write every letter: a command says what it can and does not break."""

import json
import os
import subprocess
import sys

import pytest

from app.terminal.say import SPELLED
from dpflat.privacy.wording import BADGES
from tests.app.pages import make_run

pytestmark = pytest.mark.integration


SAY_ALL = """
import contextlib, json, sys
from app.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["dpflat", *words]
    with contextlib.suppress(SystemExit):
        main()
    print("\\n=====")
"""


def run_in(encoding, root, *commands):
    """What commands on a store write to a terminal of an encoding, one after the other in a new process."""
    told = json.dumps([[*words, "--runs", str(root)] for words in commands])
    done = subprocess.run(
        [sys.executable, "-c", SAY_ALL, told],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"UnicodeEncodeError" not in done.stderr
    assert b"Traceback" not in done.stderr
    *said, last = done.stdout.decode(encoding).split("\n=====\n")
    assert (len(said), last) == (len(commands), "")
    return said


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_every_listing_works_where_a_terminal_has_few_letters(encoding, tmp_path):
    run = make_run(tmp_path)
    assert all(run_in(encoding, tmp_path, ["list"], ["ledger", run.id], ["show", run.id], ["claims"], ["doctor"]))


def test_a_caveat_stays_marked_and_the_widths_of_a_table_stay(tmp_path):
    make_run(tmp_path)
    plain, poor = (run_in(encoding, tmp_path, ["list"])[0].splitlines() for encoding in ("utf-8", "ascii"))
    marked = [number for number, line in enumerate(plain) if "△" in line]
    assert marked
    assert all(poor[number] == plain[number].replace("△", "!").replace("…", "?") for number in marked)


def test_no_two_badges_read_the_same_where_they_are_spelled():
    assert len({SPELLED[badge] for badge, _ in BADGES.values()}) == len(BADGES)
