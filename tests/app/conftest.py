import pytest
import streamlit as st

from dpflat.runs import layout


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """An empty store of one's own, and no shipped runs; gives the two folders."""
    own, shipped = tmp_path / "runs", tmp_path / "shipped"
    monkeypatch.setenv("DPFLAT_RUNS", str(own))
    for module in ("dpflat.runs.layout", "app.ui.store"):
        monkeypatch.setattr(f"{module}.shipped_root", lambda: shipped)
    st.cache_data.clear()
    assert layout.runs_root() == own
    return own, shipped
