"""The page Privacy: what a run promises, and every touch of data behind it."""

import streamlit as st

st.title("Privacy", anchor=False)
st.caption("What is promised, and what was touched for it?")

from app.ui.page_privacy import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
