"""Below Start's figure: how sharp the methods end, what they promise, and the model as a drawing."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from analysis.figures.claim_findings import describe_row
from analysis.figures.claims import group_drawn
from analysis.figures.findings import Finding
from analysis.figures.tokens import PALETTES
from analysis.layers.trace import read_trace
from app.page import link_to
from app.ui.claims_data import judge_cached
from app.ui.frame import show_shown
from app.ui.layer_stack import describe_stack, write_stack
from app.ui.links import show_link
from app.ui.text import plain
from app.ui.theme import mode
from dpflat.catalog import BACKBONES
from dpflat.errors import DPFlatError
from dpflat.privacy.wording import describe_guarantee
from dpflat.runs.record import Run

SHARPNESS_CARD = 5
REPAIRED, PUBLISHED = "DP-Flat", "DP-Flat as published"
TITLES = {PUBLISHED: "As published", REPAIRED: "Repaired"}


def show_sharpness() -> None:
    """The figure of the claim on sharpness, titled with what it says of all three levels together."""
    try:
        found = judge_cached()
    except DPFlatError as error:
        st.warning(plain(error))
        return
    card = found.judged.cards[SHARPNESS_CARD - 1]
    rows = group_drawn(card).get("sharpness")
    reported = describe_row(card.rows[0], found.judged.claims)
    title = Finding(f"Sharpness of DP-Flat against DP prefix, under a trained head: {reported.text}", reported.verdict)
    if not rows or rows[0] is not card.rows[0]:
        st.write(plain(f"{title.text}."))
        return
    show_shown(replace(found.figures[SHARPNESS_CARD][0], key="start_sharpness", finding=title))


def show_guarantees(runs: dict[str, Run]) -> None:
    """What the method promises as published and repaired, side by side and the same size.

    Args:
        runs: one by method, of `PUBLISHED` and `REPAIRED`.
    """
    st.subheader("What is promised", anchor=False)
    for method, title in TITLES.items():
        if method in runs:
            with st.container(border=True, gap="small"):
                st.write(plain(f"{title}: {describe_guarantee(runs[method].ledger.guarantee())}"))
                show_link(link_to("privacy", a=runs[method].id), "Privacy")


def show_stack(run: Run) -> None:
    """The model of a run, and which prefixes it removed, in which round; nothing where the rounds are not there."""
    layers, trace = BACKBONES[run.config.backbone.name].layers, read_trace(run)
    if trace is None:
        return
    removed = trace.removed
    st.html(write_stack(layers, removed, PALETTES[mode()]))
    rounds = " Numbers: the round." if len(removed) > 1 else ""
    st.caption(plain(f"{run.config.describe()}, seed {run.config.seed}: {describe_stack(layers, removed)}{rounds}"))
