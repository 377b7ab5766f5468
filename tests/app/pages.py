import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.ui.text import BREAK
from dpflat.runs import layout
from dpflat.runs.files import append_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.status import own_status, write_status
from dpflat.runs.store import open_store
from dpflat.training.forecast import plan_ledger, plan_privacy
from tests.conftest import small_config

MAIN = Path(__file__).parents[2] / "app" / "main.py"
NOBODY = 2**22 - 1
EXAMPLES = 1706


def make_run(root, state="finished", steps=3, accuracy=0.75, *settings):
    """A run's folder as a worker of this process would have left it."""
    lab = open_store(root)
    made = replace(lab, read_only=False).create_run(small_config(*settings), {"name": "my first"})
    run = replace(made, store=lab)
    replace_json(run.folder / layout.LEDGER, plan_ledger(run.config, *plan_privacy(run.config)).model_dump(mode="json"))
    for step in range(1, steps + 1):
        line = {"step": step, "seconds": 1.0 * step, "loss": 0.7, "epsilon": 0.5 * step, "clipped_share": 1.0}
        append_line(run.folder / layout.METRICS, line)
    if state == "finished":
        _measure(run, accuracy, steps)
    write_status(run.folder, own_status("running" if state == "lost" else state, step=steps, steps=10))
    if state == "finished":
        write_manifest(run.folder)
    if state == "lost":
        status = json.loads((run.folder / layout.STATUS).read_text())
        replace_json(run.folder / layout.STATUS, {**status, "pid": NOBODY})
    return run


def _measure(run, accuracy, steps):
    correct = np.arange(EXAMPLES) < round(accuracy * EXAMPLES)
    numbers = {"accuracy": float(correct.mean()), "loss": 0.5, "examples": EXAMPLES, "steps": steps, "seconds": 28.0}
    replace_json(run.folder / layout.ARTIFACTS / layout.RESULTS, numbers)
    scores = {"correct": correct, "loss": np.full(EXAMPLES, 0.5), "log_odds": np.zeros(EXAMPLES)}
    np.savez_compressed(run.folder / layout.ARTIFACTS / layout.PREDICTIONS, **scores)
    append_line(
        run.folder / layout.EVENTS,
        {"event": "evaluated", "time": 0.0, "step": steps, "examples": EXAMPLES, "loss": 0.5, "accuracy": accuracy},
    )


def plan_run(root, *settings, more=()):
    """A finished run whose ledger is that of its plan, with more entries at its end."""
    from dpflat.privacy.entries import write_ledger
    from dpflat.training.forecast import plan_privacy

    run = make_run(root, "finished", 3, 0.75, *settings)
    ledger = write_ledger(run.config, *plan_privacy(run.config), ("wikipedia",)).add(*more)
    replace_json(run.folder / layout.LEDGER, ledger.model_dump(mode="json"))
    write_manifest(run.folder)
    return run


SHIPPED = MAIN.parents[1] / "cached_runs"


def use_shipped(monkeypatch):
    """The runs that come with the lab, where they lie: for a test that writes none of them."""
    monkeypatch.setattr("dpflat.runs.store.SHIPPED", SHIPPED)


def copy_shipped(root, skipped=()):
    """Copies of the runs that come with the lab, but for some seeds."""
    root.mkdir(parents=True, exist_ok=True)
    for folder in SHIPPED.iterdir():
        if folder.name.startswith("2") and not any(f"-s{seed}-" in folder.name for seed in skipped):
            shutil.copytree(folder, root / folder.name)


def open_page(name, **parameters):
    """The app at a page, with the parameters of an address."""
    page = go_to(AppTest.from_file(str(MAIN), default_timeout=30), name)
    for key, value in parameters.items():
        page.query_params[key] = value
    return page.run()


def go_to(page, name):
    """Turn to a page, as `switch_page` does to one that is a file."""
    page._page_hash = calc_hash(name)
    return page


def texts(page):
    """Every text of a page."""
    kinds = ("title", "subheader", "markdown", "caption", "warning", "error", "info")
    read = [as_read(str(e.value)) for kind in kinds for e in page.get(kind)]
    return " ".join([*read, *(str(e.value) for e in page.get("code"))])


