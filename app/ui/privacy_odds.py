"""The tab In odds of the page Privacy: what a run's noise leaves to an ideal attacker, as icons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analysis.odds import LossCurve, curve_of_run, most_found, most_right, pair_curve
from app.shown.odds import compose_guesses, compose_members, compose_other_epsilons
from app.ui.frame import show_shown
from app.ui.privacy_attacks import say_measured
from app.ui.text import plain
from app.views.privacy import ALARMS as OFFERED
from app.withheld import visible_ledger
from dpflat.privacy import wording
from dpflat.runs.record import Run

ALARMS, SHOWN_ALARMS = "privacy_alarms", "privacy_alarms_shown"


def ask_alarms(link: Mapping[str, Any]) -> None:
    """Settle how many false alarms are allowed: the address, else what was chosen, else 5 in 100."""
    wanted = link.get("alarms", st.session_state.get(ALARMS))
    st.session_state[ALARMS] = wanted if wanted in OFFERED else 5


def show_odds(run: Run) -> None:
    """The tab from top to bottom."""
    guarantee = visible_ledger(run).guarantee()
    if guarantee.answer == "nothing_private":
        st.write(plain(wording.NOTHING_PRIVATE))
        return
    if guarantee.answer in ("void", "none") or guarantee.epsilon is None or guarantee.delta is None:
        st.markdown(f"## {plain(wording.NO_UPPER_LIMIT)}")
        st.write(plain(wording.describe_guarantee(guarantee, run.ledger.unit)))
        if run.state == "finished":
            say_measured(run)
        return
    curve = curve_of_run(run)
    if curve is None:
        st.markdown(f"## {plain(wording.NO_UPPER_LIMIT)}")
        return
    show_shown(compose_guesses(run, curve))
    left, right = st.columns(2)
    with left:
        alarms = show_members(run, curve)
    with right:
        epsilons = compose_other_epsilons(run)
        if epsilons is not None:
            show_shown(epsilons)
    with st.expander("What this counts"):
        pair = pair_curve(guarantee.epsilon, guarantee.delta)
        found = float(most_found(pair, [alarms / 100])[0])
        st.write(plain(wording.describe_pair_alone(most_right(pair), found, guarantee.epsilon, guarantee.delta)))
        st.caption(
            "Composed from the steps' privacy-loss distributions (dp-accounting) of adding and of removing; "
            "counts are rounded up."
        )


def show_members(run: Run, curve: LossCurve) -> int:
    """How many members can be found at n false alarms; gives these."""
    st.session_state[SHOWN_ALARMS] = st.session_state[ALARMS]
    st.segmented_control(
        "False alarms allowed in 100",
        OFFERED,
        key=SHOWN_ALARMS,
        required=True,
        on_change=lambda: st.session_state.update({ALARMS: st.session_state[SHOWN_ALARMS]}),
        format_func=plain,
    )
    alarms: int = st.session_state[ALARMS]
    show_shown(compose_members(run, curve, alarms))
    return alarms
