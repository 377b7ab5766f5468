"""The page Privacy: what a run promises, what that is in odds, and what attacks find."""

import streamlit as st

st.title("Privacy", anchor=False)
st.caption("What is promised, what does it mean, and what can an attacker do?")

from app.ui.page_privacy import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
