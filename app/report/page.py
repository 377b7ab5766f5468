"""One offline file: its looks, plotly.js, its charts, and a policy that lets it load nothing."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from analysis.figures.tokens import Mode
from app.report.figures import draw_charts, write_charts, write_figure, write_heights
from app.report.parts import element, wrap
from app.report.style import write_style
from app.shown.figure import ShownFigure
from app.withheld import withhold

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
DRAW = """
const charts = JSON.parse(document.getElementById("charts").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function draw() {
  for (const [name, looks] of Object.entries(charts)) {
    const look = (dark.matches && looks.dark) || looks.light || looks.dark;
    Plotly.react(name, look.data, look.layout, {displaylogo: false, responsive: true});
  }
}
draw();
dark.addEventListener("change", draw);
"""
NO_SCRIPT = "The charts are drawn by a script in this file. Without scripts the numbers stand under Data and code."


def write_page(title: str, body: Sequence[str], figures: dict[str, ShownFigure], modes: tuple[Mode, ...]) -> str:
    """The whole file.

    Args:
        title: of the window.
        body: pieces, in order; a figure's frame is one of them.
        figures: by the name that its frame has.
        modes: one, or light and dark for what the reader's system asks.
    """
    script = [f"<script>{get_plotlyjs()}</script>", f"<script>{DRAW}</script>"] if figures else []
    charts = draw_charts(figures, modes)
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        element("title", title),
        f"<style>{write_style(modes)}\n{write_heights(charts)}</style>",
    ]
    content = f'<script type="application/json" id="charts">{write_charts(charts)}</script>'
    without = wrap("noscript", [element("p", NO_SCRIPT)])
    return "<!DOCTYPE html>\n" + wrap(
        "html",
        [wrap("head", head), wrap("body", [wrap("main", [without, *body]), content, *script])],
        lang="en",
    )


def write_file(shown: Sequence[ShownFigure], title: str | None = None, mode: Mode = "light") -> str:
    """One or several figures as a file of their own, without what `withhold` withholds.

    Args:
        shown: the figures.
        title: over several of them; None where a figure's finding is title enough.
        mode: light or dark.
    """
    figures = {f"figure-{number}": one for number, one in enumerate(shown, start=1)}
    heading = "h1" if title is None else "h2"
    body = [element("h1", title)] if title is not None else []
    body += [write_figure(one, name, heading) for name, one in figures.items()]
    page = write_page(title or shown[0].finding.text, body, figures, (mode,))
    return withhold(page, [run for one in shown for run in one.code.runs])
