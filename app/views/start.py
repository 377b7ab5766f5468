"""The page Start: what privacy costs, from the runs that come with the lab."""

from app.page import Page, add_page, load_later

add_page(
    Page(
        "start",
        "Start",
        "What does privacy cost, and does flatness buy any of it back?",
        load_later("app.ui.page_start"),
        group="Learn",
        place=10,
        heading="DP-Flat Lab",
    )
)
