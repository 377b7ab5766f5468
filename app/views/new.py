"""The page New run: choices, what they will cost, and the button."""

from app.address import text
from app.page import Page, add_page, load_later

QUESTION = "What should be trained, and what will it cost?"

add_page(Page("new", "New run", QUESTION, load_later("app.ui.page_new"), (text("remove"),), "Train", 20))
