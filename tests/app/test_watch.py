import io
import os
import re
import signal

import pytest
from rich.console import Console
from typer.testing import CliRunner

from app.cli import cli
from app.terminal import watch
from app.terminal.watch import STILL_ENDING, follow_run, stopping_with
from dpflat.runs import layout
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store
from tests.app.pages import make_run
from tests.conftest import small_config

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_words_and_bar_are_whole_in_a_terminal_of_80_columns(tmp_path):
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=True, color_system=None)
    assert follow_run(make_run(tmp_path), console) == "finished"
    lines = [CONTROLS.sub("", line).strip() for line in shown.getvalue().splitlines()]
    assert "loss 0.700, test accuracy 75.0 %, epsilon spent 1.50 of 3.00, clipped 100 %" in lines
    bar = next(line for line in reversed(lines) if "steps" in line)
    assert re.fullmatch(r"[━╸╺ ]{20,24} +3/10 steps \d:\d\d:\d\d", bar)


@pytest.fixture
def alive(tmp_path):
    """A run at which this process is said to work."""
    run = Store(tmp_path).create_run(small_config())
    write_status(run.folder, own_status("running", step=2, steps=10))
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_the_command_asks_the_worker_to_stop_and_waits_for_it(alive, monkeypatch, number):
    states = []

    def end_me_then_the_worker(seconds):
        states.append(alive.state)
        if len(states) == 1:
            os.kill(os.getpid(), number)
        write_status(alive.folder, own_status("stopped", step=3, steps=10))

    monkeypatch.setattr(watch.time, "sleep", end_me_then_the_worker)
    before = signal.getsignal(signal.SIGTERM)
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
    try:
        with stopping_with(alive.folder):
            assert follow_run(alive, Console(file=io.StringIO())) == "stopped"
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert states == ["running", "stopping"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_ended_twice_it_leaves_the_worker_to_end_by_itself(alive, monkeypatch):
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: os.kill(os.getpid(), signal.SIGTERM))
    with stopping_with(alive.folder):
        assert follow_run(alive, Console(file=io.StringIO())) == "stopping"


def test_ended_before_it_follows_the_worker_is_asked_to_stop_all_the_same(alive, capsys):
    with pytest.raises(KeyboardInterrupt), stopping_with(alive.folder):
        os.kill(os.getpid(), signal.SIGTERM)
    assert (alive.folder / layout.STOP).exists()
    assert STILL_ENDING in capsys.readouterr().err


@pytest.mark.parametrize("command", [("train",), ("resume",), ("analyze",), ("study", "run"), ("study", "analyze")])
def test_the_help_of_each_command_that_follows_a_worker_says_what_stops_it(command):
    assert "Ctrl-C or SIGTERM stops" in " ".join(CliRunner().invoke(cli, [*command, "--help"]).output.split())
