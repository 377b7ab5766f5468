"""Why layers went, whether another seed would choose the same, and the list to use again."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
import yaml

from analysis.figures.layer_choices import draw_choices, draw_round
from analysis.figures.layer_findings import (
    choice_entry,
    class_of_scores,
    describe_agreement,
    describe_removals,
    describe_round,
)
from analysis.layers.trace import count_removals, removed_layers
from app.summary import show_seeds as show_seed_count
from app.ui import theme
from app.ui.frame import Code, show_figure
from app.ui.layer_side import Side, make_code
from app.ui.states import read_only
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.layout import run_command
from dpflat.runs.record import Run

ROUND = "layers_round"


def show_why(side: Side, marked: int | None) -> None:
    """Why a layer went: the ranked scores of one round."""
    st.subheader(f"Why, {side.letter}", anchor=False)
    if side.trace is None:
        finding = describe_removals(side.drawn(), side.removed, None, side.fixed)
        st.write(f"{finding.text}.")
        return
    rounds = list(range(1, len(side.trace.rounds) + 1))
    number = st.segmented_control("Round", rounds, default=1, key=f"{ROUND}_{side.run.id}", required=True) or 1
    found = side.trace.rounds[number - 1]
    kind = class_of_scores(side.run.ledger)
    table = pd.DataFrame(
        {
            "without layer": list(found.scores),
            "sharpness": list(found.scores.values()),
            "spread": [found.spreads[layer] for layer in found.scores],
        }
    )
    show_figure(
        "layers_why",
        describe_round(found, number),
        f"Sharpness of what is left without one more layer, step {side.trace.step:,} · whisker: spread · "
        f"seed {side.run.config.seed} · {'public data' if kind is EntryClass.PUBLIC else 'training split'}",
        draw_round(found, theme.mode(), marked),
        kind,
        table,
        make_code(side, f'draw_round(read_trace(run).rounds[{number - 1}], "light")', measured=False),
    )


def find_seeds(run: Run, rows: list[dict[str, Any]], runs: dict[str, Run]) -> dict[int, tuple[int, ...]]:
    """The removed layers of every finished run of the same experiment, by seed; what is unreadable is named."""
    fingerprint, found = run.config.fingerprint(), {}
    same = [r for r in rows if r.get("fingerprint") == fingerprint and r["state"] == "finished"]
    for row in sorted(same, key=lambda row: (int(row["seed"]), row["id"])):
        try:
            found[int(row["seed"])] = removed_layers(runs[row["id"]])
        except DPFlatError as error:
            st.warning(str(error))
    return found


def show_seeds(side: Side, removals: dict[int, tuple[int, ...]], marked: int | None) -> None:
    """Whether another seed would choose the same."""
    entry = choice_entry(side.run.ledger)
    finding = describe_agreement(count_removals(list(removals.values()), side.layers), len(removals))
    table = pd.DataFrame(
        [{"seed": seed, "removed, in order": ", ".join(map(str, gone)) or "none"} for seed, gone in removals.items()]
    )
    code = Code(
        run_command("show", side.run.folder),
        "from analysis.figures.layer_choices import draw_choices\n\n"
        f"draw_choices({removals!r}, {side.layers}, 'light')",
    )
    show_figure(
        "layers_seeds",
        finding,
        f"Removed layers, with their place in the order · {show_seed_count([len(removals)])} · "
        f"{side.letter}: {side.run.config.method()}",
        draw_choices(removals, side.layers, theme.mode(), marked),
        entry.entry_class if entry else EntryClass.PUBLIC,
        table,
        code,
    )


def show_export(side: Side) -> None:
    """The list of removed layers, to use in another run."""
    if not side.removed:
        return
    setting = {"flatness": {"cross_layer": {"mode": "fixed", "remove": list(side.removed)}}}
    with st.expander("Use this list in a new run"):
        text = yaml.safe_dump(setting, sort_keys=False)
        st.code(text, language="yaml")
        st.download_button("Download YAML", text, f"layers-{side.run.id}.yaml", key="layers_yaml")
        remove = ",".join(map(str, side.removed))
        if not read_only():
            st.page_link("views/new.py", label="Open New run with this list", query_params={"remove": remove})
        st.code(
            f"dpflat train --set flatness.cross_layer.mode=fixed --set 'flatness.cross_layer.remove=[{remove}]'",
            language="bash",
        )
        st.caption("A list that was chosen on private data is a caveat of the new run's guarantee; its ledger says so.")
