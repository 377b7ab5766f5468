"""The page Epsilon and accuracy: what each method reaches at each epsilon, and which epsilon a target takes."""

import streamlit as st

st.title("Epsilon and accuracy", anchor=False)
st.caption("What does each method reach at each epsilon, and does flatness go with accuracy?")

from app.ui.page_tradeoff import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
