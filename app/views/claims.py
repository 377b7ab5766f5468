"""The page Claims: what the paper says, and what the runs here say of it."""

from app.address import names
from app.page import Page, add_page, load_later

add_page(
    Page(
        "claims",
        "Claims",
        "Which of the paper's claims hold here? By written rules: what decides was written before its runs, "
        "the rest is exploratory.",
        load_later("app.ui.page_claims"),
        (names("verdict", "verdicts", "all"),),
        group="Compare",
        place=41,
    )
)
