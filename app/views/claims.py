"""The page Claims: what the paper says, and what the runs here say of it."""

import streamlit as st

st.title("Claims", anchor=False)
st.caption(
    "Which of the paper's claims hold here? By written rules: what decides was written before its runs, "
    "the rest is exploratory."
)

from app.ui.page_claims import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
