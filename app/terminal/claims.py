"""The paper's claims and what the runs here say of them, on the terminal."""

from __future__ import annotations

from rich.table import Table

from analysis.claims.judge import judge_claims
from analysis.claims.rules import read_claims
from analysis.figures.claim_findings import describe_counts, describe_row
from app.claim_rows import claims_as_json
from app.terminal.options import JsonOption, RunsOption, find_store
from app.terminal.say import out, print_json, say


def claims(runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """The paper's claims, each judged by a written rule; what decides was written before its runs."""
    store = find_store(runs)
    judged = judge_claims(read_claims(), store.list_runs(), store.lessons)
    for message in judged.unreadable:
        say(message)
    if as_json:
        print_json(claims_as_json(judged))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("claim", "question", "verdict", "what is seen"):
        table.add_column(column)
    for card in judged.cards:
        for place, row in enumerate(card.rows):
            number = str(card.card.number) if place == 0 else ""
            table.add_row(number, row.row.name, str(row.outcome), describe_row(row, judged.claims).text)
    out.print(table)
    for card in judged.cards:
        if card.card.note:
            out.print(f"\n{card.card.number}: {card.card.note}", markup=False, highlight=False)
    print(f"\n{describe_counts(judged)}. Rules: studies/claims.yaml, written {judged.claims.written}.")
