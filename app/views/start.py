"""The page Start: what privacy costs, from the runs that come with the lab."""

import streamlit as st

st.title("DP-Flat Lab", anchor=False)
st.caption("What does privacy cost, and does flatness buy any of it back?")

from app.ui.page_start import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
