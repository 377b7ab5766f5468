"""The page Epsilon and accuracy, from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analysis.comparison.gathered import Gathered
from analysis.comparison.measures import ACCURACY, EIGENVALUE, SHARPNESS, Measure
from analysis.comparison.pooling import BASELINE, name_setting
from analysis.comparison.reading import ANALYSES, can_have
from analysis.figures.tradeoff import BANDS
from analysis.figures.tradeoff_findings import describe_left_out, describe_other_examples
from analysis.store import analyze_command
from app.address import fits, write_number
from app.page import link_to
from app.shown.frontier import compose_frontier
from app.shown.tradeoff import compose_differences, compose_tradeoff, list_stars
from app.shown.tradeoff_asked import say_measured
from app.shown.tradeoff_targets import compose_flatness, compose_reach, list_flat_epsilons
from app.ui.choice import keep
from app.ui.frame import show_shown
from app.ui.links import show_link
from app.ui.runs_view import ALL_ORIGINS
from app.ui.states import empty_store
from app.ui.store import read_only
from app.ui.text import plain, plainly
from app.ui.tradeoff_choice import ALL, ALL_THERE, DEFAULT_TARGET, ONLY, Choice, ask_choice, say_restricted
from app.ui.tradeoff_data import gather_cached
from app.ui.visit import Visit
from dpflat.runs.record import Run

TARGET, EPSILON = "tradeoff_target", "tradeoff_epsilon"
DEFAULT_EPSILON, MOST_LINES = 3.0, 4


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    link = visit.link
    place = st.container(horizontal=True, vertical_alignment="bottom")
    with place:
        choice = ask_choice(visit.rows, link)
    say_restricted()
    if choice is None:
        st.write("No finished run is here to show.")
        empty_store()
        return
    runs = [visit.runs[row["id"]] for row in choice.rows]
    accuracy = gather_cached(runs, ACCURACY)
    found = gather_cached(runs, choice.measure)
    for message in dict.fromkeys((*accuracy.unreadable, *found.unreadable)):
        st.warning(plain(message))
    show_primary(found, choice, runs)
    left, right = st.columns(2)
    with left:
        show_differences(found, choice)
    with right:
        target = show_reach(accuracy, choice, link)
    flat_measure = EIGENVALUE if choice.measure is EIGENVALUE else SHARPNESS
    flat = gather_cached(runs, flat_measure)
    epsilon = show_flatness(accuracy, flat, choice, link)
    if epsilon is not None:
        show_frontier(accuracy, flat, runs, choice, epsilon)
    with place:
        write_address(visit, choice, target, epsilon)


def show_frontier(accuracy: Gathered, flat: Gathered, runs: Sequence[Run], choice: Choice, epsilon: float) -> None:
    """Accuracy beside flatness over the strength of each level, where a level has several."""
    shown = compose_frontier(accuracy, flat, tuple(runs), choice.asked, epsilon)
    if shown is not None:
        st.subheader("What does flatness cost?", anchor=False)
        show_shown(shown)


def write_address(visit: Visit, choice: Choice, target: int, epsilon: float | None) -> None:
    """The address of what is shown; the link that is copied names each run, so that it stays as it is."""
    only = st.session_state.get(ONLY)
    asked = choice.asked
    methods = (*asked.methods, *BANDS)
    shown = [row["id"] for row in choice.rows if row["method"] in methods]
    visit.write_address(
        {"runs": shown} if fits(shown) else {},
        task=asked.task,
        backbone=asked.backbone,
        readout=asked.readout,
        y=choice.measure.name,
        methods=asked.methods,
        yours=choice.yours,
        target=target,
        epsilon="none" if epsilon is None else epsilon,
        runs=ALL if only is None else only,
    )
    if shown and not fits(shown):
        st.caption(plain(f"The link cannot name {len(shown)} runs. {ALL_THERE}"))


def show_primary(found: Gathered, choice: Choice, runs: Sequence[Run]) -> None:
    """The measure against epsilon, or that it is not measured; then what is left out."""
    stars = () if read_only() or not choice.yours else list_stars(found, runs, choice.asked)
    shown = compose_tradeoff(found, choice.asked, stars)
    if shown is None:
        say_not_measured(found, choice, runs)
    else:
        show_shown(shown)
    show_left_out(found, choice)


def say_not_measured(found: Gathered, choice: Choice, runs: Sequence[Run]) -> None:
    """How many runs have the measure, and the command that gets it."""
    if not choice.asked.methods:
        st.write("No method is chosen.")
        return
    st.write(plain(say_measured(found, choice.asked)))
    show_command(choice.measure, choice, runs)


def show_command(measure: Measure, choice: Choice, runs: Sequence[Run]) -> None:
    """The command that measures the newest drawn run."""
    configs = ANALYSES.get(measure.name)
    drawn = [run for run in runs if run.config.method() in choice.asked.methods and can_have(run, measure)]
    if configs and drawn:
        st.write("A run is measured by:")
        st.code(analyze_command(drawn[0], configs[0]), language="bash")


def show_left_out(found: Gathered, choice: Choice) -> None:
    """Runs of the drawn methods that are not pooled, by the settings that differ, and the way to them."""
    methods = (*choice.asked.methods, *BANDS)
    lines = []
    for names, left in found.pool.left_out.items():
        count = sum(run.config.method() in methods for run in left)
        if count:
            lines.append((count, describe_left_out([name_setting(name) for name in names], count)))
    lines.sort(reverse=True)
    if len(lines) > MOST_LINES:
        rest = sum(count for count, _ in lines[MOST_LINES:])
        lines = [*lines[:MOST_LINES], (rest, f"{rest} more left out: further settings")]
    repeated = sum(run.config.method() in methods for run in found.pool.repeated)
    said = [line for _, line in lines]
    others = [found.measured[run.id].examples for run in found.other_examples if run.config.method() in methods]
    said += [describe_other_examples(others, found.points[0].examples)] if others else []
    said += [f"{repeated} left out: a newer run of the same settings and seed is shown"] if repeated else []
    if said:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"{'; '.join(said)}."), width="content")
            chosen = {"task": [choice.asked.task], "method": methods, **ALL_ORIGINS}
            show_link(link_to("runs", grouped=True, **chosen), "See them on Runs")


def show_differences(found: Gathered, choice: Choice) -> None:
    """Paired differences to DP prefix tuning."""
    st.subheader("Against DP prefix", anchor=False)
    shown = compose_differences(found, choice.asked)
    if shown is None:
        st.write("No chosen method stands beside DP prefix at the same epsilon, seed and test examples.")
    else:
        show_shown(shown)


def show_reach(accuracy: Gathered, choice: Choice, link: Mapping[str, Any]) -> int:
    """Which epsilon a target accuracy takes; gives the target."""
    keep(TARGET, list(range(1, 101)), link.get("target"), first_target(accuracy))
    st.subheader(plain(f"Which epsilon for {st.session_state[TARGET]} %?"), anchor=False)
    target: int = st.number_input("Test accuracy to reach, %", 1, 100, key=TARGET, width=220)
    shown = compose_reach(accuracy, choice.asked, target / 100)
    if shown is None:
        st.write("No chosen method is measured at any epsilon.")
    else:
        show_shown(shown)
    return target


def first_target(accuracy: Gathered) -> int:
    """70 % where DP prefix tuning crosses it between measured epsilons, else the middle of what it reaches there."""
    means = [100 * point.mean for point in accuracy.points if point.method == BASELINE and point.epsilon is not None]
    if not means or min(means) < DEFAULT_TARGET < max(means):
        return DEFAULT_TARGET
    return round((min(means) + max(means)) / 2)


def show_flatness(accuracy: Gathered, flat: Gathered, choice: Choice, link: Mapping[str, Any]) -> float | None:
    """Flatness beside accuracy at a fixed epsilon; gives the epsilon, None where nothing is measured."""
    st.subheader("Are flatter runs more accurate?", anchor=False)
    offered = list_flat_epsilons(accuracy, flat, choice.asked)
    if not offered:
        st.write(plain(say_measured(flat, choice.asked)))
        show_command(flat.measure, choice, [by for group in accuracy.pool.groups.values() for by in group])
        return None
    keep(EPSILON, offered, link.get("epsilon"), DEFAULT_EPSILON if DEFAULT_EPSILON in offered else offered[0])
    epsilon: float = st.session_state[EPSILON]
    if len(offered) > 1:
        st.segmented_control("At epsilon", offered, key=EPSILON, required=True, format_func=plainly(write_number))
        epsilon = st.session_state[EPSILON]
    shown = compose_flatness(accuracy, flat, choice.asked, epsilon)
    if shown is None:
        st.write(
            plain(f"{flat.measure.words.capitalize()} is not above zero in any run, so a log axis has no place for it.")
        )
    else:
        show_shown(shown)
    return epsilon
