"""The page Claims, from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from analysis.claims.costs import Cost, list_costs
from analysis.claims.results import JudgedCard, JudgedClaims, JudgedRow, Outcome
from analysis.claims.rules import Claims, Compared, Proof, Untested, methods_of
from analysis.figures.claim_findings import GLYPHS, describe_attack, describe_counts, describe_row
from analysis.figures.claim_strip import write_strip
from analysis.figures.claims import group_drawn
from app.address import fits
from app.claim_rows import cost_rows
from app.page import link_to
from app.shown.claims import cells_of, write_commands
from app.shown.figure import ShownFigure
from app.ui import tradeoff_choice as tradeoff
from app.ui.claims_data import judge_cached
from app.ui.frame import show_below
from app.ui.links import show_link
from app.ui.runs_view import ALL_ORIGINS
from app.ui.store import current_store
from app.ui.text import plain, plain_table
from app.ui.theme import badge, mode
from app.ui.visit import Visit
from dpflat.errors import DPFlatError

FILTER, BEFORE = "claims_verdicts", "claims_verdicts_before"
ALL, MOST_WARNINGS = "all", 5
SMALL = (
    "Small model, small data: this says nothing about RoBERTa-large, nor about the paper's own runs. What does not "
    "hold here may hold there."
)
COSTS = "Not a claim, since the paper is silent: what each level costs"
ROUGH = (
    "Ratios to plain DP-SGD on the same 2,048 sentences: processor seconds of one thread, dpflat-tiny, float32, "
    "2 epochs (python benchmarks/levels.py). Median of the rounds, lowest and highest beside it."
)


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    try:
        found, costs = judge_cached(), list_costs(current_store().lessons)
    except DPFlatError as error:
        st.warning(plain(error))
        return
    judged = found.judged
    st.write(plain(f"{describe_counts(judged)}."))
    st.write(plain(SMALL))
    shown = ask_verdicts(judged, visit)
    for message in judged.unreadable[:MOST_WARNINGS]:
        st.warning(plain(message))
    show_rules(judged.claims)
    for card in judged.cards:
        if card.outcome in shown:
            show_card(card, judged.claims, found.figures[card.card.number])
    if costs:
        show_costs(costs)


def ask_verdicts(judged: JudgedClaims, visit: Visit) -> Sequence[Outcome]:
    """The verdicts whose cards are shown: of a new address, as they were, else all; the address is written."""
    offered = list(judged.counts())
    if "verdict" in visit.link:
        named = () if visit.link["verdict"] == ALL else visit.link["verdict"]
        st.session_state[FILTER] = [outcome for outcome in offered if outcome in named]
    else:
        before = st.session_state.get(FILTER, st.session_state.get(BEFORE, []))
        st.session_state[FILTER] = [outcome for outcome in before if outcome in offered]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills("Show only", offered, selection_mode="multi", key=FILTER, format_func=plain)
        st.session_state[BEFORE] = chosen
        visit.write_address(verdict=chosen or ALL)
    return chosen or offered


def show_rules(claims: Claims) -> None:
    """What holds for all cards, closed."""
    with st.expander("How a verdict is reached"):
        for name, text in claims.rules.items():
            st.write(plain(f"{name.capitalize()}: {text[0].lower()}{text[1:]}"))
        margins = claims.margins
        sharpness = f"sharpness {100 * margins.sharpness:g} % (a ratio of {1 + margins.sharpness:g}, or 1 over that)"
        st.write(
            plain(
                f"Smallest effects that matter: accuracy {100 * margins.accuracy:g} point, {sharpness}, "
                f"AUC of an attack {margins.attack:g}, barrier {margins.barrier:g} nats."
            )
        )


def show_card(judged: JudgedCard, claims: Claims, figures: Sequence[ShownFigure]) -> None:
    """One claim: what is said, what is seen, by which rule, and where it comes from."""
    card = judged.card
    with st.container(border=True, gap="small", key=f"claim_{card.number}"):
        st.html(badge(GLYPHS[judged.outcome], str(judged.outcome)), width="content")
        st.subheader(f"{card.number:d}. {plain(card.claim)}", anchor=False)
        left, right = st.columns(2, gap="large") if figures else (st.container(), st.container())
        with left:
            show_words(judged, claims)
            show_links(judged, claims, bool(figures))
        with right:
            for figure, rows in zip(figures, group_drawn(judged).values(), strict=True):
                st.markdown(f"#### {plain(figure.finding.text)}")
                st.caption(plain(figure.subtitle))
                st.html(write_strip(rows, claims, mode()))
                show_below(figure)


def show_words(judged: JudgedCard, claims: Claims) -> None:
    """Source, what is seen in each row, and the rules."""
    card = judged.card
    st.caption(plain(f"Source: {card.source}.{f' {card.note}' if card.note else ''}"))
    if card.quote:
        st.write(plain(f"The first author: “{card.quote}”."))
    alone = [rows[0] for rows in group_drawn(judged).values() if len(rows) == 1]  # said over the figure
    names: dict[str, list[str]] = {}
    for row in judged.rows:
        said = row.row.name if row in alone else describe_row(row, claims).text.rstrip(".")
        names.setdefault(said, []).append(row.row.name)
    for said, reported in names.items():
        st.write(plain(f"{said}." if reported == [said] else f"{'; '.join(reported)}: {said}."))
    for trials in (row.trials for row in judged.rows if row.trials):
        st.write(plain(describe_attack(trials)))
    for rule in dict.fromkeys(_rule(row, claims) for row in judged.rows if not isinstance(row.row, Untested)):
        st.caption(plain(rule))


def _rule(judged: JudgedRow, claims: Claims) -> str:
    cells = cells_of(judged, claims)
    seen = isinstance(judged.row, Proof) or (cells is not None and cells.seen)
    when = "after what it judges was seen" if seen else "before the runs"
    return f"Rule, written on {show_date(claims.written)}, {when}: {judged.row.rule}"


def show_date(day: date) -> str:
    """26 November 2026."""
    return f"{day.day} {day:%B %Y}"


def show_links(judged: JudgedCard, claims: Claims, drawn: bool) -> None:
    """The runs behind a card, their place in Epsilon and accuracy, and the commands where no figure has them."""
    rows = [row for row in judged.rows if any(row.runs) and row.found is not Outcome.UNTESTED]
    commands = "" if drawn else write_commands(judged.rows, claims)
    with st.container(horizontal=True, vertical_alignment="center"):
        if rows:
            _link_to_runs(rows, claims)
        if any(row.trials for row in judged.rows):
            show_link(link_to("privacy"), "Privacy")
        if commands:
            with st.popover("Command", type="tertiary", width="content"):
                st.code(commands, language="bash")


def _link_to_runs(rows: Sequence[JudgedRow], claims: Claims) -> None:
    cells = cells_of(rows[0], claims)
    assert cells is not None
    methods = tuple(
        dict.fromkeys(claims.config(row.row.cells, m).method() for row in rows for m in methods_of(row.row))  # type: ignore[union-attr]
    )
    show_link(link_to("runs", grouped=True, task=[cells.task], method=methods, **ALL_ORIGINS), "Runs")
    measure = next((row.row.measure for row in rows if isinstance(row.row, Compared)), "sharpness")
    named = list(dict.fromkeys(run for row in rows for runs in row.runs for run in runs))
    address = link_to(
        "tradeoff",
        task=cells.task,
        backbone=cells.backbone,
        y=measure,
        methods=[method for method in methods if not method.startswith("non-private")],
        yours=True,
        target=tradeoff.DEFAULT_TARGET,
        epsilon=cells.epsilon,
        runs=named if fits(named) else tradeoff.ALL,
    )
    show_link(address, "Epsilon and accuracy")
    if not fits(named):
        st.caption(plain(f"That link cannot name {len(named)} runs. {tradeoff.ALL_THERE}"), width="content")


def show_costs(costs: Sequence[Cost]) -> None:
    """Time and memory of each level."""
    st.subheader(plain(COSTS), anchor=False)
    st.table(plain_table(pd.DataFrame(cost_rows(costs)).set_index("level")))
    st.caption(plain(ROUGH))
