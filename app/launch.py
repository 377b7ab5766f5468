"""What a page may start: choices checked again in Python, whatever the browser sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dpflat.catalog import BACKBONES, bundled_tasks
from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError, unknown
from dpflat.execution import jobs
from dpflat.execution.studies import StudyConfig, build_study, list_configs, open_study
from dpflat.flatness.mode import LEVEL_WORDS, list_modes
from dpflat.presets import load_preset
from dpflat.readout import READOUTS
from dpflat.runs.store import Store
from dpflat.settings.text import apply_settings, flatten_settings, kinds_first

OWN_MIX = "Own mix"
METHODS: dict[str, dict[str, Any]] = {
    "Non-private": {"privacy.kind": "none"},
    "DP prefix": {},
    "DP-Flat repaired": flatten_settings(load_preset("dp_flat")),
    "DP-Flat as published": flatten_settings(load_preset("dp_flat_as_published")),
    OWN_MIX: {},
    "DP prompt": {"adapter.kind": "prompt"},
    "Head only": {"adapter.kind": "head_only"},
}
WHY = {
    "Non-private": "The same training without clipping and noise: what privacy costs is measured against it.",
    "DP prefix": "Prefixes in every layer, and a head where there is one, trained with DP-SGD.",
    "DP-Flat repaired": "Flatter within layers, across layers and across models, all of it inside epsilon.",
    "DP-Flat as published": "The authors' three levels: un-noised private data shape the weights, so epsilon is void.",
    OWN_MIX: "Each level by itself: off, repaired or as published.",
    "DP prompt": "Black box: trained vectors at the input only, in front of the words.",
    "Head only": "No prefix, a linear head: how far the frozen features get by themselves, with DP-SGD.",
}
EPSILONS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 20.0)
LENGTHS = ("quick", "standard", "own")
MOST_EPOCHS, MOST_SEEDS, MOST_RUNS = 50.0, 10, 60
READOUT = "readout.kind"
OPEN_SETTINGS = (
    "data.max_tokens",
    "backbone.dtype",
    "adapter.length",
    "optimiser.batch_size",
    "optimiser.prefix_learning_rate",
    "optimiser.head_learning_rate",
    "privacy.max_grad_norm",
    READOUT,
)
LEVELS = {f"flatness.{level}.mode": level for level in LEVEL_WORDS}
LIST = "flatness.cross_layer.remove"
LIST_OF_LAYERS = re.compile(r"\s*\d{1,3}\s*(,\s*\d{1,3}\s*)*")


@dataclass(frozen=True)
class Choice:
    """What a person has chosen on the page New run.

    Attributes:
        task: a bundled task of the catalog.
        backbone: a name of the catalog.
        methods: names of `METHODS`.
        epsilons: values of `EPSILONS`; not used by a method without noise.
        length: one of `LENGTHS`.
        epochs: for the length `own`.
        seeds: number of seeds, counted from `first_seed`.
        first_seed: the public seed of the first run.
        settings: values of `OPEN_SETTINGS` that differ from the defaults; of `LEVELS`, and of `LIST` as text, for the
            method `Own mix`.
    """

    task: str
    backbone: str
    methods: tuple[str, ...]
    epsilons: tuple[float, ...]
    length: str
    epochs: float = 4.0
    seeds: int = 1
    first_seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def check_choice(choice: Choice) -> None:
    """Refuse anything that the page does not offer.

    Raises:
        DPFlatError: with what was expected and what came.
    """
    for what, got, known in (
        ("task", (choice.task,), list(bundled_tasks())),
        ("backbone", (choice.backbone,), list(BACKBONES)),
        ("method", choice.methods, list(METHODS)),
        ("length", (choice.length,), list(LENGTHS)),
        ("setting", tuple(choice.settings), [*OPEN_SETTINGS, *LEVELS, LIST]),
        ("readout", tuple(filter(None, [choice.settings.get(READOUT)])), list(READOUTS)),
        *(
            (f"value of {s}", (choice.settings[s],), list(list_modes(m)))
            for s, m in LEVELS.items()
            if s in choice.settings
        ),
    ):
        for name in got:
            if name not in known:
                raise unknown(what, str(name)[:60], known)
    given = choice.settings.get(LIST)
    if given is not None and not LIST_OF_LAYERS.fullmatch(str(given)):
        raise DPFlatError(f"Layers to remove: expected numbers of layers like 5, 3; got '{str(given)[:60]}'.")
    if not choice.methods:
        raise DPFlatError("Choose at least one method.")
    if any(epsilon not in EPSILONS for epsilon in choice.epsilons) or not choice.epsilons:
        offered = ", ".join(f"{e:g}" for e in EPSILONS)
        raise DPFlatError(f"Expected epsilons out of {offered}; got {choice.epsilons}.")
    if not 0 < choice.epochs <= MOST_EPOCHS:
        raise DPFlatError(f"Expected epochs above 0, at most {MOST_EPOCHS:g}; got {choice.epochs:g}.")
    if not 1 <= choice.seeds <= MOST_SEEDS:
        raise DPFlatError(f"Expected 1 to {MOST_SEEDS} seeds; got {choice.seeds}.")


def list_choices(choice: Choice) -> list[dict[str, Any]]:
    """The settings of each run, without its seed: one a method, and one an epsilon where the method has noise."""
    base: dict[str, Any] = {"task.name": choice.task, "backbone.name": choice.backbone}
    if choice.length == "quick":
        base |= flatten_settings(load_preset("quick"))
    elif choice.length == "own":
        base["optimiser.epochs"] = choice.epochs
    cells = []
    for method in choice.methods:
        own = METHODS[method]
        allowed = {key: value for key, value in choice.settings.items() if _applies(key, method)}
        if LIST in allowed:
            allowed[LIST] = [int(layer) for layer in str(allowed[LIST]).split(",")]
        if own.get("privacy.kind") == "none":
            cells.append({**base, **own, **allowed})
        else:
            cells.extend({**base, **own, **allowed, "privacy.epsilon": epsilon} for epsilon in choice.epsilons)
    return cells


def _applies(setting: str, method: str) -> bool:
    if setting in LEVELS or setting == LIST:
        return method == OWN_MIX
    if METHODS[method].get("privacy.kind") == "none" and setting.startswith("privacy."):
        return False
    return not (METHODS[method].get("adapter.kind") == "head_only" and setting in ("adapter.length", READOUT))


def first_config(choice: Choice) -> RunConfig:
    """The settings of the first run of a choice.

    Raises:
        DPFlatError: for anything the page does not offer or that does not fit together.
    """
    check_choice(choice)
    settings = [f"{key}={value}" for key, value in kinds_first(list_choices(choice)[0]).items()]
    return build_config(apply_settings({}, [*settings, f"seed={choice.first_seed}"]))


def as_study(choice: Choice) -> StudyConfig:
    """All runs of a choice as one study.

    Raises:
        DPFlatError: for anything the page does not offer, or too many runs.
    """
    check_choice(choice)
    seeds = list(range(choice.first_seed, choice.first_seed + choice.seeds))
    study = build_study({"name": "from-page", "cells": list_choices(choice), "seeds": seeds}, "your choice")
    count = len(list_configs(study))
    if count > MOST_RUNS:
        raise DPFlatError(f"That is {count} runs; the page starts at most {MOST_RUNS}. Use a study file for more.")
    return study


def launch(choice: Choice, store: Store, name: str = "") -> Path:
    """Start what was chosen: one run, or a study of several; returns the job's folder.

    Raises:
        DPFlatError: for anything the page does not offer, or where nothing may be started.
    """
    jobs.check_allowed(store)
    check_choice(choice)
    if choice.seeds == 1 and len(list_choices(choice)) == 1:
        folder = store.create_run(first_config(choice), {"name": name.strip()[:80]} if name.strip() else None).folder
    else:
        folder = open_study(store.root, as_study(choice))
    jobs.start(folder, store)
    return folder
