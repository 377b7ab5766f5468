import pytest
from streamlit.testing.v1 import AppTest

from dpflat.runs import layout
from dpflat.runs.store import list_runs
from tests.app.test_runs_page import MAIN, texts


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(layout, "shipped_root", lambda: tmp_path / "none")


@pytest.fixture
def page():
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page("views/new.py").run()
    assert not page.exception
    return page


def test_the_forecast_stands_before_the_button(page):
    shown = texts(page)
    assert "epsilon = 3.00 at delta = 6.1e-5, as if the noise seed were secret." in shown
    assert "27 steps of about 256 examples" in shown
    assert "About 1 min" in shown
    assert "Public data playing the private part." in shown


def test_without_privacy_no_epsilon_is_asked_for_and_none_is_promised(page):
    page.radio(key="new_method").set_value("Non-private").run()
    assert "No guarantee: trained without noise." in texts(page)
    assert not any("3 Privacy" in s.value for s in page.subheader)


def test_a_large_epsilon_is_called_a_weak_promise(page):
    page.select_slider(key="new_epsilon").set_value(20.0).run()
    assert "A weak promise." in texts(page)


def test_what_does_not_fit_together_is_one_sentence_and_nothing_typed_is_lost(page):
    page.number_input(key="new_setting_batch_size").set_value(9000).run()
    assert [e.value for e in page.error] == [
        "the settings: optimiser.batch_size is 9000, but there are 6824 training units; choose at most 6824."
    ]
    assert page.number_input(key="new_setting_batch_size").value == 9000
    assert not any(b.label == "Train" for b in page.button)


def test_the_button_starts_the_run_that_was_forecast(page, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("dpflat.jobs.start", started.append)
    page.selectbox(key="new_backbone").set_value("random_tiny").run()
    page.text_input(key="new_name").set_value("my run").run()
    page.button(key="new_train").click().run()
    runs = list_runs(tmp_path / "runs", shipped=False)
    assert started == [runs[0].folder]
    assert runs[0].label == {"name": "my run"}
    assert runs[0].config.backbone.name == "random_tiny"


def test_a_read_only_lab_shows_the_command_instead_of_the_button(monkeypatch):
    monkeypatch.setenv("DPFLAT_READONLY", "1")
    page = AppTest.from_file(str(MAIN), default_timeout=30).run()
    page.switch_page("views/new.py").run()
    assert not any(b.label == "Train" for b in page.button)
    assert "Run this on your own machine" in texts(page)
    assert any("dpflat train" in c.value for c in page.code)
