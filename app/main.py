"""Navigation and theme, nothing else: `streamlit run app/main.py`."""

import streamlit as st

from app.ui.links import list_navigation
from app.ui.sidebar import show_sidebar
from app.ui.text import plain
from app.ui.theme import apply_style
from dpflat.errors import DPFlatError

st.set_page_config(page_title="DP-Flat Lab", layout="wide")
apply_style()
try:
    page = st.navigation(list_navigation())
except DPFlatError as error:  # an extension that cannot be used
    st.error(plain(error))
else:
    show_sidebar()
    page.run()
