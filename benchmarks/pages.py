"""How fast the pages are with 200 runs in the store, in a real browser.

    python benchmarks/pages.py [--runs 200] [--switches 60] [--chromium /usr/bin/chromium]

Printed: seconds to the first content of Start for the first visitor of a fresh server and for later ones (median),
seconds of a page switch (median and 95th percentile: from the click to the page's title and a script that is done),
and resident megabytes of the server process after all of that. Goals: 1 s, 0.5 s, 350 MB.

The peer is a bare Streamlit app of six pages that hold a title and nothing else, measured in turn in the same run:
what it takes is what the browser and Streamlit themselves take on this computer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from dpflat.runs import layout
from dpflat.runs.files import is_there, read_json, replace_json
from dpflat.runs.pack_folders import unpack_folder

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SAME = ("New run", "Runs", "Layers", "Privacy", "Epsilon and accuracy")
TITLES = {"Start": "DP-Flat Lab"} | {title: title for title in SAME}
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
VISITS, SEEDS = 7, 5


def fill_store(root: Path, count: int) -> None:
    """Copies of the shipped runs, as experiments of five seeds each."""
    shipped = sorted(f for f in (ROOT / "cached_runs").glob("2*") if is_there(f / layout.MANIFEST))
    for number in range(count):
        source = shipped[number // SEEDS % len(shipped)]
        target = root / f"{source.name[:-6]}{number:06d}"
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("private", "log.txt"))
        unpack_folder(target)
        content = read_json(target / layout.CONFIG)
        content["data"]["max_tokens"] = 64 + number // SEEDS
        replace_json(target / layout.CONFIG, {**content, "seed": number % SEEDS})


BARE = """import streamlit as st
def page(title):
    return lambda: st.title(title)
titles = {titles}
st.navigation([st.Page(page(t), title=n, url_path=n.lower().replace(" ", "")) for n, t in titles.items()]).run()
"""


def serve(script: Path, store: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A Streamlit app on a free port of this computer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    server = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "DPFLAT_RUNS": str(store)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(400):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
            return server, address
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the app did not answer within 40 seconds")


def visit(browser: Browser, address: str) -> tuple[float, Page]:
    """Seconds until the title stands on the page, for a browser that has nothing cached; and the page."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    began = time.monotonic()
    page.goto(address)
    page.get_by_role("heading", name=TITLES["Start"]).wait_for()
    return time.monotonic() - began, page


def switch(page: Page, to: str) -> float:
    """Seconds from a click in the navigation until the other page is complete."""
    began = time.monotonic()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=to, exact=True).click()
    page.get_by_role("heading", name=TITLES[to], exact=True, level=1).wait_for()
    page.wait_for_selector(IDLE)
    return time.monotonic() - began


def measure(browser: Browser, address: str, server: int, switches: int) -> dict[str, object]:
    """All numbers of one app."""
    first, page = visit(browser, address)
    page.wait_for_selector(IDLE)
    later = []
    for _ in range(VISITS):
        seconds_taken, other = visit(browser, address)
        later.append(seconds_taken)
        other.wait_for_selector(IDLE)
        other.context.close()
    for to in TITLES:
        switch(page, to)
    seconds: dict[str, list[float]] = {to: [] for to in TITLES}
    for to in [*SAME, "Start"] * (switches // len(TITLES)):
        seconds[to].append(switch(page, to))
    everything = sorted(s for values in seconds.values() for s in values)
    return {
        "first content, first visitor, s": round(first, 2),
        "first content, later visitors, median s": round(statistics.median(later), 2),
        "page switch, median s": round(statistics.median(everything), 3),
        "page switch, 95th percentile s": round(everything[int(0.95 * len(everything))], 3),
        "page switch by page, median s": {to: round(statistics.median(v), 3) for to, v in seconds.items()},
        "switches": len(everything),
        "resident memory of the server, MB": round(psutil.Process(server).memory_info().rss / 2**20),
    }


def main() -> None:
    """Measure both apps and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--switches", type=int, default=60)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    result: dict[str, object] = {"runs in the store": arguments.runs}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store, bare = Path(folder) / "runs", Path(folder) / "bare.py"
        fill_store(store, arguments.runs)
        bare.write_text(BARE.format(titles=TITLES))
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        for name, script in (("bare Streamlit", bare), ("DP-Flat Lab", ROOT / "app" / "main.py")):
            server, address = serve(script, store)
            try:
                result[name] = measure(browser, address, server.pid, arguments.switches)
            finally:
                server.terminate()
                server.wait(timeout=20)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
