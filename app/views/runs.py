"""The page Runs: what is in the store, one run live or finished, two compared, a study under way."""

import streamlit as st

st.title("Runs", anchor=False)
st.caption("What has been trained here, and what does each run promise?")

from app.ui.page_runs import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
