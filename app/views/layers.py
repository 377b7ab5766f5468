"""The page Layers: which prefixes are sharp, which were removed, why, and what if not."""

import streamlit as st

st.title("Layers", anchor=False)
st.caption("Which layers' prefixes are gone, why, and what did it cost?")

from app.ui.page_layers import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
