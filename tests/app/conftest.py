import sys

import pytest
import streamlit as st

from app import cli


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """An empty store of one's own, and no shipped runs; gives the two folders."""
    own, shipped = tmp_path / "runs", tmp_path / "shipped"
    monkeypatch.setenv("DPFLAT_RUNS", str(own))
    monkeypatch.setattr("dpflat.runs.store.SHIPPED", shipped)
    st.cache_data.clear()
    return own, shipped


@pytest.fixture
def own_root(tmp_path, monkeypatch):
    """A store of its own for each test; runs that are shipped with the lab stay out of sight."""
    monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("DPFLAT_READONLY", raising=False)
    monkeypatch.setattr("dpflat.runs.store.SHIPPED", tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def dpflat(monkeypatch, capsys):
    """The command line in this process: exit code, standard output, standard error. Whatever it raises is a failure."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dpflat", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
