"""The page Landscape and curvature: how steep it is round the weights, and whether the picture can be believed."""

import streamlit as st

st.title("Landscape and curvature", anchor=False)
st.caption("How steep is it round these weights, and can the picture be believed?")

from app.ui.page_landscape import show_page  # noqa: E402  what is heavy is loaded under the title, not before it

show_page()
