"""The page Start: what privacy costs, from the runs that come with the lab."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from analysis.comparison.pooling import BASELINE, has_readout, has_usual_price
from analysis.figures.findings import Finding, Verdict, compare_accuracy, cost_of_privacy, what_flatness_gives
from analysis.figures.tradeoff import BANDS, OwnRun, draw_tradeoff, is_far_below
from analysis.results import MethodPoint, PairedDifference
from analysis.tradeoff import Key, compare_groups, group_by_examples, summarise_group
from app.page import link_to
from app.shown.code import Code, write_imports
from app.shown.figure import ShownFigure
from app.summary import show_seeds, summarise
from app.tradeoff_rows import own_rows, point_rows
from app.ui.frame import show_shown
from app.ui.links import go_to, show_link
from app.ui.store import current_store, own_runs, read_only, shipped_runs, store_signature
from app.ui.text import plain
from app.ui.visit import Visit
from app.worth import describe_worth
from dpflat.catalog import BACKBONES, TASKS
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import PUBLIC_PLAYS_PRIVATE
from dpflat.readout import READOUTS
from dpflat.runs.record import Run

TASK, BACKBONE, READOUT, EPSILON = "rotten_tomatoes", "dpflat-tiny", "label_text", 3.0
MAJORITY = 0.5
SHOWN = (*BANDS, "head only", "DP prefix", "DP-Flat", "DP-Flat as published")
MOST_OWN_RUNS = 20
REBUILD = "dpflat study run studies/label_text.yaml --runs cached_runs"


@dataclass(frozen=True)
class Shipped:
    """What the figure of this page shows.

    Attributes:
        points: one a method and epsilon.
        cost: accuracy with privacy minus accuracy without, prefixes in both, at the epsilon of the title.
        prefixes: accuracy of DP prefix tuning minus that of a head alone, at the same epsilon.
        flatness: accuracy of DP-Flat, repaired, minus that of DP prefix tuning, at the same epsilon.
        worth: what prefixes bring there, in a sentence.
        other_examples: number of runs with another number of test predictions than the points, or without any.
    """

    points: tuple[MethodPoint, ...] = ()
    cost: PairedDifference | None = None
    prefixes: PairedDifference | None = None
    flatness: PairedDifference | None = None
    worth: str | None = None
    other_examples: int = 0


@st.cache_data(max_entries=4, show_spinner=False)
def load_shipped(signature: str) -> Shipped:  # noqa: ARG001
    """The shipped runs of the page's task, backbone and readout, aggregated; a head alone at the same price."""
    runs = [run for run in shipped_runs() if _is_shown(run)]
    groups, others = group_by_examples(runs, TASK, BACKBONE)
    points = tuple(p for key, runs in groups.items() if key[0] in SHOWN and (p := summarise_group(key, runs)))

    def compare(method: str, other: str, epsilon: float | None = EPSILON) -> PairedDifference | None:
        first, second = groups.get((method, EPSILON)), groups.get((other, epsilon))
        return compare_groups(first, second) if first and second else None

    return Shipped(
        points,
        cost=compare("DP prefix", "non-private prefix", None),
        prefixes=compare("DP prefix", "head only"),
        flatness=compare("DP-Flat", "DP prefix"),
        worth=_describe_worth(groups, runs),
        other_examples=sum(run.config.method() in SHOWN for run in others),
    )


def _is_shown(run: Run) -> bool:
    try:
        return has_readout(run.config, READOUT) and has_usual_price(run.config)
    except DPFlatError:
        return False


def _describe_worth(groups: Mapping[Key, list[Run]], runs: list[Run]) -> str | None:
    baseline = groups.get((BASELINE, EPSILON))
    return describe_worth(((summarise(run), run) for run in runs), baseline[0].config) if baseline else None


def find_shipped() -> Shipped:
    """`load_shipped`; a damaged shipped run is reported, and nothing is shown from it."""
    try:
        return load_shipped(store_signature(current_store().shipped))
    except DPFlatError as error:
        st.warning(plain(error))
        return Shipped()


@st.cache_data(max_entries=4, show_spinner=False)
def load_own_runs(signature: str) -> tuple[OwnRun, ...]:  # noqa: ARG001
    """The person's newest finished runs on the same task, with whatever backbone."""
    found: list[OwnRun] = []
    for run in own_runs():
        try:
            asked = run.config.privacy
            if asked.kind != "dp" or asked.delta is not None:
                continue  # at another delta an epsilon is another promise
            if run.state == "finished" and run.config.task.name == TASK and run.ledger.epsilon is not None:
                answer = run.ledger.guarantee().answer
                card = BACKBONES.get(run.config.backbone.name)
                backbone = card.title if card else run.config.backbone.name
                name = f"{run.label.get('name') or run.id} ({backbone})"
                results = run.results
                found.append(OwnRun(name, run.ledger.epsilon, results["accuracy"], answer, results["examples"]))
        except (DPFlatError, KeyError):
            continue
        if len(found) == MOST_OWN_RUNS:
            break
    return tuple(found)


def as_table(points: tuple[MethodPoint, ...], own: tuple[OwnRun, ...]) -> pd.DataFrame:
    """The numbers behind the figure."""
    return pd.DataFrame(point_rows(points) + own_rows(own))


