"""Navigation and theme, nothing else: `streamlit run app/main.py`."""

from pathlib import Path

import streamlit as st

from app.ui.sidebar import show_sidebar
from app.ui.theme import apply_style

VIEWS = Path(__file__).parent / "views"

st.set_page_config(page_title="DP-Flat Lab", layout="wide")
apply_style()
page = st.navigation(
    {
        "Learn": [
            st.Page(VIEWS / "start.py", title="Start", url_path="", default=True),
            # The default page answers at / alone; who writes /start, as for all other pages, means the same.
            st.Page(VIEWS / "start.py", title="Start", url_path="start", visibility="hidden"),
        ],
        "Train": [
            st.Page(VIEWS / "new.py", title="New run", url_path="new"),
            st.Page(VIEWS / "runs.py", title="Runs", url_path="runs"),
        ],
        "Inspect": [
            st.Page(VIEWS / "layers.py", title="Layers", url_path="layers"),
            st.Page(VIEWS / "landscape.py", title="Landscape and curvature", url_path="landscape"),
            st.Page(VIEWS / "privacy.py", title="Privacy", url_path="privacy"),
        ],
        "Compare": [
            st.Page(VIEWS / "tradeoff.py", title="Epsilon and accuracy", url_path="tradeoff"),
            st.Page(VIEWS / "claims.py", title="Claims", url_path="claims"),
        ],
    }
)
show_sidebar()
page.run()