def as_read(text):
    """Markdown of `plain` as a person reads it."""
    return re.sub(r"\\([^\w\s])", r"\1", text).replace(BREAK, "")


def column(page, name, table=0):
    """One column of a table of a page."""
    return page.dataframe[table].value[name].tolist()


def labels(page):
    """The buttons of a page."""
    return [button.label for button in page.button]


def press(page, label):
    """Press a button."""
    return next(b for b in page.button if b.label == label).click().run()


def address_of(page):
    """The parameters of the address that a page has written."""
    return {key: value if isinstance(value, str) else value[0] for key, value in page.query_params.items()}


def made_up_layers(layers=6, cost=0.01):
    """What `result.json` holds of a made-up analysis in which each prefix taken out costs as much."""
    from itertools import combinations

    subsets = [s for size in range(layers + 1) for s in combinations(range(layers), size)]
    rows = [
        {
            "kept": s,
            "loss": 0.5 + 0.01 * (layers - len(s)),
            "accuracy": 0.75 - sum(cost + 0.0001 * layer for layer in range(layers) if layer not in s),
        }
        for s in subsets
    ]
    readings = {"value": 0.02, "spread": 0.004, "entries": 2048}
    return {
        "run": "r",
        "data": "test",
        "rows": "abc123",
        "weights": "final",
        "layers": layers,
        "examples": 256,
        "parts": {
            "norms": {
                "rows": [
                    {"layer": n, "key_norm": 20.0 + n, "value_norm": 21.0, "attention_mass": 0.1 + 0.01 * n}
                    for n in range(layers)
                ]
            },
            "coarse": {"rows": [{**row, "sharpness": 0.01 * len(row["kept"]), "spread": 0.001} for row in rows]},
            "alone": {"rows": [{"layer": n, "box": {**readings, "value": 0.01 * (n + 1)}} for n in range(layers)]},
            "subsets": {"rows": rows, "examples": 1706},
        },
    }


def measure_layers(run, root, layers=6, state="finished", **settings):
    """A made-up analysis of a run's layers, as its worker would have left it."""
    from analysis.layers.settings import LayersConfig
    from analysis.store import RESULT, folder_of

    config = LayersConfig(**settings)
    folder = folder_of(root, run, config)
    folder.mkdir(parents=True)
    replace_json(folder / layout.CONFIG, config.model_dump(mode="json"))
    content = made_up_layers(layers)
    if state != "finished":
        content["parts"] = {name: content["parts"][name] for name in ("norms", "coarse")}
    for part in content["parts"]:
        append_line(folder / layout.EVENTS, {"event": "part_finished", "time": 0.0, "part": part, "seconds": 1.0})
    replace_json(folder / RESULT, content)
    written = "running" if state == "lost" else state
    write_status(folder, own_status(written, phase="alone", step=30, steps=100))
    if state == "lost":
        replace_json(folder / layout.STATUS, {**json.loads((folder / layout.STATUS).read_text()), "pid": NOBODY})
    if state == "finished":
        write_manifest(folder)
    return folder


def give_layers(run, layers=6, removed=()):
    """Say in a run's folder how many layers there are and which lost their prefix."""
    replace_json(run.folder / layout.ENV, {"backbone_layers": layers})
    path = run.folder / layout.ARTIFACTS / layout.RESULTS
    kept = [layer for layer in range(layers) if layer not in removed]
    replace_json(path, {**json.loads(path.read_text()), "kept_layers": kept})
    write_manifest(run.folder)
    return run


def trace_layers(run, *rounds):
    """Keep rounds of a removal: the layer that went, the scores of the candidates, and a probability or None."""
    written = [
        {
            "removed": removed,
            "best": min(scores, key=scores.get),
            "candidates": {str(layer): {"value": value, "spread": spread} for layer, value in scores.items()},
            "probability": probability,
        }
        for removed, scores, spread, probability in rounds
    ]
    replace_json(run.folder / layout.ARTIFACTS / layout.SELECTION, {"step": 27, "rounds": written})
    write_manifest(run.folder)
