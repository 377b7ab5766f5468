"""The page Start: what privacy costs, from the runs that come with the lab."""

import pandas as pd
import streamlit as st

from analysis.figures.findings import Finding, Verdict, cost_of_privacy
from analysis.figures.tradeoff import OwnRun, draw_tradeoff
from analysis.results import MethodPoint, PairedDifference
from analysis.tradeoff import compare_groups, group_runs, summarise_group
from app.summary import show_seeds
from app.ui import theme
from app.ui.frame import Code, show_figure
from app.ui.states import read_only
from app.ui.store import own_roots, own_runs, shipped_runs, store_signature
from dpflat.catalog import BACKBONES, TASKS
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import PUBLIC_PLAYS_PRIVATE
from dpflat.runs.layout import shipped_root

TASK, BACKBONE, EPSILON = "rotten_tomatoes", "minilm", 3.0
MAJORITY = 0.5
MOST_OWN_RUNS = 20


@st.cache_data(max_entries=4, show_spinner=False)
def load_points(signature: str) -> tuple[list[MethodPoint], PairedDifference | None]:  # noqa: ARG001
    """The shipped points, and the paired cost of privacy at the epsilon of the title."""
    groups = group_runs(shipped_runs(), TASK, BACKBONE)
    points = [point for key, runs in groups.items() if (point := summarise_group(key, runs))]
    private, open_ = groups.get(("DP prefix", EPSILON)), groups.get(("non-private prefix", None))
    return points, compare_groups(private, open_) if private and open_ else None


def find_points() -> tuple[list[MethodPoint], PairedDifference | None]:
    """`load_points`; a damaged shipped run is told, and nothing is shown from it."""
    try:
        return load_points(store_signature(shipped_root()))
    except DPFlatError as error:
        st.warning(str(error))
        return [], None


@st.cache_data(max_entries=4, show_spinner=False)
def load_own_runs(signature: str) -> tuple[OwnRun, ...]:  # noqa: ARG001
    """The person's newest finished runs on the same task, with whatever backbone."""
    found: list[OwnRun] = []
    for run in own_runs():
        try:
            if run.state == "finished" and run.config.task.name == TASK and run.ledger.epsilon is not None:
                holds = run.ledger.guarantee().answer == "holds"
                card = BACKBONES.get(run.config.backbone.name)
                backbone = card.title if card else run.config.backbone.name
                name = f"{run.label.get('name') or run.id} ({backbone})"
                found.append(OwnRun(name, run.ledger.epsilon, run.results["accuracy"], holds))
        except (DPFlatError, KeyError):
            continue
        if len(found) == MOST_OWN_RUNS:
            break
    return tuple(found)


def as_table(points: list[MethodPoint], own: tuple[OwnRun, ...]) -> pd.DataFrame:
    """The numbers behind the figure."""
    rows = [
        {
            "method": p.method,
            "epsilon of the noise": f"{p.epsilon:g}" if p.epsilon is not None else "no noise",
            "accuracy": f"{100 * p.mean:.1f} %",
            "95 % interval": f"[{100 * p.low:.1f}, {100 * p.high:.1f}] %",
            "seeds": len(p.seeds),
            "test examples": p.examples,
            "guarantee": p.guarantee,
        }
        for p in points
    ]
    yours = [
        {
            "method": f"yours: {o.name}",
            "epsilon of the noise": f"{o.epsilon:.2f}",
            "accuracy": f"{100 * o.accuracy:.1f} %",
            "95 % interval": "not measured",
            "seeds": 1,
            "test examples": points[0].examples,
            "guarantee": "holds" if o.filled else "nominal or none",
        }
        for o in own
    ]
    return pd.DataFrame(rows + yours)


def show_tradeoff(points: list[MethodPoint], cost: PairedDifference | None) -> None:
    """Accuracy against epsilon, with the person's own runs as stars."""
    finding = cost_of_privacy(EPSILON, cost) if cost else Finding("Test accuracy against epsilon", Verdict.DESCRIPTIVE)
    own = () if read_only() else load_own_runs(store_signature(*own_roots()))
    subtitle = (
        f"Test accuracy, % · n = {points[0].examples:,} sentences · {show_seeds([len(p.seeds) for p in points])} · "
        f"{TASKS[TASK].title}, {BACKBONES[BACKBONE].title} · intervals over seeds and test sentences · "
        "hollow: no guarantee, or one with a caveat"
    )
    code = Code(
        "dpflat study run studies/shipped.yaml --runs cached_runs",
        "from analysis.figures.tradeoff import draw_tradeoff\n"
        "from analysis.tradeoff import group_runs, summarise_group\n"
        "from dpflat import list_runs\nfrom dpflat.runs.layout import shipped_root\n\n"
        f'groups = group_runs(list_runs(shipped_root(), shipped=False), "{TASK}", "{BACKBONE}")\n'
        "points = [point for key, runs in groups.items() if (point := summarise_group(key, runs))]\n"
        f'draw_tradeoff(points, "light", majority={MAJORITY})',
    )
    figure = draw_tradeoff(points, theme.mode(), MAJORITY, own)
    show_figure("tradeoff", finding, subtitle, figure, EntryClass.DIAGNOSTIC, as_table(points, own), code)


def show_next_steps() -> None:
    """What to do from here."""
    if read_only():
        st.write("This lab is read-only. To train, on your own machine:")
        st.code("dpflat train --preset quick", language="bash")
    elif st.button("Train one yourself", type="primary", key="start_train"):
        st.switch_page("views/new.py")


def show_what_is_real(points: list[MethodPoint]) -> None:
    """Data, seeds and noise behind the figure, in words."""
    task, card = TASKS[TASK], BACKBONES[BACKBONE]
    with st.expander("What is real here"):
        st.write(
            f"{task.title}: {task.train_rows:,} sentences to train on, {task.test_rows:,} to test. "
            f"{PUBLIC_PLAYS_PRIVATE} Every point is a model that was trained; nothing is simulated. The noise comes "
            "from published seeds so that you can repeat each run."
        )
        st.write(f"Texts: {task.source}. Backbone: {card.source}.")
        if points:
            runs = sum(len(p.runs) for p in points)
            st.write(f"{runs} runs; each stands under Runs with its settings, versions and hardware.")


def show_page() -> None:
    """The page from top to bottom."""
    points, cost = find_points()
    if points:
        show_tradeoff(points, cost)
    else:
        st.write("No shipped runs are here. `dpflat study run studies/shipped.yaml --runs cached_runs` makes them.")
    show_next_steps()
    show_what_is_real(points)
