"""What axe finds in the page's main block, with the page at rest."""

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DONE

# Words are pale for some tenths of a second: before the page's own style lies over Streamlit's, and while a new pass
# of the script has not reached them.
PARTS = '[data-testid="stElementContainer"], [data-testid="stCaptionContainer"]'
AT_REST = f"() => [...document.querySelectorAll('{PARTS}')].every(part => getComputedStyle(part).opacity === '1')"
# What Plotly and Vega draw is left out: their colours are tested against the tokens, and each chart has a text.
CONTEXT = {"include": [['[data-testid="stMainBlockContainer"]']], "exclude": [[".js-plotly-plot"], [".vega-embed"]]}


def serious_barriers(page):
    """Serious and critical violations outside Streamlit's own chrome, with their first three places."""
    page.wait_for_selector(DONE)
    page.wait_for_function(AT_REST)
    found = Axe().run(page, context=CONTEXT).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v["impact"] in ("serious", "critical")]
