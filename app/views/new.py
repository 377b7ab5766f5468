"""The page New run: choices, what they will cost, and the button."""

import streamlit as st

st.title("New run", anchor=False)
st.caption("What should be trained, and what will it cost?")

from app.ui.page_new import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
