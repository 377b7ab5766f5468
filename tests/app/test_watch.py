import io
import re

from rich.console import Console

from app.terminal.watch import follow_run
from tests.app.pages import make_run

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_words_and_bar_are_whole_in_a_terminal_of_80_columns(tmp_path):
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=True, color_system=None)
    assert follow_run(make_run(tmp_path), console) == "finished"
    lines = [CONTROLS.sub("", line).strip() for line in shown.getvalue().splitlines()]
    assert "loss 0.700, test accuracy 75.0 %, epsilon spent 1.50 of 3.00, clipped 100 %" in lines
    bar = next(line for line in reversed(lines) if "steps" in line)
    assert re.fullmatch(r"[━╸╺ ]{20,24} +3/10 steps \d:\d\d:\d\d", bar)
