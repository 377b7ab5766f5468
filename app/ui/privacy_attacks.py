"""The tab Attacks of the page Privacy: what attacks find in a run, beside what its noise leaves at most."""

from __future__ import annotations

import streamlit as st

from analysis.attacks.power import measure_power
from analysis.attacks.results import NAMES, AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.attacks.shadows import ask_wider, find_shadows
from analysis.attacks.tables import list_absent
from analysis.figures.attack_findings import describe_attacks, describe_audit
from analysis.store import find_analysis
from app.page import link_to
from app.shown.attacks import compose_audit, compose_curves
from app.ui.frame import show_shown
from app.ui.links import show_link
from app.ui.measure import show_measuring
from app.ui.pair_bar import name_of
from app.ui.store import current_store, shipped_runs, summarise_cached, visible_runs
from app.ui.text import plain
from dpflat.privacy import wording
from dpflat.runs.record import Run


def show_attacks(run: Run) -> None:
    """The tab from top to bottom."""
    if run.state != "finished":
        st.write(plain(f"This run is {run.state}. Attacks are measured on finished runs."))
        return
    config = AttacksConfig()
    analysis = find_analysis(run, config, current_store().root)
    found: AttacksResult | None = analysis.result if analysis else None
    if analysis is not None and found is not None and analysis.state == "finished":
        config, found = show_more_shadows(run, config, found)
    else:
        show_measuring(run, config, analysis, "this run")
    if found is None:
        st.write(plain(wording.NOT_A_GUARANTEE))
        suggest_measured(run)
        return
    if found.attacks:
        show_curves(run, found, config)
    if found.audit is not None:
        show_shown(compose_audit(run, found, config))
    show_power(run, found)
    for line in list_absent(found):
        st.caption(plain(line))


def show_more_shadows(run: Run, config: AttacksConfig, found: AttacksResult) -> tuple[AttacksConfig, AttacksResult]:
    """Offer to measure again where there are shadow runs that were not there before; gives the widest result."""
    wider = ask_wider(run, found, current_store().root)
    if wider is None:
        return config, found
    there = len(find_shadows(run, wider.shadows).runs)
    analysis = find_analysis(run, wider, current_store().root)
    show_measuring(run, wider, analysis, f"this run with {there} shadow runs")
    result: AttacksResult | None = analysis.result if analysis else None
    return (wider, result) if result is not None and "likelihood" in result.attacks else (config, found)


def say_measured(run: Run) -> None:
    """What attacks found in a run that nothing bounds, in a line each; where to measure it if nobody has."""
    analysis = find_analysis(run, AttacksConfig(), current_store().root)
    found: AttacksResult | None = analysis.result if analysis else None
    if found is None or not (found.attacks or found.audit):
        st.write("What attacks find in it is not measured yet: see Attacks.")
        return
    if found.attacks:
        st.write(plain(f"{describe_attacks(list(found.attacks.values()), None).text}."))
    if found.audit is not None:
        st.write(plain(f"{describe_audit(found.audit, run.ledger.guarantee()).text}."))
    st.caption(plain(wording.NOT_A_GUARANTEE))


def show_curves(run: Run, found: AttacksResult, config: AttacksConfig) -> None:
    """Members found against false alarms under the bound, and the same as a table."""
    shown = compose_curves(run, found, config)
    show_shown(shown)
    st.dataframe(shown.table, hide_index=True, width="stretch")


def show_power(run: Run, found: AttacksResult) -> None:
    """Whether each attack has been seen to succeed where it must: on runs without privacy."""
    for key, power in measure_power(run, found, visible_runs(), current_store().root).items():
        st.caption(plain(wording.describe_power(NAMES.get(key, key), power.tried, power.succeeded, power.alike)))


def suggest_measured(run: Run) -> None:
    """Links to shipped runs in which attacks are measured, of the same method if there are any."""
    measured = [other for other in shipped_runs() if find_analysis(other, AttacksConfig()) and other.id != run.id]
    if not measured:
        return
    st.write("Measured already, among the runs that came with the lab:")
    for other in choose_suggestions(run, measured):
        show_link(link_to("privacy", a=other.id, tab="attacks"), name_of(summarise_cached(other)))


def choose_suggestions(run: Run, measured: list[Run]) -> list[Run]:
    """At most two of the attacked runs, with canaries and without: of the run's method if there is one, lowest seed."""

    def rank(other: Run) -> tuple[bool, int]:
        return other.config.method() != run.config.method(), other.config.seed

    kinds = ([other for other in measured if bool(other.config.data.canaries) == planted] for planted in (False, True))
    return [min(kind, key=rank) for kind in kinds if kind]
