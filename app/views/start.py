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
from app.ui.store import store_signature
from dpflat.catalog import BACKBONES, TASKS
from dpflat.errors import DPFlatError
from dpflat.privacy.ledger import EntryClass
from dpflat.privacy.wording import PUBLIC_PLAYS_PRIVATE
from dpflat.runs.layout import runs_root
from dpflat.runs.store import list_runs

TASK, BACKBONE, EPSILON = "rotten_tomatoes", "minilm", 3.0
MAJORITY = 0.5


@st.cache_data(max_entries=4, show_spinner=False)
def load_points(signature: str) -> tuple[list[MethodPoint], PairedDifference | None]:  # noqa: ARG001
    """The shipped points, and the paired cost of privacy at the epsilon of the title."""
    groups = group_runs([run for run in list_runs() if run.shipped], TASK, BACKBONE)
    points = [point for key, runs in groups.items() if (point := summarise_group(key, runs))]
    private, open_ = groups.get(("DP prefix", EPSILON)), groups.get(("non-private prefix", None))
    return points, compare_groups(private, open_) if private and open_ else None


def own_runs() -> tuple[OwnRun, ...]:
    """The person's finished runs on the same task, with whatever backbone."""
    found = []
    for run in list_runs(runs_root(), shipped=False):
        try:
            if run.state == "finished" and run.config.task.name == TASK and run.ledger.epsilon is not None:
                holds = run.ledger.guarantee().answer == "holds"
                name = f"{run.label.get('name') or run.id} ({run.config.backbone.name})"
                found.append(OwnRun(name, run.ledger.epsilon, run.results["accuracy"], holds))
        except DPFlatError:
            continue
    return tuple(found[:20])


def as_table(points: list[MethodPoint]) -> pd.DataFrame:
    """The numbers behind the figure."""
    return pd.DataFrame(
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
    )


st.title("DP-Flat Lab", anchor=False)
st.caption("What does privacy cost when a language model is fine-tuned?")
points, cost = load_points(store_signature())
if points:
    finding = cost_of_privacy(EPSILON, cost) if cost else Finding("Test accuracy against epsilon", Verdict.DESCRIPTIVE)
    seeds, examples = [len(p.seeds) for p in points], points[0].examples
    subtitle = (
        f"Test accuracy, % · n = {examples:,} sentences · {show_seeds(seeds)} · {TASKS[TASK].title}, "
        f"{BACKBONES[BACKBONE].title} · intervals over seeds and test sentences · "
        "hollow: no guarantee, or one with a caveat"
    )
    code = Code(
        "dpflat study run studies/shipped.yaml --runs cached_runs",
        "from dpflat import list_runs\nfrom analysis.tradeoff import group_runs, summarise_group\n"
        "from analysis.figures.tradeoff import draw_tradeoff\n\n"
        f'groups = group_runs(list_runs(), "{TASK}", "{BACKBONE}")\n'
        "points = [summarise_group(key, runs) for key, runs in groups.items()]\n"
        f'draw_tradeoff(points, "light", majority={MAJORITY})',
    )
    figure = draw_tradeoff(points, theme.mode(), MAJORITY, own_runs())
    show_figure("tradeoff", finding, subtitle, figure, EntryClass.DIAGNOSTIC, as_table(points), code)
else:
    st.write("No shipped runs are here. `dpflat study run studies/shipped.yaml --runs cached_runs` makes them.")
with st.expander("What is real here"):
    st.write(
        f"{TASKS[TASK].title}: {TASKS[TASK].train_rows:,} sentences to train on, {TASKS[TASK].test_rows:,} to test. "
        f"{PUBLIC_PLAYS_PRIVATE} Every point is a model that was trained; nothing is simulated. The noise comes from "
        f"published seeds so that you can repeat each run. Texts: {TASKS[TASK].source}. "
        f"Backbone: {BACKBONES[BACKBONE].source}."
    )
