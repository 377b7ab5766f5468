"""How answers are read off, on the page New run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui.text import plain
from dpflat.config import RunConfig
from dpflat.readout import READOUTS


def ask_readout() -> dict[str, Any]:
    """The readout, as a setting; empty where it is the usual one.

    Those that read a masked-language head are left out: no backbone of the page has one.
    """
    usual = RunConfig().readout.kind
    offered = [kind for kind in READOUTS if not READOUTS[kind].reads_words]
    kinds = sorted(offered, key=lambda kind: kind != usual)
    kind = st.selectbox(
        "How answers are read off",
        kinds,
        format_func=lambda name: plain(READOUTS[name].title or READOUTS[name].words or name),
        key="new_readout",
        help="A trained head can do most of the work by itself. Without one, all that is learnt is in the prefixes.",
    )
    return {} if kind == usual else {"readout.kind": kind}
