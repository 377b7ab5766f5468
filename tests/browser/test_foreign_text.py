"""Names, notes, files, columns, classes, events and links from outside: shown as they are written, fetched never."""

import csv

import pytest

from dpflat.execution.studies import build_study, open_study
from dpflat.execution.study_job import describe_row
from dpflat.privacy.ledger import EntryClass, LedgerEntry
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import Store
from dpflat.training.forecast import plan_ledger, plan_privacy
from tests.app.pages import give_layers, make_run, measure_layers
from tests.browser.conftest import DONE
from tests.conftest import small_config
from tests.dpflat.test_file_tasks import configure

pytestmark = pytest.mark.browser

FOREIGN = "http://127.0.0.1:9"
LINKS = "a:not([href^='#']):is([href*='127.0.0.1:9/'], [href*='evil'])"
OUTSIDE = f"[data-testid='stMainBlockContainer'] :is(img, iframe, .katex, {LINKS})"


def hostile(name):
    """A text that Markdown would make an image, a formula, a link, a heading and a colour."""
    image, tag = f"![{name}]({FOREIGN}/{name}.png)", f"<b>b</b> <img src={FOREIGN}/h>"
    return f"{name}{image} $x$ [l]({FOREIGN}/l) www.evil.org :red[r] {tag}"


def make_own_file_run(root, tmp_path):
    """A run that failed, on a file whose name, columns, classes, label, events and ledger are all hostile."""
    path = tmp_path / "f![f](f.png) $x$ <b>b<b> :red[r].csv"
    words, labels = hostile("column"), [f"![{n}]({FOREIGN}/{n}.png)" for n in ("bad", "good")]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([words, "mood"])
        rows.writerows([f"it was number {n} indeed", labels[n % 2]] for n in range(120))
    config = configure(path, text_column=words, classes=labels)
    label = {"name": hostile("name"), "note": hostile("note"), "group": hostile("group")}
    run = Store(root).create_run(config, label)
    entry = LedgerEntry(
        step=hostile("step"), touched=hostile("touched"), mechanism=hostile("how"), entry_class=EntryClass.BREAKING
    )
    outside = entry.model_copy(update={"entry_class": EntryClass.DIAGNOSTIC})
    ledger = plan_ledger(config, *plan_privacy(config)).add(entry, outside)
    replace_json(run.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    append_line(run.folder / layout.METRICS, {"step": 1, "seconds": 1.0, "loss": 0.7, "epsilon": 0.5})
    append_line(run.folder / layout.EVENTS, {"event": "failed", "time": 0.0, "step": 1, "message": hostile("event")})
    write_status(run.folder, own_status("failed", step=1, steps=10, message=hostile("message")))
    return run


@pytest.fixture
def hostile_store(tmp_path):
    root = tmp_path / "runs"
    failed = make_own_file_run(root, tmp_path)
    others = []
    for accuracy, epsilon in ((0.7, 3), (0.8, 8)):
        run = give_layers(make_run(root, "finished", 3, accuracy, f"privacy.epsilon={epsilon}"), 2)
        replace_json(run.folder / layout.LABEL, {"name": hostile("other"), "note": hostile("note")})
        write_manifest(run.folder)
        measure_layers(run, root, 2)
        others.append(run)
    study = open_study(root, build_study({"name": "s", "cells": [{"backbone.name": "random_tiny"}]}, "it"))
    row = {"method": hostile("m"), "backbone": hostile("b"), "state": hostile("st"), "run": hostile("run")}
    replace_json(study / layout.STUDY, {"rows": [describe_row(small_config(), None) | row]})
    write_status(study, own_status("failed", step=0, steps=1, message=hostile("study")))
    return root, failed, others, study


@pytest.mark.timeout(200)
@pytest.mark.slow
def test_no_page_asks_a_foreign_server_whatever_names_and_links_hold(hostile_store, serve, browser):
    root, failed, (a, b), study = hostile_store
    address = serve(root)
    link = "x%0A%0A%23%20PWNED%0A%0A!%5Bi%5D(http%3A%2F%2F127.0.0.1%3A9%2Fi.png)"
    pages = {
        f"runs?v=1&grouped=0&from=&a={failed.id}": "name",
        f"runs?v=1&grouped=0&a={a.id}&b={b.id}": "Two",
        f"runs?v=1&study={study.name}": "study",
        f"runs?v={link}&a={link}&b={link}&study={link}": "PWNED",
        f"layers?v=1&a={a.id}&b={link}&rows={link}": "PWNED",
        f"landscape?v=1&a={link}&b={b.id}&tab={link}": "PWNED",
        f"privacy?v=1&a={failed.id}": "touched",
        f"privacy?v=1&a={link}&tab=odds": "PWNED",
        f"tradeoff?v=1&runs={a.id},{link}&task=rotten_tomatoes": "PWNED",
        f"claims?v={link}&show={link}": "another version",
        f"new?remove={link}": "Layers to remove",
        f"start?a={link}": "DP-Flat Lab",
    }
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for where, words in pages.items():
        page.goto(f"{address}/{where}")
        page.get_by_text(words).first.wait_for()
        page.wait_for_selector(DONE)
        page.locator("details:not([open]) > summary").evaluate_all("found => found.forEach(one => one.click())")
        page.wait_for_selector(DONE)
        assert page.locator(OUTSIDE).evaluate_all("found => found.map(one => one.outerHTML)") == [], where
        assert page.get_by_role("heading", name="PWNED", exact=True).count() == 0
        if words == "name":
            shown = page.get_by_role("heading", level=3).first.inner_text()
            assert shown.replace("\u2060", "") == hostile("name")
    context.close()
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert errors == []
