"""The gate that screenshots are held against, as far as a program can see it."""

import pytest

from analysis.figures import tokens
from app.page import PAGES
from tests.app.landscape import keep_all
from tests.app.pages import give_layers, make_run

pytestmark = pytest.mark.browser

MAIN = '[data-testid="stMainBlockContainer"]'
LEAST_PX, MOST_CHARACTERS = 13, 75
# Text that people read, without what Plotly, Vega, the table's canvas, code and icons draw themselves.
TEXTS = f"""() => {{
  const seen = [], root = document.querySelector('{MAIN}');
  const skip = '.js-plotly-plot, .vega-embed, [data-testid="stDataFrame"], pre, code, [data-testid="stIconMaterial"]';
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {{
    const node = walk.currentNode, parent = node.parentElement, text = node.textContent.trim();
    if (!text || parent.closest(skip) || !parent.checkVisibility({{opacityProperty: true}})) continue;
    const style = getComputedStyle(parent), range = document.createRange();
    range.selectNodeContents(node);
    const tops = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
    seen.push({{text, size: parseFloat(style.fontSize), colour: style.color, lines: tops.size}});
  }}
  return seen;
}}"""


def as_rgb(colour):
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory, serve_for_all):
    """Of each page on a store of one run, and of the landscape of two measured ones."""
    plain, measured = (tmp_path_factory.mktemp(name) / "runs" for name in ("plain", "measured"))
    make_run(plain)
    runs = [make_run(measured), make_run(measured)]
    for run in runs:
        keep_all(give_layers(run), measured)
    address = serve_for_all(plain)
    found = {where: f"{address}/{'' if where == 'start' else where}" for where in PAGES}
    return found | {"landscape": f"{serve_for_all(measured)}/landscape?v=1&a={runs[0].id}&b={runs[1].id}"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("where", list(PAGES))
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_looks_gate(addresses, open_page, where, width, dark):
    page, errors = open_page(addresses[where], width=width, dark=dark)
    charts = page.locator(".js-plotly-plot, [data-testid='stVegaLiteChart']")
    if where in ("start", "runs", "layers", "landscape", "tradeoff"):
        charts.first.wait_for()
    texts = page.evaluate(TEXTS)
    assert len(texts) > 5
    assert [t for t in texts if t["size"] < LEAST_PX] == []
    long = [t for t in texts if len(t["text"]) / t["lines"] > MOST_CHARACTERS]
    assert long == []
    palette = tokens.PALETTES["dark" if dark else "light"]
    known = {as_rgb(value) for value in vars(palette).values()} | {"rgb(255, 255, 255)"}
    faint = {t["colour"] for t in texts} - known
    assert faint == set()
    filled = page.locator(f"{MAIN} button[kind^='primary']")
    assert filled.count() <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1280 and where == "start":
        tops = [charts.nth(i).bounding_box()["y"] for i in range(charts.count())]
        assert sum(top < 800 for top in tops) <= 2
    assert errors == []


def test_nothing_moves_when_the_figure_arrives(tmp_path, serve, open_page):
    page, _ = open_page(serve(tmp_path / "runs"))
    page.reload(wait_until="commit")
    page.get_by_text("points of accuracy").first.wait_for()
    button = page.get_by_role("button", name="Train one yourself")
    button.wait_for()
    before = button.bounding_box()["y"]
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.wait_for_timeout(500)
    assert abs(button.bounding_box()["y"] - before) <= 8
