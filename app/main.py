"""Navigation and theme, nothing else: `streamlit run app/main.py`."""

from pathlib import Path

import streamlit as st

VIEWS = Path(__file__).parent / "views"

st.set_page_config(page_title="DP-Flat Lab", layout="wide")
st.navigation({"Train": [st.Page(VIEWS / "runs.py", title="Runs", url_path="runs", default=True)]}).run()
