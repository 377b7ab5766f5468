import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests import warm
from tests.conftest import require

ROOT = Path(__file__).parents[2]
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PATIENCE_MS = 60_000
"""How long a test waits for what comes in a second on an idle machine; a busy one has taken 30."""
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def take_port(number=0):
    """A port that nobody listens on, this one if it is given; None where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return None
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def ports():
    """Where servers of earlier tests stood: the browser has the scripts that it fetched there, and the next one stands
    there again."""
    return []


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    require(path, "Debian's chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@contextmanager
def serving(started, ports):
    """Gives what starts the app on a store; each server is put into a list and ended by its own process id."""

    def start(runs_folder, **environment):
        port = next(filter(take_port, ports), None) or take_port()
        ports.append(port)
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py")]
        options = ["--server.port", str(port), "--server.headless", "true"]
        server = warm.Process(
            [*command, *options],
            cwd=ROOT,
            env={**os.environ, "DPFLAT_RUNS": str(runs_folder), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(server)
        address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return address
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the app did not answer within 90 seconds")

    try:
        yield start
    finally:
        for server in started:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture
def servers():
    """The servers of a test."""
    return []


@pytest.fixture
def serve(servers, ports):
    """Start the app on a store; gives its address."""
    with serving(servers, ports) as start:
        yield start


@pytest.fixture(scope="module")
def serve_for_all(ports):
    """The same for all tests of a module: for those that change nothing in the store."""
    with serving([], ports) as start:
        yield start


def is_ours(message):
    """Streamlit itself first looks for its endpoints under the page's own path, and then finds them."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


@pytest.fixture(scope="session")
def context(browser):
    """What all tabs share: the scripts of the app are fetched once from an address, not once a tab."""
    opened = browser.new_context()
    opened.set_default_timeout(PATIENCE_MS)
    return opened


@pytest.fixture
def open_page(context):
    """Open an address in a new tab and wait until the script is done; gives the page and its console errors."""
    pages = []

    def open_at(address, width=1280, dark=False):
        page, errors = context.new_page(), []
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.on("console", lambda message: errors.append(message.text) if is_ours(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_selector(DONE)
        return page, errors

    yield open_at
    for page in pages:
        page.close()
