"""The page Start: what privacy costs, from the runs that come with the lab."""

from app.page import Page, add_page, load_later

QUESTION = "What does privacy cost, and does flatness buy any of it back?"

add_page(Page("start", "Start", QUESTION, load_later("app.ui.page_start"), (), "Learn", 10, heading="DP-Flat Lab"))
