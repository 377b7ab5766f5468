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
from dpflat.config import DPPrivacy, OptimiserConfig, PrefixAdapter, RunConfig, write_yaml
from dpflat.errors import DPFlatError
from dpflat.forecast import Forecast, forecast_run
from dpflat.privacy import wording
from dpflat.runs.layout import STUDIES, runs_root
from dpflat.runs.speed import measured_speed
from dpflat.runs.store import list_runs
from dpflat.studies import list_configs


def ask_settings() -> dict[str, Any]:
    """More settings: each with its default, and where that comes from."""
    default = RunConfig()
    adapter, optimiser, privacy = default.adapter, default.optimiser, default.privacy
    assert isinstance(adapter, PrefixAdapter)
    assert isinstance(privacy, DPPrivacy)
    asked: dict[str, tuple[Any, Any]] = {}
    with st.expander("More settings"):
        left, right = st.columns(2)
        asked["backbone.dtype"] = (
            left.selectbox("Type of the frozen weights", ["float32", "bfloat16"], key="new_dtype", help=_help("dtype")),
            "float32",
        )
        asked["data.max_tokens"] = (
            right.number_input("Tokens kept of each text", 4, 512, default.data.max_tokens, key="new_tokens"),
            default.data.max_tokens,
        )
        asked["adapter.length"] = (
            left.number_input("Prefix tokens a layer", 1, 200, adapter.length, key="new_prefix", help=_help("length")),
            adapter.length,
        )
        asked["optimiser.batch_size"] = (
            right.number_input("Expected examples in a batch", 1, 20_000, optimiser.batch_size, key="new_batch"),
            optimiser.batch_size,
        )
        asked["optimiser.prefix_learning_rate"] = (
            left.number_input(
                "Step size of the prefixes",
                1e-5,
                1.0,
                optimiser.prefix_learning_rate,
                format="%.4f",
                key="new_prefix_rate",
                help=_help("prefix_learning_rate"),
            ),
            optimiser.prefix_learning_rate,
        )
        asked["optimiser.head_learning_rate"] = (
            right.number_input(
                "Step size of the head",
                1e-5,
                1.0,
                optimiser.head_learning_rate,
                format="%.4f",
                key="new_head_rate",
                help=_help("head_learning_rate"),
            ),
            optimiser.head_learning_rate,
        )
        asked["privacy.max_grad_norm"] = (
            left.number_input(
                "Clipping norm C",
                1e-3,
                100.0,
                privacy.max_grad_norm,
                format="%.3f",
                key="new_clip",
                help=_help("max_grad_norm"),
            ),
            privacy.max_grad_norm,
        )
    return {key: value for key, (value, standard) in asked.items() if value != standard}


def _help(name: str) -> str:
    for section in (PrefixAdapter, OptimiserConfig, DPPrivacy):
        if name in section.model_fields:
            return section.model_fields[name].description or ""
    return "bfloat16 is faster on processors that have it; `dpflat doctor` says whether yours does."


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
