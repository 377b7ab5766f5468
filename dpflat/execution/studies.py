"""Study files: base settings x grid x seeds, as the list of runs they mean.

Privacy: none. Runs of a study on one data set compose; each run's guarantee speaks of that run alone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from dpflat.config import RunConfig, build_config
from dpflat.errors import DPFlatError
from dpflat.presets import load_preset
from dpflat.runs import layout
from dpflat.runs.files import is_there, read_json
from dpflat.runs.schemas import ANY, STUDY_TABLE
from dpflat.runs.store import create_folder
from dpflat.runs.stored import read_stored
from dpflat.settings.migrations import SCHEMA_VERSION
from dpflat.settings.pinned import pin_inputs
from dpflat.settings.section import Section
from dpflat.settings.text import apply_settings, kinds_first, read_settings
from dpflat.settings.wrong import describe_errors

MOST_RUNS = 2_000


class StudyConfig(Section):
    """Many runs in one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Literal[1, 2] = SCHEMA_VERSION
    """Of the settings of its runs: a study of schema 1 goes on meaning the runs that it meant."""
    kind: Literal["study"] = "study"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")
    """Names the study's folder."""
    preset: str | None = None
    """Settings to start from."""
    base: dict[str, Any] = {}
    """Settings of every run, as `section.field: value`."""
    cells: list[dict[str, Any]] = [{}]
    """One group of runs each: settings on top of `base`."""
    grid: dict[str, list[Any]] = {}
    """For each setting its values; all combinations are run, within each cell."""
    seeds: list[int] = Field([0], min_length=1)
    """Seeds of each combination."""


def read_study(path: Path) -> StudyConfig:
    """The study in a YAML file; texts and models that are not bundled are read, counted and identified.

    Raises:
        DPFlatError: when it, or a text, cannot be read, or it holds something unknown.
    """
    return pin_cells(build_study(read_settings(path), str(path)))


def pin_cells(study: StudyConfig) -> StudyConfig:
    """The same study, each of whose cells says what its task and backbone are, where they are not bundled.

    Raises:
        DPFlatError: when a text or a model cannot be read.
    """
    cells: list[dict[str, Any]] = []
    known: dict[str, dict[str, Any]] = {}
    whole = "backbone" in study.grid
    moved = [axis for axis in study.grid if axis == "backbone.name" or (whole and axis.split(".")[0] == "backbone")]
    axes = {axis: study.grid[axis] for axis in moved}
    named = [each[key] for each in (study.base, *study.cells) for key in ("backbone", "backbone.name") if key in each]
    axes = axes if any(map(_is_outside, itertools.chain(named, *axes.values()))) else {}
    for cell in study.cells:
        for chosen in itertools.product(*axes.values()):
            own = {**cell, **dict(zip(axes, chosen, strict=True))}
            given = {k: v for k, v in {**study.base, **own}.items() if k.split(".")[0] in ("task", "backbone")}
            content = apply_settings({}, [f"{key}={json.dumps(value, default=str)}" for key, value in given.items()])
            asked = json.dumps(content, sort_keys=True)
            if asked not in known:
                known[asked] = pin_inputs(content)
            task, backbone = known[asked].get("task"), known[asked].get("backbone", {})
            pinned = {} if task == content.get("task") else {"task": task}
            pinned |= {"backbone.sha256": backbone["sha256"]} if "sha256" in backbone else {}
            cells.append({**own, **pinned})
    grid = {name: values for name, values in study.grid.items() if name not in axes}
    return study if cells == study.cells else study.model_copy(update={"cells": cells, "grid": grid})


def _is_outside(backbone: Any) -> bool:
    """Whether a name, or a mapping with one, is of a model that is not bundled."""
    name = backbone.get("name") if isinstance(backbone, dict) else backbone
    return str(name).startswith(("folder:", "hub:"))


def build_study(content: dict[str, Any], source: str, quote: bool = True) -> StudyConfig:
    """Validate a study, or say in one sentence what is wrong with it; `quote` as of `build_config`.

    Raises:
        DPFlatError: when it holds something unknown, of the wrong type or out of range.
    """
    try:
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        raise DPFlatError(f"{source}: {describe_errors(error, StudyConfig, quote)}") from None


def write_study(study: StudyConfig) -> str:
    """A study as the YAML that `read_study` reads."""
    return yaml.safe_dump(study.model_dump(mode="json", exclude_defaults=True), sort_keys=False)


def list_configs(study: StudyConfig) -> list[RunConfig]:
    """The runs of a study in the order in which they are done: seed by seed, so that pairs come early.

    Raises:
        DPFlatError: when a combination is not valid, or when there is none.
    """
    preset = load_preset(study.preset) if study.preset else {}
    start = {"schema_version": study.schema_version, **preset}
    runs = len(study.seeds) * len(study.cells) * math.prod(map(len, study.grid.values()))
    if runs > MOST_RUNS:
        raise DPFlatError(f"The study '{study.name}' means {runs:,} runs; expected at most {MOST_RUNS:,}.")
    configs: dict[RunConfig, None] = {}
    for seed, cell in itertools.product(study.seeds, study.cells):
        for values in itertools.product(*study.grid.values()):
            settings = {**study.base, **cell, **dict(zip(study.grid, values, strict=True)), "seed": seed}
            given = [f"{key}={json.dumps(value, default=str)}" for key, value in kinds_first(settings).items()]
            content = apply_settings(start, given)
            shown = {key: value for key, value in cell.items() if key not in ("task", "backbone.sha256")}
            config = build_config(content, f"study '{study.name}', {shown or 'base'}")
            configs[config] = None
    if not configs:
        raise DPFlatError(
            f"The study '{study.name}' has no run: expected at least one cell, and a value for each grid."
        )
    return list(configs)


def study_folder(root: Path, study: StudyConfig) -> Path:
    """Where a study lives: the same content, the same folder."""
    content = json.dumps(study.model_dump(mode="json"), sort_keys=True)
    return root / layout.STUDIES / f"{study.name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def open_study(root: Path, study: StudyConfig) -> Path:
    """The study's folder, made if it is not there yet."""
    folder = study_folder(root, study)
    if not (folder / layout.CONFIG).exists():
        public = all(config.task.card().public for config in list_configs(study))
        create_folder(folder.parent, folder.name, {layout.CONFIG: study.model_dump(mode="json")}, public)
    return folder


def is_study(folder: Path) -> bool:
    """Whether a job folder holds a study."""
    return read_json(folder / layout.CONFIG).get("kind") == "study"


def read_stored_study(folder: Path) -> StudyConfig:
    """The settings of the study in a folder.

    Raises:
        DPFlatError: when they are damaged, or were changed since the study finished.
    """
    return build_study(read_stored(folder, layout.CONFIG, ANY), f"config.json of '{folder.name}'", quote=False)


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of a study's table, one a run; empty before there is one.

    Raises:
        DPFlatError: when it is damaged, or was changed since the study finished.
    """
    if not is_there(folder / layout.STUDY):
        return []
    rows: list[dict[str, Any]] = read_stored(folder, layout.STUDY, STUDY_TABLE)["rows"]
    return rows
