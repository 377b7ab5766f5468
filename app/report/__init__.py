"""Figures and runs as offline HTML: one file, nothing loaded from elsewhere. No streamlit, no torch."""
