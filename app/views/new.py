"""The page New run: choices, what they will cost, and the button."""

from app.address import text
from app.page import Page, add_page, load_later

add_page(
    Page(
        "new",
        "New run",
        "What should be trained, and what will it cost?",
        load_later("app.ui.page_new"),
        (text("remove"),),
        group="Train",
        place=20,
    )
)