def show_tradeoff(shipped: Shipped) -> None:
    """Accuracy against epsilon, with the person's own runs as stars, and whether prefixes pay at all."""
    points, cost = shipped.points, shipped.cost
    finding = cost_of_privacy(EPSILON, cost) if cost else Finding("Test accuracy against epsilon", Verdict.DESCRIPTIVE)
    if shipped.flatness:
        finding = replace(finding, text=f"{finding.text}; {what_flatness_gives(shipped.flatness)}")
    own = () if read_only() else load_own_runs(store_signature(*current_store().shown_roots))
    level = None if is_far_below(MAJORITY, points, own) else MAJORITY
    subtitle = (
        f"Test accuracy, % · n = {points[0].examples:,} sentences · {show_seeds([len(p.seeds) for p in points])}, "
        "all that are shipped (what counts on Claims rests on fresh ones) · "
        f"{TASKS[TASK].title}, {BACKBONES[BACKBONE].title}, answers read off {READOUTS[READOUT].words} · "
        "intervals over seeds and test sentences · "
        "hollow: no guarantee, or one with a caveat"
        f"{' · stars: your runs, of any backbone and length, 1 seed each' if own else ''}"
        f"{'' if level else f' · majority class {100 * MAJORITY:.0f} %, below the axis'}"
    )
    show_shown(
        ShownFigure(
            "tradeoff",
            finding,
            subtitle,
            lambda mode: draw_tradeoff(list(points), mode, level, own),
            EntryClass.DIAGNOSTIC,
            as_table(points, own),
            make_code(level),
            say_left_out(shipped.other_examples),
        )
    )
    if shipped.prefixes:
        against = f"a linear head alone at epsilon {EPSILON:g}"
        st.write(plain(f"{compare_accuracy('DP prefix', against, shipped.prefixes).text}."))
    if shipped.worth:
        st.write(plain(shipped.worth))


def say_left_out(count: int) -> tuple[str, ...]:
    """That shipped runs are not in the figure since they were not tested on the same rows."""
    if not count:
        return ()
    runs = "1 shipped run is" if count == 1 else f"{count} shipped runs are"
    return (f"{runs} left out: no predictions of the same number of test sentences.",)


def make_code(level: float | None) -> Code:
    """How the figure is made again from the shipped runs."""
    imports = write_imports(
        {
            "analysis.comparison.pooling": ["has_readout", "has_usual_price"],
            "analysis.figures.tradeoff": ["draw_tradeoff"],
            "analysis.tradeoff": ["group_by_examples", "summarise_group"],
            "dpflat": ["list_runs", "open_store"],
        }
    )
    return Code(
        REBUILD,
        f"{imports}\n\nruns = [\n    run\n    for run in list_runs(open_store().shipped, shipped=False)\n"
        f'    if has_readout(run.config, "{READOUT}")\n    and has_usual_price(run.config)\n]',
        f'groups, _ = group_by_examples(runs, "{TASK}", "{BACKBONE}")\n'
        f"shown = {{key: found for key, found in groups.items() if key[0] in {SHOWN!r}}}\n"
        "points = [point for key, found in shown.items() if (point := summarise_group(key, found))]",
        f'draw_tradeoff(points, "light", level={level})',
        runs=(),
    )


def show_next_steps() -> None:
    """What to do from here."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if not read_only() and st.button("Train one yourself", type="primary", key="start_train"):
            go_to(link_to("new"))
        show_link(link_to("claims"), "Check the paper's claims")
        show_link(link_to("layers"), "Look into the layers")
    if read_only():
        st.write("This lab is read-only. To train, on your own machine:")
        st.code("dpflat train --preset quick", language="bash")


def show_what_is_real(points: tuple[MethodPoint, ...]) -> None:
    """Data, seeds and noise behind the figure, in words."""
    task, card = TASKS[TASK], BACKBONES[BACKBONE]
    with st.expander("What is real here"):
        st.write(
            plain(
                f"{task.title}: {task.train_rows:,} sentences to train on, {task.test_rows:,} to test. "
                f"{PUBLIC_PLAYS_PRIVATE} Every dot is a model that was trained, every larger mark, hollow or filled, "
                "the mean of such; nothing is simulated. The noise comes from published seeds so that you can repeat "
                "each run."
            )
        )
        st.write(plain(f"Texts: {task.source}. Backbone: {card.source}."))
        if points:
            runs = sum(len(p.runs) for p in points)
            st.write(plain(f"{runs} runs; each stands under Runs with its settings, versions and hardware."))


def show_below(points: tuple[MethodPoint, ...]) -> None:
    """How sharp the methods end, beside what they promise and what removing a prefix means.

    What this needs is loaded here, once the figure stands: it takes half a second.
    """
    from app.ui.start_below import REPAIRED, TITLES, show_guarantees, show_sharpness, show_stack

    first = {p.method: p.runs[0] for p in points if p.method in TITLES and p.epsilon == EPSILON}
    store = current_store()
    runs = {method: Run(store.shipped / run_id, True, store) for method, run_id in first.items()}
    left, right = st.columns(2, gap="large")
    with left:
        show_sharpness()
        if REPAIRED in runs:
            show_stack(runs[REPAIRED])
    with right:
        show_guarantees(runs)


def show_page(visit: Visit) -> None:  # noqa: ARG001
    """The page from top to bottom."""
    shipped = find_shipped()
    if shipped.points:
        show_tradeoff(shipped)
    else:
        st.write("No shipped runs are here. `dpflat study run studies/label_text.yaml --runs cached_runs` makes them.")
    show_next_steps()
    if shipped.points:
        show_below(shipped.points)
    show_what_is_real(shipped.points)
