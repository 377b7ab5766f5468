"""What is wrong with the looks of a page, as far as a program can see it."""

import time

from analysis.figures import tokens

MAIN = '[data-testid="stMainBlockContainer"]'
LEAST_PX, MOST_CHARACTERS = 13, 75
# Text that people read, without what Plotly, Vega, the table's canvas, code and icons draw themselves. The colours of
# a warning are Streamlit's.
TEXTS = f"""() => {{
  const seen = [], root = document.querySelector('{MAIN}');
  const drawn = '.js-plotly-plot, .vega-embed, [data-testid="stDataFrame"], [data-testid="stIconMaterial"]';
  const skip = drawn + ', pre, code, :disabled';
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {{
    const node = walk.currentNode, parent = node.parentElement, text = node.textContent.trim();
    if (!text || parent.closest(skip) || !parent.checkVisibility({{opacityProperty: true}})) continue;
    const style = getComputedStyle(parent), range = document.createRange();
    range.selectNodeContents(node);
    const tops = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
    const alert = parent.closest('[data-testid="stAlert"]') !== null;
    seen.push({{text, size: parseFloat(style.fontSize), colour: style.color, lines: tops.size, alert}});
  }}
  return seen;
}}"""

# What scrolls on a page of Streamlit is not the document but the part that holds the main block.
WIDEST = """() => Math.max(...['html', '[data-testid="stMain"]'].map(one => document.querySelector(one).scrollWidth))"""


def as_rgb(colour):
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


def find_faults(page, dark, width, seconds=15):
    """What does not belong on a page at rest; a page that is still being drawn is looked at again."""
    deadline = time.monotonic() + seconds
    while (faults := _faults_now(page, dark, width)) and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    return faults


def _faults_now(page, dark, width):
    texts = page.evaluate(TEXTS)
    palette = tokens.PALETTES["dark" if dark else "light"]
    known = {as_rgb(value) for value in vars(palette).values()} | {"rgb(255, 255, 255)"}
    filled = page.locator(f"{MAIN} button[kind^='primary']").count()
    wide = page.evaluate(WIDEST)
    return [
        *(("too small", t) for t in texts if t["size"] < LEAST_PX),
        *(("too long", t) for t in texts if len(t["text"]) / t["lines"] > MOST_CHARACTERS),
        *(("not of the palette", t) for t in texts if t["colour"] not in known and not t["alert"]),
        *([("nothing to read", len(texts))] if len(texts) <= 5 else []),
        *([("filled buttons", filled)] if filled > 1 else []),
        *([("wider than the screen", wide)] if wide > width else []),
    ]
