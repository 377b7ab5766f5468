"""Two runs, or two experiments over their seeds: settings that differ, paired differences, curves overlaid."""

from __future__ import annotations

import streamlit as st

from app.shown.comparison import Side, compare
from app.ui.curves import show_curves
from app.ui.frame import show_outside
from app.ui.text import plain


def show_comparison(first: Side, second: Side) -> None:
    """A and B: the finding, the numbers, guarantees, settings that differ, curves."""
    st.subheader("Two runs" if len(first) == len(second) == 1 else "Two experiments", anchor=False)
    found = compare(first, second)
    for line in found.sides:
        st.write(plain(line))
    if found.finding is None:
        st.write(plain(found.why_not))
    else:
        st.markdown(f"#### {plain(found.finding.text)}")
        st.caption(plain(found.subtitle))
        st.dataframe(found.numbers, hide_index=True, width="stretch")
    st.caption("Settings that differ")
    if found.settings.empty:
        st.write("The same settings.")
    else:
        st.dataframe(found.settings, hide_index=True, width="stretch")
    show_curves({"A": list(first), "B": list(second)})
    show_outside()
