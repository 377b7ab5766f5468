"""The page New run: choices, what they will cost, and the button."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.launch import EPSILONS, LENGTHS, METHODS, MOST_EPOCHS, MOST_SEEDS, WHY, Choice, as_study, first_config, launch
from app.summary import show_seconds
from app.terminal.tables import forecast_rows
from app.ui.export import as_command, as_python
from app.ui.states import read_only
from dpflat.catalog import BACKBONES, TASKS
from dpflat.config import RunConfig, write_yaml
from dpflat.errors import DPFlatError
from dpflat.forecast import Forecast, forecast_run
from dpflat.privacy import wording
from dpflat.runs.layout import STUDIES, runs_root
from dpflat.runs.speed import measured_speed
from dpflat.runs.store import list_runs
from dpflat.studies import list_configs

# setting: words, least, most, format
NUMBERS: dict[str, tuple[str, float, float, str]] = {
    "data.max_tokens": ("Tokens kept of each text", 4, 512, "%d"),
    "adapter.length": ("Prefix tokens a layer", 1, 200, "%d"),
    "optimiser.batch_size": ("Expected examples in a batch", 1, 20_000, "%d"),
    "optimiser.prefix_learning_rate": ("Step size of the prefixes", 1e-5, 1.0, "%.4f"),
    "optimiser.head_learning_rate": ("Step size of the head", 1e-5, 1.0, "%.4f"),
    "privacy.max_grad_norm": ("Clipping norm C", 1e-3, 100.0, "%.3f"),
}


def ask_settings() -> dict[str, Any]:
    """More settings: those that differ from their default, which each field shows and explains."""
    default = RunConfig()
    changed: dict[str, Any] = {}
    with st.expander("More settings"):
        columns = st.columns(2)
        dtype = columns[0].selectbox(
            "Type of the frozen weights",
            ["float32", "bfloat16"],
            key="new_dtype",
            help="bfloat16 is faster on processors that have it; `dpflat doctor` says whether yours does.",
        )
        if dtype != default.backbone.dtype:
            changed["backbone.dtype"] = dtype
        for number, (setting, (words, least, most, shape)) in enumerate(NUMBERS.items(), start=1):
            section, name = setting.split(".")
            standard = getattr(getattr(default, section), name)
            kind = type(standard)
            value = columns[number % 2].number_input(
                words,
                kind(least),
                kind(most),
                standard,
                format=shape,
                key=f"new_setting_{name}",
                help=type(getattr(default, section)).model_fields[name].description,
            )
            if value != standard:
                changed[setting] = value
    return changed


def ask_choice() -> Choice:
    """The four blocks of the left column."""
    st.subheader("1 Data", anchor=False)
    task = st.selectbox("Task", list(TASKS), format_func=lambda name: TASKS[name].title, key="new_task")
    names = list(BACKBONES)
    backbone = st.selectbox("Backbone", names, format_func=lambda name: BACKBONES[name].title, key="new_backbone")
    st.subheader("2 Method", anchor=False)
    several = st.toggle("Several at once", key="new_several", help="Methods x epsilons x seeds become one study.")
    if several:
        methods = tuple(
            st.pills("Methods", list(METHODS), selection_mode="multi", default="DP prefix", key="new_methods")
        )
    else:
        methods = (st.radio("Method", list(METHODS), index=1, captions=list(WHY.values()), key="new_method"),)
    epsilons: tuple[float, ...] = (3.0,)
    if any(METHODS[method].get("privacy.kind") != "none" for method in methods):
        st.subheader("3 Privacy", anchor=False)
        if several:
            chosen = st.pills("Epsilons", EPSILONS, selection_mode="multi", default=3.0, key="new_epsilons")
            epsilons = tuple(sorted(chosen))
        else:
            epsilons = (st.select_slider("Epsilon", EPSILONS, 3.0, key="new_epsilon", format_func="{:g}".format),)
            ends = st.columns(2)
            ends[0].caption("more private")
            ends[1].caption("more accurate")
    st.subheader("4 How long", anchor=False)
    length = st.segmented_control("Length", LENGTHS, default="quick", key="new_length", required=True)
    epochs = 4.0
    if length == "own":
        epochs = st.number_input("Passes over the data", 0.1, MOST_EPOCHS, 4.0, key="new_epochs")
    seeds = st.number_input("Seeds", 1, MOST_SEEDS, 1, key="new_seeds", help="One run tells little; three tell more.")
    return Choice(task, backbone, methods, epsilons, length, float(epochs), int(seeds), 0, ask_settings())


def show_forecast(config: RunConfig, plan: Forecast, runs: int) -> None:
    """The right column: what will be promised, and what it takes."""
    rows = forecast_rows(config, plan)
    st.markdown(f"#### {rows['guarantee']}")
    if plan.epsilon is not None:
        noise = wording.show_noise_multiplier(rows["noise_multiplier"])
        st.write(
            f"Noise multiplier {noise}, {rows['steps']:,} steps of about {rows['expected_batch_size']:.0f} examples."
        )
    else:
        st.write(f"{rows['steps']:,} steps of about {rows['expected_batch_size']:.0f} examples.")
    about = "About" if runs == 1 else f"{runs} runs, each about"
    time = show_seconds(plan.seconds) if plan.seconds else "an unknown time"
    memory = f"{plan.memory_gb:g} GB" if plan.memory_gb else "unknown memory"
    st.write(f"{about} {time}, {memory} ({plan.basis}).")
    if plan.epsilon is not None and plan.epsilon > 8:
        st.warning(wording.WEAK_PROMISE)
    if rows["public_task"]:
        st.caption(wording.PUBLIC_PLAYS_PRIVATE)
    if runs > 1:
        st.caption("Each run's guarantee speaks of that run alone; releasing several costs more than one.")


st.title("New run", anchor=False)
st.caption("What should be trained, and what will it cost?")
left, right = st.columns([3, 2], gap="large")
with left:
    choice = ask_choice()
with right, st.container(key="forecast"):
    try:
        config = first_config(choice)
        configs = list_configs(as_study(choice))
        speed = measured_speed(list_runs(runs_root(), shipped=False), config)
        show_forecast(config, forecast_run(config, speed), len(configs))
        name = st.text_input("Name", max_chars=80, placeholder="optional", key="new_name")
        if read_only():
            st.write("This lab is read-only. Run this on your own machine:")
            st.code(as_command(config), language="bash")
        elif st.button("Train", type="primary", key="new_train"):
            folder = launch(choice, runs_root(), name)
            if folder.parent.name != STUDIES:
                st.session_state["runs_open"] = folder.name
            st.switch_page("views/runs.py")
        with st.popover("As command, YAML, Python", type="tertiary"):
            command, as_yaml, python = st.tabs(["Command", "YAML", "Python"])
            command.code(as_command(config), language="bash")
            as_yaml.code(write_yaml(config), language="yaml")
            python.code(as_python(config), language="python")
    except DPFlatError as error:
        st.error(str(error))
