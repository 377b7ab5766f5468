"""Why layers went, whether another seed would choose the same, and the list to use again."""

from __future__ import annotations

from typing import Any

import streamlit as st
import yaml

from analysis.figures.layer_findings import describe_removals
from analysis.layers.trace import removed_layers
from app.page import link_to
from app.shown.layer_side import Side
from app.shown.layers import compose_round
from app.ui.frame import show_shown
from app.ui.links import show_link
from app.ui.store import read_only
from app.ui.text import plain
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run

ROUND = "layers_round"


def show_why(side: Side, marked: int | None) -> None:
    """Why a layer went: the ranked scores of one round."""
    st.subheader(plain(f"Why, {side.letter}"), anchor=False)
    if side.trace is None:
        finding = describe_removals(side.drawn(), side.removed, None, side.fixed)
        st.write(plain(f"{finding.text}."))
        return
    rounds = list(range(1, len(side.trace.rounds) + 1))
    number = (
        st.segmented_control("Round", rounds, default=1, key=f"{ROUND}_{side.run.id}", required=True, format_func=plain)
        or 1
    )
    show_shown(compose_round(side, number, marked))


def find_seeds(run: Run, rows: list[dict[str, Any]], runs: dict[str, Run]) -> dict[int, Run]:
    """Every finished run of the same experiment, by seed; what is unreadable is named."""
    fingerprint, found = run.config.fingerprint(), {}
    same = [r for r in rows if r.get("fingerprint") == fingerprint and r["state"] == "finished"]
    for row in sorted(same, key=lambda row: (int(row["seed"]), row["id"])):
        try:
            removed_layers(runs[row["id"]])
            found[int(row["seed"])] = runs[row["id"]]
        except DPFlatError as error:
            st.warning(plain(error))
    return found


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
            show_link(link_to("new", remove=remove), "Open New run with this list")
        st.code(
            f"dpflat train --set flatness.cross_layer.mode=fixed --set 'flatness.cross_layer.remove=[{remove}]'",
            language="bash",
        )
        st.caption("A list that was chosen on private data is a caveat of the new run's guarantee; its ledger says so.")
