"""The page New run: choices, what they will cost, and the button."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.launch import (
    EPSILONS,
    LENGTHS,
    METHODS,
    MOST_EPOCHS,
    MOST_SEEDS,
    OWN_MIX,
    READOUT,
    WHY,
    Choice,
    as_study,
    first_config,
    launch,
)
from app.page import link_to
from app.summary import QUICK_IS_FOR_LOOKING, show_seconds
from app.terminal.tables import forecast_rows, weakness
from app.ui.export import as_python
from app.ui.levels import ask_levels, take_list
from app.ui.links import go_to
from app.ui.readout_choice import ask_readout
from app.ui.runs_view import RunsView
from app.ui.store import current_store, list_alive, own_runs, read_only
from app.ui.study_detail import count_to_do
from app.ui.text import plain
from app.ui.visit import Visit
from app.ui.worth import show_worth
from dpflat.catalog import BACKBONES, TASKS, bundled_tasks
from dpflat.config import RunConfig
from dpflat.errors import DPFlatError, SettingsError
from dpflat.execution.studies import StudyConfig, list_configs, write_study
from dpflat.privacy import wording
from dpflat.privacy.wording_together import describe_together
from dpflat.readout import READOUTS
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.speed import measured_speed
from dpflat.settings.commands import as_command
from dpflat.settings.text import write_yaml
from dpflat.training.forecast import Forecast, compose_runs, forecast_run

DEFAULT, HEAD_ONLY = "DP prefix", "Head only"
STUDY_COMMAND = "dpflat study run study.yaml"
OWN_FILE_COMMAND = "dpflat train --data FILE --text-column text --label-column label --classes no,yes"
LABEL_TEXTS = '--label-text no="it is not so" --label-text yes="it is so"'
COPY_COMMAND = "dpflat train --set task.name=sst2 --set task.path=FOLDER"
# setting: words, least, most, format
PREFIX_STEP, HEAD_STEP = "optimiser.prefix_learning_rate", "optimiser.head_learning_rate"
NUMBERS: dict[str, tuple[str, float, float, str]] = {
    "data.max_tokens": ("Tokens kept of each text", 4, 512, "%d"),
    "adapter.length": ("Prefix tokens a layer", 1, 200, "%d"),
    "optimiser.batch_size": ("Expected examples in a batch", 1, 20_000, "%d"),
    PREFIX_STEP: ("Step size of the prefixes", 1e-5, 1.0, "%.4f"),
    HEAD_STEP: ("Step size of the head", 1e-5, 1.0, "%.4f"),
    "privacy.max_grad_norm": ("Clipping norm C", 1e-3, 100.0, "%.3f"),
}


Places = dict[str, DeltaGenerator]


def ask_settings(kind_of_readout: str, methods: tuple[str, ...]) -> tuple[dict[str, Any], Places]:
    """More settings: those that differ from their default, and a place for an error beside each field.

    Args:
        kind_of_readout: the one that was chosen, which has a step size of its own and may have no head.
        methods: those that were chosen; a head alone has one whatever the readout.
    """
    default, readout = RunConfig(), READOUTS[kind_of_readout]
    own = {PREFIX_STEP: readout.prefix_learning_rate}
    changed: dict[str, Any] = {}
    places: Places = {}
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
            if setting == HEAD_STEP and not readout.is_trained and HEAD_ONLY not in methods:
                continue
            usual = getattr(getattr(default, section), name)
            standard = own.get(setting, usual)
            apart = "" if standard == usual else f"_{kind_of_readout}"
            kind = type(standard)
            value = columns[number % 2].number_input(
                plain(words),
                kind(least),
                kind(most),
                standard,
                format=shape,
                key=f"new_setting_{name}{apart}",
                help=plain(type(getattr(default, section)).model_fields[name].description),
            )
            places[setting] = columns[number % 2].empty()
            if value != standard:
                changed[setting] = value
    return changed, places


def ask_choice(runs: list[Run]) -> tuple[Choice, Places]:
    """The four blocks of the left column, and the places for errors beside their fields."""
    st.subheader("1 Data", anchor=False)
    task = st.selectbox("Task", list(bundled_tasks()), format_func=lambda name: TASKS[name].title, key="new_task")
    show_other_texts()
    names = list(BACKBONES)
    backbone = st.selectbox("Backbone", names, format_func=lambda name: BACKBONES[name].title, key="new_backbone")
    st.subheader("2 Method", anchor=False)
    several = st.toggle("Several at once", key="new_several", help="Methods x epsilons x seeds become one study.")
    if several:
        methods = tuple(
            st.pills(
                "Methods", list(METHODS), selection_mode="multi", default=DEFAULT, key="new_methods", format_func=plain
            )
        )
    else:
        names = list(METHODS)
        st.session_state.setdefault("new_method", DEFAULT)
        methods = (
            st.radio(
                "Method", names, captions=[plain(words) for words in WHY.values()], key="new_method", format_func=plain
            ),
        )
    levels = ask_readout() | (ask_levels() if OWN_MIX in methods else {})
    epsilons: tuple[float, ...] = (3.0,)
    if any(METHODS[method].get("privacy.kind") != "none" for method in methods):
        st.subheader("3 Privacy", anchor=False)
        if several:
            chosen = st.pills(
                "Epsilons", EPSILONS, selection_mode="multi", default=3.0, key="new_epsilons", format_func=plain
            )
            epsilons = tuple(sorted(chosen))
        else:
            epsilons = (st.select_slider("Epsilon", EPSILONS, 3.0, key="new_epsilon", format_func="{:g}".format),)
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.caption("more private", width="content")
                st.caption("more accurate", width="content")
    st.subheader("4 How long", anchor=False)
    length = st.segmented_control(
        "Length", LENGTHS, default="quick", key="new_length", required=True, format_func=plain
    )
    # Not in the buttons: a label that changes while somebody clicks takes the click back.
    times = [_show_time(Choice(task, backbone, methods[:1], epsilons[:1], name), runs) for name in LENGTHS]
    st.caption(plain(", ".join(filter(None, times))))
    epochs = 4.0
    if length == "quick":
        st.caption(plain(QUICK_IS_FOR_LOOKING))
    if length == "own":
        epochs = st.number_input("Passes over the data", 0.1, MOST_EPOCHS, 4.0, key="new_epochs")
    seeds = st.number_input("Seeds", 1, MOST_SEEDS, 1, key="new_seeds", help="One run tells little; three tell more.")
    settings, places = ask_settings(levels.get(READOUT, RunConfig().readout.kind), methods)
    settings |= levels
    choice = Choice(task, backbone, methods, epsilons, length, float(epochs), int(seeds), 0, settings)
    return choice, places


def show_other_texts() -> None:
    """How to train on texts that a page cannot reach: a file of one's own, or a copy of a published task."""
    with st.expander("My own file"):
        st.write("A page cannot read your files. In a terminal, one row being one example:")
        st.code(OWN_FILE_COMMAND, language="bash")
        st.caption(
            "CSV, TSV, JSON Lines or Parquet. The file stays where it is; no text of it goes into the run's folder. "
            "With --classes the labels are declared; without it they are read off the data, and the guarantee says so."
        )
        st.write("To have answers read off a text of each class, with no trained head, add:")
        st.code(LABEL_TEXTS, language="bash")
        others = ", ".join(name for name, task in TASKS.items() if task.elsewhere is not None)
        st.write(plain(f"A published task that is not bundled ({others}), from a local copy:"))
        st.code(COPY_COMMAND, language="bash")


