"""The page Privacy: what a run promises, what that is in odds, and what attacks find."""

from app.address import one_of, text
from app.page import Page, add_page, load_later

QUESTION = "What is promised, what does it mean, and what can an attacker do?"
TABS = {"guarantee": "Guarantee", "odds": "In odds", "attacks": "Attacks"}
ALARMS = (1, 5, 10)
"""False alarms that can be allowed in 100."""
PARAMETERS = (text("a"), one_of("tab", list(TABS)), one_of("alarms", ALARMS))

add_page(Page("privacy", "Privacy", QUESTION, load_later("app.ui.page_privacy"), PARAMETERS, "Inspect", 32))
