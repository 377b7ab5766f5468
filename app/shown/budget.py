"""The figure of what a run's epsilon went to."""

from __future__ import annotations

import pandas as pd

from analysis.figures.budget import TOGETHER, draw_budget
from analysis.figures.findings import describe_budget
from app.shown.code import Code, open_run, write_imports
from app.shown.figure import ShownFigure
from dpflat.config import DPPrivacy
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run
from dpflat.runs.store import store_of


def _name_accountant(run: Run) -> str:
    privacy = run.config.privacy
    both = isinstance(privacy, DPPrivacy) and privacy.accountant == "rdp_or_pld"
    return "epsilon, the smaller of RDP and PLD," if both else "epsilon by RDP"


def compose_budget(run: Run) -> ShownFigure | None:
    """Bars where epsilon went to more than one thing; None elsewhere."""
    ledger = run.ledger
    parts, epsilon = ledger.parts(), ledger.epsilon
    if len(parts) < 2 or ledger.delta is None or epsilon is None:
        return None
    imports = write_imports({"analysis.figures.budget": ["draw_budget"], "dpflat": ["load_run"]})
    return ShownFigure(
        "budget",
        describe_budget(ledger),
        f"{_name_accountant(run)} at delta = {wording.show_delta(ledger.delta)}, a function of the plan",
        lambda mode: draw_budget(parts, epsilon, mode),
        EntryClass.POST_PROCESSING,
        pd.DataFrame({"part": [*parts, TOGETHER], "epsilon": [*parts.values(), epsilon]}),
        Code(
            store_of(run).command("ledger", run.folder),
            f"{imports}\n\nrun = {open_run(run)}",
            "ledger = run.ledger",
            'draw_budget(ledger.parts(), ledger.epsilon, "light")',
            runs=(run,),
        ),
    )