def _show_time(choice: Choice, runs: list[Run]) -> str:
    """A length and the time of one run of it, all other settings at their default; nothing where unknown."""
    if choice.length == "own":
        return ""
    try:
        config = first_config(choice)
    except DPFlatError:
        return ""
    seconds = forecast_run(config, measured_speed(runs, config)).seconds
    return f"{choice.length} takes {show_seconds(seconds)}" if seconds else ""


def show_forecast(configs: list[RunConfig], plans: list[Forecast]) -> None:
    """The right column: what will be promised, and what it takes; each promise of a study once."""
    promises = dict.fromkeys(_describe_promise(config, plan) for config, plan in zip(configs, plans, strict=True))
    for number, (guarantee, steps, selection) in enumerate(promises):
        st.markdown(f"## {plain(guarantee)}" if number == 0 else f"#### {plain(guarantee)}")
        st.write(plain(steps))
        if selection:
            st.write(plain(selection))
    runs = len(configs)
    if runs > 1:
        st.write(plain(describe_together(compose_runs(configs))))
    seconds = [p.seconds for p in plans]
    time = "an unknown time" if None in seconds else show_seconds(sum(s for s in seconds if s is not None))
    memory = f"{plans[0].memory_gb:g} GB" if plans[0].memory_gb else "unknown memory"
    about = "About" if runs == 1 else f"{runs} runs, one after the other, about"
    st.write(plain(f"{about} {time}, {memory} ({plans[0].basis})."))
    weak = dict.fromkeys(line for config, plan in zip(configs, plans, strict=True) for line in weakness(config, plan))
    if weak:
        st.warning(plain(" ".join(weak)))
    if configs[0].task.card().public:
        st.caption(plain(wording.PUBLIC_PLAYS_PRIVATE))


