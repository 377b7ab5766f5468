"""The page Runs: what is in the store, one run live or finished, two compared, a study under way."""

from app.address import names, one_of, text
from app.page import Page, add_page, load_later

QUESTION = "What has been trained here, and what does each run promise?"
FILTERS = ("from", "task", "method", "status")
"""In the order in which they stand over the table."""

PARAMETERS = (
    one_of("grouped", {"1": True, "0": False}),
    names("a", "runs"),
    names("b", "runs"),
    text("study"),
    *(names(name, "values") for name in sorted(FILTERS)),
)

add_page(Page("runs", "Runs", QUESTION, load_later("app.ui.page_runs"), PARAMETERS, "Train", 21))
