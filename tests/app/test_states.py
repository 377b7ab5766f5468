"""Every page in every state of the store."""

import pytest

from app.page import PAGES
from dpflat.runs import layout
from tests.app.pages import make_run, open_page, texts, use_shipped


def tear(run):
    path = run.folder / "artifacts" / layout.PREDICTIONS
    path.write_bytes(path.read_bytes()[:40])


OF_START = ("backbone.name=dpflat-tiny", "readout.kind=label_text")
STORES = {
    "no runs": lambda own, shipped: None,
    "shipped": lambda own, shipped: None,
    "running": lambda own, shipped: make_run(own, "running"),
    "failed": lambda own, shipped: make_run(own, "failed"),
    "lost": lambda own, shipped: make_run(own, "lost"),
    "broken folder": lambda own, shipped: (make_run(own).folder / layout.CONFIG).write_text("{"),
    "no results": lambda own, shipped: (make_run(own).folder / "artifacts" / layout.RESULTS).unlink(),
    "torn predictions": lambda own, shipped: tear(make_run(shipped, "finished", 3, 0.7, *OF_START)),
    "forbidden folder": lambda own, shipped: make_run(own).folder.chmod(0),
}
TITLES = {name: page.heading or page.title for name, page in PAGES.items()}
SAYS = {
    ("start", "torn predictions"): "changed since it finished: artifacts/predictions.npz",
    ("runs", "no results"): "unreadable: results.json",
    ("start", "no runs"): "No shipped runs are here.",
    ("start", "shipped"): "privacy costs",
    ("runs", "no runs"): "No runs of your own yet.",
    ("runs", "shipped"): "No runs of your own yet.",
    ("runs", "running"): "step 3 of 10",
    ("runs", "failed"): "Failed.",
    ("runs", "lost"): "). Nothing written was lost.",
    ("runs", "broken folder"): "unreadable: config.json",
    ("landscape", "no runs"): "No finished run has prefixes in its layers yet.",
    ("layers", "no runs"): "No finished run has prefixes in its layers yet.",
    ("layers", "shipped"): "Choosing layers costs epsilon",
    ("tradeoff", "no runs"): "No finished run is here to show.",
    ("tradeoff", "shipped"): "privacy costs",
    ("tradeoff", "running"): "No finished run is here to show.",
    ("tradeoff", "torn predictions"): "changed since it finished: artifacts/predictions.npz",
    ("new", "running"): "1 run ahead of yours: one is done at a time.",
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", list(TITLES))
def test_a_page_shows_its_title_and_breaks_in_no_state_of_the_store(stores, monkeypatch, name, store, read_only):
    STORES[store](*stores)
    if store == "shipped":
        use_shipped(monkeypatch)
    if read_only:
        monkeypatch.setenv("DPFLAT_READONLY", "1")
        monkeypatch.setenv("DPFLAT_PUBLISH", str(stores[0]))
    page = open_page(name)
    assert not page.exception
    assert [t.value for t in page.title] == [TITLES[name]]
    if not read_only:
        tables = " ".join(str(t.value.to_dict()) for t in page.dataframe)
        assert SAYS.get((name, store), "") in texts(page) + tables
    assert sum(button.proto.type == "primary" for button in page.button) <= 1
