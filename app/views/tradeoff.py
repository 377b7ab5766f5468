"""The page Epsilon and accuracy: what each method reaches at each epsilon, and which epsilon a target takes."""

from analysis.comparison.measures import MEASURES
from app.address import names, number, one_of, text, whole
from app.page import Page, add_page, load_later

TITLE = "Epsilon and accuracy"
QUESTION = "What does each method reach at each epsilon, and does flatness go with accuracy?"
PARAMETERS = (
    text("task"),
    text("backbone"),
    text("readout"),
    one_of("y", list(MEASURES)),
    names("methods", "methods"),
    one_of("yours", {"1": True, "0": False}),
    whole("target", 1, 100),
    number("epsilon", 0, 1e9, "none"),
    names("runs", "runs", "all"),
)

add_page(Page("tradeoff", TITLE, QUESTION, load_later("app.ui.page_tradeoff"), PARAMETERS, "Compare", 40))
