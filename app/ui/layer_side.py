"""A run on the page Layers, and the offer to measure what is not known of its layers."""

from __future__ import annotations

import streamlit as st

from analysis.layers.settings import LayersConfig
from app.shown.layer_side import Side, find_layers, read_side
from app.ui.measure import show_measuring
from app.ui.text import plain
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run


def gather(letter: str, run: Run, config: LayersConfig) -> Side | None:
    """A run with what is known of its layers, and the offer to measure the rest; None where a file is damaged."""
    try:
        found = find_layers(run, config)
        show_measuring(run, config, found, letter)
        return read_side(letter, run, config, found)
    except DPFlatError as error:
        st.warning(plain(f"{letter}: {error}"))
        return None