def _describe_promise(config: RunConfig, plan: Forecast) -> tuple[str, str, str | None]:
    rows = forecast_rows(config, plan)
    steps = f"{rows['steps']:,} steps of about {rows['expected_batch_size']:.0f} examples."
    if plan.epsilon is not None:
        noise = wording.describe_noise(rows["noise_multiplier"], plan.accountant)
        steps = f"{noise[0].upper()}{noise[1:]}, {steps}"
    return rows["guarantee"], steps, rows["selection"]


def show_busy() -> None:
    """How many runs come first."""
    ahead = len(list_alive()) + count_to_do(current_store().shown_roots)
    if ahead:
        st.caption(plain(f"{ahead} run{'s' if ahead > 1 else ''} ahead of yours: one is done at a time."))


def show_error(error: DPFlatError, places: Places) -> None:
    """An error beside the field it is about, else where the forecast would stand; what was typed is kept."""
    wrong = error.settings if isinstance(error, SettingsError) else ()
    place = next((places[setting] for setting in wrong if setting in places), None)
    if place is None:
        st.error(plain(error))
    else:
        place.error(plain(error))
        st.write("One of the settings on the left does not fit; what is wrong stands beside it.")


def show_codes(study: StudyConfig, configs: list[RunConfig]) -> None:
    """What was chosen as a command, as a file and, for one run, as Python."""
    with st.popover("As command, YAML, Python", type="tertiary"):
        command, as_yaml, python = st.tabs(["Command", "YAML", "Python"])
        if len(configs) == 1:
            command.code(as_command(configs[0]), language="bash")
            as_yaml.code(write_yaml(configs[0]), language="yaml")
            python.code(as_python(configs[0]), language="python")
        else:
            command.code(STUDY_COMMAND, language="bash")
            as_yaml.caption("study.yaml")
            as_yaml.code(write_study(study), language="yaml")
            python.write("A study is run by its command.")


def show_page(visit: Visit) -> None:
    """The page from top to bottom."""
    take_list(visit)
    runs = own_runs()
    left, right = st.columns([3, 2], gap="large")
    with left:
        choice, places = ask_choice(runs)
    with right, st.container(key="forecast"):
        try:
            first_config(choice)  # the first thing that is wrong, reported without the words of a study
            study = as_study(choice)
            configs = list_configs(study)
            alone = len(configs) == 1
            show_forecast(configs, [forecast_run(c, measured_speed(runs, c)) for c in configs])
            if alone:
                show_worth(configs[0])
            if read_only():
                st.write("This lab is read-only. Run this on your own machine:")
                st.code(as_command(configs[0]) if alone else STUDY_COMMAND, language="bash")
            else:
                show_busy()
                name = st.text_input("Name", max_chars=80, placeholder="optional", key="new_name") if alone else ""
                if st.button("Train", type="primary", key="new_train"):
                    folder = launch(choice, current_store(), name)
                    is_study = folder.parent.name == layout.STUDIES
                    view = RunsView(study=folder.name) if is_study else RunsView(a=(folder.name,))
                    go_to(link_to("runs", **view.values()))
            show_codes(study, configs)
        except DPFlatError as error:
            show_error(error, places)
