"""What a fresh process waits for when it reads the shipped runs, in this checkout and in another one.

    python benchmarks/cold_reading.py OTHER [--pairs 5]

Every number is of a process of its own, this checkout and the other in turn, in the environment that runs this script;
a first pair warms the disk's cache and is not counted. Printed for each task: median seconds of the clock and of the
processor in both, and their ratios, this checkout over the other. `rows` reads and summarises every shipped run once
its modules are loaded; `page` draws a page for the first time in a process that has drawn Start, with Start once more;
`dpflat` is a command once Python runs. One's own runs are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = """
from pathlib import Path
from app.summary import summarise
try:
    from dpflat import list_runs
except ImportError:  # a checkout from before there were public names
    from dpflat.runs.store import list_runs
begin()
rows = [summarise(run) for run in list_runs(Path("cached_runs"))]
end()
assert rows and all(row["state"] == "finished" for row in rows)
"""
START = """
from tests.app.pages import open_page
begin()
page = open_page("start")
end()
assert page.title and not page.exception
"""
PAGE = """
from tests.app.pages import open_page
open_page("start")
begin()
page = open_page({name!r})
end()
assert page.title and not page.exception
"""
COMMAND = """
begin()
import sys
from app.cli import main
sys.argv = ["dpflat", *{words!r}]
try:
    main()
except SystemExit as done:
    assert not done.code
end()
"""
CLOCK = """
import json, time
def begin():
    global began
    began = time.perf_counter(), time.process_time()
def end():
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    print("\\n" + json.dumps([wall, cpu]))
"""
TASKS = {
    "rows": ROWS,
    "page start": START,
    **{f"page {name}": PAGE.format(name=name) for name in ("runs", "tradeoff", "claims", "privacy")},
    **{f"dpflat {words}": COMMAND.format(words=words.split()) for words in ("--help", "list")},
}


def measure(checkout: Path, code: str, store: str) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a task takes in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CLOCK + code],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "DPFLAT_RUNS": store},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{checkout} failed:\n{done.stderr[-2000:]}")
    wall, cpu = json.loads(done.stdout.strip().splitlines()[-1])
    return wall, cpu


def compare(other: Path, code: str, store: str, pairs: int) -> dict[str, list[float]]:
    """Median seconds (clock, processor) of a task in this checkout and in the other, and the ratios."""
    found: dict[Path, list[tuple[float, float]]] = {ROOT: [], other: []}
    for pair in range(pairs + 1):
        for checkout in (ROOT, other) if pair % 2 else (other, ROOT):
            seconds = measure(checkout, code, store)
            if pair:
                found[checkout].append(seconds)
    ours, theirs = ([statistics.median(kind) for kind in zip(*found[place], strict=True)] for place in (ROOT, other))
    return {"this": ours, "other": theirs, "ratio": [a / b for a, b in zip(ours, theirs, strict=True)]}


def main() -> None:
    """Measure all tasks and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    arguments = parser.parse_args()
    other = arguments.other.resolve()
    with tempfile.TemporaryDirectory() as store:
        for task in arguments.tasks:
            result = compare(other, TASKS[task], store, arguments.pairs)
            rounded = {name: [round(value, 3) for value in values] for name, values in result.items()}
            print(json.dumps({"task": task, "seconds of clock and processor": rounded}), flush=True)


if __name__ == "__main__":
    main()
