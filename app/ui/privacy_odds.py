"""The tab In odds of the page Privacy: what a run's noise leaves to an ideal attacker, as icons."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.figures.findings import Finding
from analysis.figures.odds import Row, draw_odds
from analysis.figures.odds_findings import compare_odds, find_members, find_odds
from analysis.odds import LossCurve, curve_of_run, curves_at, most_found, most_right, pair_curve
from app.ui import theme
from app.ui.frame import Code, show_figure
from app.ui.privacy_attacks import say_measured
from dpflat.forecast import plan_privacy
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.layout import run_command
from dpflat.runs.record import Run

ALARMS, SHOWN_ALARMS = "privacy_alarms", "privacy_alarms_shown"
OFFERED = (1, 5, 10)
COIN = "without the weights, a coin"


def ask_alarms(given: str | None) -> None:
    """Settle how many false alarms are allowed: the address, else what was chosen, else 5 in 100."""
    wanted = int(given) if given and given.isdecimal() else st.session_state.get(ALARMS)
    st.session_state[ALARMS] = wanted if wanted in OFFERED else 5


def show_odds(run: Run) -> None:
    """The tab from top to bottom."""
    guarantee = run.ledger.guarantee()
    if guarantee.answer == "nothing_private":
        st.write(wording.NOTHING_PRIVATE)
        return
    if guarantee.answer in ("void", "none") or guarantee.epsilon is None or guarantee.delta is None:
        st.markdown(f"## {wording.NO_UPPER_LIMIT}")
        st.write(wording.describe_guarantee(guarantee, run.ledger.unit))
        if run.state == "finished":
            say_measured(run)
        return
    curve = curve_of_run(run)
    if curve is None:
        st.markdown(f"## {wording.NO_UPPER_LIMIT}")
        return
    show_guesses(run, curve)
    left, right = st.columns(2)
    with left:
        alarms = show_members(run, curve)
    with right:
        show_other_epsilons(run)
    with st.expander("What this counts"):
        st.write(wording.IDEAL_ATTACKER)
        pair = pair_curve(guarantee.epsilon, guarantee.delta)
        found = float(most_found(pair, [alarms / 100])[0])
        st.write(wording.describe_pair_alone(most_right(pair), found, guarantee.epsilon, guarantee.delta))
        st.caption(
            "Composed from the steps' privacy-loss distributions (dp-accounting) of adding and of removing; "
            "counts are rounded up."
        )


def entry_class_of(run: Run) -> EntryClass:
    """The badge of a bound: a function of the plan, and a caveat where the guarantee has one."""
    nominal = run.ledger.guarantee().answer == "nominal"
    return EntryClass.CAVEAT if nominal else EntryClass.POST_PROCESSING


def show_guesses(run: Run, curve: LossCurve) -> None:
    """A thousand guesses with the weights, and a thousand without."""
    guarantee, right = run.ledger.guarantee(), most_right(curve)
    finding = find_odds(right, guarantee)
    rows = [Row("with this run's weights", right), Row(COIN, 0.5, "reference")]
    subtitle = f"did any one {run.ledger.unit} take part?"
    python = (
        "from analysis.odds import curve_of_run, most_right\n",
        "right = most_right(curve_of_run(run))\n"
        f'rows = [Row("{rows[0].name}", right), Row("{COIN}", 0.5, "reference")]\n'
        'draw_odds(rows, 1000, "right", "light")',
    )
    _show(run, "odds_guesses", finding, subtitle, rows, 1000, "right", python)
    condition = wording.describe_condition(guarantee)
    if condition:
        st.caption(condition)


def show_members(run: Run, curve: LossCurve) -> int:
    """How many members can be found at so many false alarms; gives these."""
    st.session_state[SHOWN_ALARMS] = st.session_state[ALARMS]
    st.segmented_control(
        "False alarms allowed in 100",
        OFFERED,
        key=SHOWN_ALARMS,
        required=True,
        on_change=lambda: st.session_state.update({ALARMS: st.session_state[SHOWN_ALARMS]}),
    )
    alarms: int = st.session_state[ALARMS]
    found = float(most_found(curve, [alarms / 100])[0])
    rows = [Row("with this run's weights", found), Row(COIN, alarms / 100, "reference")]
    python = (
        "from analysis.odds import curve_of_run, most_found\n",
        f"found = most_found(curve_of_run(run), [{alarms / 100}])[0]\n"
        f'rows = [Row("{rows[0].name}", found), Row("{COIN}", {alarms / 100}, "reference")]\n'
        'draw_odds(rows, 100, "found", "light")',
    )
    _show(run, "odds_members", find_members(found, alarms), "members found", rows, 100, "found", python)
    return alarms


def show_other_epsilons(run: Run) -> None:
    """The same steps at other epsilons."""
    rights = {e: most_right(curve) for e, curve in curves_at(plan_privacy(run.config)[0]).items()}
    if rights:
        rows = [Row(f"ε = {epsilon:g}", right) for epsilon, right in rights.items()]
        python = (
            "from analysis.odds import curves_at, most_right\nfrom dpflat.forecast import plan_privacy\n",
            "curves = curves_at(plan_privacy(run.config)[0])\n"
            'rows = [Row(f"ε = {epsilon:g}", most_right(curve)) for epsilon, curve in curves.items()]\n'
            'draw_odds(rows, 1000, "right", "light")',
        )
        _show(run, "odds_epsilons", compare_odds(rights), "same steps, same data", rows, 1000, "right", python)


def _python(run: Run, imports: str, draw: str) -> str:
    return (
        f"from analysis.figures.odds import Row, draw_odds\n{imports}from dpflat import list_runs\n\n"
        f'run = next(run for run in list_runs() if run.id == "{run.id}")\n{draw}'
    )


def _show(
    run: Run,
    key: str,
    finding: Finding,
    subtitle: str,
    rows: list[Row],
    total: int,
    what: str,
    python: tuple[str, str],
) -> None:
    table = pd.DataFrame(
        {"case": [r.name for r in rows], what: [wording.out_of(r.share, total) for r in rows], "of": total}
    )
    code = Code(run_command("ledger", run.folder), _python(run, *python))
    subtitle = f"{subtitle[0].upper()}{subtitle[1:]} · upper limits, of {total:,} · computed from the plan"
    figure = draw_odds(rows, total, what, theme.mode())
    show_figure(key, finding, subtitle, figure, entry_class_of(run), table, code)
