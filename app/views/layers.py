"""The page Layers: which prefixes are sharp, which were removed, why, and what if not."""

from analysis.layers.results import SUBSET_MEASURES
from app.address import names, one_of, text, whole
from app.page import Page, add_page, load_later
from app.views.landscape import NEEDS_PREFIXES

QUESTION = "Which layers' prefixes are gone, why, and what did it cost?"
PARAMETERS = (
    text("a"),
    text("b", "none"),
    text("rows"),
    whole("mark", 0, 9999, "none"),
    one_of("look", "AB"),
    one_of("measure", SUBSET_MEASURES),
    names("keep", "layers"),
)

add_page(
    Page(
        "layers", "Layers", QUESTION, load_later("app.ui.page_layers"), PARAMETERS, "Inspect", 30, needs=NEEDS_PREFIXES
    )
)
