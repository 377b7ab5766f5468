"""The page Claims: what the paper says, and what the runs here say of it."""

from app.address import names
from app.page import Page, add_page, load_later

QUESTION = (
    "Which of the paper's claims hold here? By written rules: what decides was written before its runs, "
    "the rest is exploratory."
)
PARAMETERS = (names("verdict", "verdicts", "all"),)

add_page(Page("claims", "Claims", QUESTION, load_later("app.ui.page_claims"), PARAMETERS, "Compare", 41))
