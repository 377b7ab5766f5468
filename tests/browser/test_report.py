"""The report in a browser without a network: it draws, follows the reader's light or dark, and runs nothing else."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from analysis.figures import tokens
from app.report.report import write_report
from dpflat.runs.files import replace_json
from dpflat.runs.layout import LABEL
from dpflat.runs.record import Run
from tests.app.stored import all_figures, keep_everything
from tests.browser.looks import as_rgb
from tests.conftest import wait_until

pytestmark = pytest.mark.browser
EVIL = "</script><script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">"
CHARTS = """() => [...document.querySelectorAll('.js-plotly-plot')]
  .map(chart => [chart._fullLayout.paper_bgcolor, chart.getBoundingClientRect().width])"""


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A report of a run whose name is a script; gives the file and how many charts it has."""
    monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path))
    run = keep_everything(tmp_path)
    replace_json(run.folder / LABEL, {"name": EVIL})
    runs = {"A": Run(run.folder)}
    file = tmp_path / "report.html"
    file.write_text(write_report(runs, tmp_path), encoding="utf-8")
    return file, len(all_figures(runs, tmp_path))


def test_it_draws_everything_offline_in_both_modes_and_a_name_stays_text(browser, report):
    file, count = report
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light", offline=True)
    page, problems, asked = context.new_page(), [], []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), timeout=60_000)
    for mode, width in (("light", 1280), ("dark", 400)):
        page.emulate_media(color_scheme=mode)
        page.set_viewport_size({"width": width, "height": 800})
        wanted = tokens.PALETTES[mode].page
        wait_until(lambda w=width, c=wanted: drawn(page, c, w), f"the charts in {mode}")
        assert page.locator(".js-plotly-plot").count() == count
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == as_rgb(wanted)
        wait_until(lambda w=width: page.evaluate("document.documentElement.scrollWidth") == w, f"the width in {mode}")
        found = Axe().run(page, context={"exclude": [[".js-plotly-plot"]]})
        assert [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")] == []
    assert EVIL in page.inner_text("h1 >> nth=0")
    assert page.title() != "broken"
    assert problems == []
    assert asked == [file.as_uri()]
    context.close()


def drawn(page, colour, width):
    """Whether every chart stands in this colour and fits."""
    charts = page.evaluate(CHARTS)
    return bool(charts) and all(found == colour and 100 < wide <= width for found, wide in charts)
