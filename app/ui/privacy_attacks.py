"""The tab Attacks of the page Privacy: what attacks find in a run, beside what its noise leaves at most."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.attacks.likelihood import FEWEST_SHADOWS
from analysis.attacks.results import NAMES, AttacksResult
from analysis.attacks.settings import AttacksConfig
from analysis.attacks.shadows import find_shadows
from analysis.figures.attack_findings import describe_attacks, describe_audit
from analysis.figures.attacks import draw_attacks, draw_audit
from analysis.odds import LossCurve, curve_of_run
from analysis.store import analyze_command, find_analysis
from app.attack_rows import attack_rows, audit_rows
from app.ui import theme
from app.ui.frame import Code, show_figure
from app.ui.measure import show_measuring
from app.ui.store import visible_runs
from dpflat.errors import DPFlatError
from dpflat.privacy import wording
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.layout import runs_root
from dpflat.runs.record import Run


def show_attacks(run: Run) -> None:
    """The tab from top to bottom."""
    if run.state != "finished":
        st.write(f"This run is {run.state}. Attacks are measured on finished runs.")
        return
    config = AttacksConfig()
    analysis = find_analysis(run, config, runs_root())
    found: AttacksResult | None = analysis.result if analysis else None
    if analysis is not None and found is not None and analysis.state == "finished":
        found = show_more_shadows(run, found)
    else:
        show_measuring(run, config, analysis, "this run")
    st.write(wording.NOT_A_GUARANTEE)
    if found is None:
        return
    if found.attacks:
        show_curves(run, found)
        show_power(run, found)
    if found.audit is not None:
        show_canaries(run, found)
    for key, why in found.absent.items():
        st.caption(f"{NAMES.get(key, key).capitalize()}: {why}")


def show_more_shadows(run: Run, found: AttacksResult) -> AttacksResult:
    """Offer to measure again where there are shadow runs that were not there before; gives the widest result."""
    there = len(find_shadows(run, AttacksConfig().shadows))
    used = len(found.attacks["likelihood"].shadows) if "likelihood" in found.attacks else 0
    if there <= max(used, FEWEST_SHADOWS - 1):
        return found
    wider = AttacksConfig(shadows=there)
    analysis = find_analysis(run, wider, runs_root())
    show_measuring(run, wider, analysis, f"this run with {there} shadow runs")
    result: AttacksResult | None = analysis.result if analysis else None
    return result if result is not None and "likelihood" in result.attacks else found


def say_measured(run: Run) -> None:
    """What attacks found in a run that nothing bounds, in a line each; where to measure it if nobody has."""
    analysis = find_analysis(run, AttacksConfig(), runs_root())
    found: AttacksResult | None = analysis.result if analysis else None
    if found is None or not (found.attacks or found.audit):
        st.write("What attacks find in it is not measured yet: see Attacks.")
        return
    if found.attacks:
        st.write(f"{describe_attacks(list(found.attacks.values()), None).text}.")
    if found.audit is not None:
        st.write(f"{describe_audit(found.audit, run.ledger.guarantee()).text}.")
    st.caption(wording.NOT_A_GUARANTEE)


def show_curves(run: Run, found: AttacksResult) -> None:
    """Members found against false alarms under the bound, and the same as a table."""
    guarantee, attacks = run.ledger.guarantee(), list(found.attacks.values())
    curve = _bound_of(run)
    sizes = ", ".join(f"{attack.name} n = {attack.members:,} and {attack.others:,}" for attack in attacks)
    subtitle = f"Members found against false alarms, % · {sizes} · seed {run.config.seed} · {run.config.task.name}"
    show_figure(
        "attacks",
        describe_attacks(attacks, curve),
        subtitle,
        draw_attacks(attacks, curve, theme.mode()),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(attack_rows(found)),
        _code(run, 'draw_attacks(list(found.attacks.values()), curve_of_run(run), "light")'),
    )
    st.caption(wording.ILLUSTRATION)
    if curve is None:
        st.caption(wording.NO_UPPER_LIMIT)
    condition = wording.describe_condition(guarantee)
    if condition and curve is not None:
        st.caption(condition)
    st.dataframe(pd.DataFrame(attack_rows(found)), hide_index=True, width="stretch")
    if not found.found_something:
        st.write(wording.ATTACK_FAILED)


def _bound_of(run: Run) -> LossCurve | None:
    if run.ledger.guarantee().answer not in ("holds", "nominal"):
        return None
    try:
        return curve_of_run(run)
    except DPFlatError as error:
        st.caption(str(error))
        return None


def show_power(run: Run, found: AttacksResult) -> None:
    """Whether each attack has been seen to succeed where it must: on runs without privacy."""
    yardsticks = [result for other in visible_runs() if (result := _yardstick(other, run)) is not None]
    for key, name in NAMES.items():
        if key in found.attacks:
            tried = [result.attacks[key].found_something for result in yardsticks if key in result.attacks]
            st.caption(wording.describe_power(name, len(tried), sum(tried)))
    if found.audit is not None:
        audits = [result.audit.bound > 0 for result in yardsticks if result.audit is not None]
        st.caption(wording.describe_power("canaries", len(audits), sum(audits)))


def _yardstick(other: Run, run: Run) -> AttacksResult | None:
    """What attacks found in a run without privacy on the same task and backbone; None for any other run."""
    analysis = find_analysis(other, AttacksConfig(), runs_root())
    if analysis is None:
        return None
    try:
        alike = other.config.task == run.config.task and other.config.backbone == run.config.backbone
        result: AttacksResult | None = analysis.result
        return result if alike and other.config.privacy.kind == "none" else None
    except DPFlatError:
        return None


def show_canaries(run: Run, found: AttacksResult) -> None:
    """What canaries prove about epsilon, what is claimed, and what so many could show."""
    audit, guarantee = found.audit, run.ledger.guarantee()
    assert audit is not None
    show_figure(
        "canaries",
        describe_audit(audit, guarantee),
        f"Epsilon refuted with 95 % confidence · {audit.right:,} of {audit.guesses:,} guesses right, "
        f"{audit.canaries:,} canaries · seed {run.config.seed} · {run.config.task.name}",
        draw_audit(audit, guarantee, theme.mode()),
        EntryClass.DIAGNOSTIC,
        pd.DataFrame(audit_rows(found)),
        _code(run, 'draw_audit(found.audit, run.ledger.guarantee(), "light")'),
    )
    st.caption(wording.describe_ceiling(audit.canaries, audit.guesses, audit.ceiling, guarantee))


def _code(run: Run, draw: str) -> Code:
    name = draw.partition("(")[0]
    bound = "from analysis.odds import curve_of_run\n" if "curve_of_run" in draw else ""
    return Code(
        analyze_command(run, AttacksConfig()),
        "from analysis.attacks.settings import AttacksConfig\n"
        f"from analysis.figures.attacks import {name}\n"
        f"{bound}"
        "from analysis.store import find_analysis\n"
        "from dpflat import list_runs\n\n"
        f'run = next(run for run in list_runs() if run.id == "{run.id}")\n'
        "found = find_analysis(run, AttacksConfig()).result\n"
        f"{draw}",
    )
