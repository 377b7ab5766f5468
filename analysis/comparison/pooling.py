"""Which runs may stand on one curve: those that differ in method, epsilon and seed alone. No torch."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.tradeoff import Key, pick_experiments
from dpflat.config import DPPrivacy, OptimiserConfig, RunConfig
from dpflat.flatness.settings import FlatnessConfig
from dpflat.readout import READOUTS
from dpflat.runs.record import Run
from dpflat.settings.text import flatten_settings

OF_THE_METHOD = ("privacy.kind", "privacy.epsilon", "privacy.noise_multiplier", "adapter.kind")
BASELINE = "DP prefix"
PRICE = ("privacy.accountant", "flatness.cross_layer.scale")
"""Settings that say what epsilon is priced by."""
PREFIX_STEP, HEAD_STEP = "optimiser.prefix_learning_rate", "optimiser.head_learning_rate"
SAID_ELSEWHERE = ("task.texts", "task.label_texts", "backbone.name")
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """Runs that share every setting that is not of the method, and those that do not.

    Attributes:
        groups: by method and epsilon, by seed.
        settings: what all of them share.
        left_out: for the names of settings that differ, the runs in which they do.
        repeated: runs of a seed that a newer run of the same experiment stands for.
    """

    groups: dict[Key, list[Run]]
    settings: Settings
    left_out: dict[tuple[str, ...], list[Run]]
    repeated: list[Run]


def shared_settings(config: RunConfig) -> dict[str, Any]:
    """The settings that are not of the method, of epsilon or of the seed, as `section.field: value`.

    Texts and models count by what names the experiment, not by where they lie; noise by what `auto` comes to. Full
    fine-tuning has no choice of the weights' type, a head alone none of the readout and no prefixes: there that is of
    the method. Without a head its step size does nothing, and counts as the usual one.
    """
    content = config.model_dump(mode="json", exclude={"execution", "seed", "schema_version", "task", "flatness"})
    flat = {name: value for name, value in flatten_settings(content).items() if name not in OF_THE_METHOD}
    flat.pop("backbone.sha256", None)
    flat["backbone.name"] = config.backbone.identity()
    if config.adapter.kind == "full":
        del flat["backbone.dtype"]
    if config.adapter.kind == "head_only":
        flat = {name: value for name, value in flat.items() if not name.startswith("readout.") and name != PREFIX_STEP}
    if not config.readout.is_trained:
        flat[HEAD_STEP] = OptimiserConfig().head_learning_rate
    if "privacy.noise" in flat and flat["privacy.noise"] == "auto":
        flat["privacy.noise"] = "seeded" if config.task.card().public else "secret"
    texts = config.task.identity()
    if "label_texts" in texts:
        flat["task.label_texts"] = json.dumps(texts.pop("label_texts"), sort_keys=True)
    return {"task.texts": json.dumps(texts, sort_keys=True), **flat}


def has_usual_price(config: RunConfig) -> bool:
    """Whether epsilon is priced as settings of this schema usually are; without noise it is."""
    return not isinstance(config.privacy, DPPrivacy) or config.privacy.accountant == DPPrivacy().accountant


def has_readout(config: RunConfig, kind: str) -> bool:
    """Whether runs of a readout may be held against these settings: theirs, or a head alone, which has no other."""
    return config.readout.kind == kind or config.adapter.kind == "head_only"


def list_differences(first: Settings, second: Settings) -> tuple[str, ...]:
    """Names of the settings that both have and that differ."""
    return tuple(name for name in first if name in second and first[name] != second[name])


def pool_runs(runs: Sequence[Run]) -> Pool:
    """Sort runs of one task and backbone into those that may be pooled and those that may not.

    Of each method one variant is pooled (`pick_experiments`). All other settings are to be those that most runs of DP
    prefix tuning have; without any, most private runs; without any, most runs. A run without noise, or without a
    prefix, lacks some settings, and is held against the others.

    Args:
        runs: finished, the newest first.

    Raises:
        DPFlatError: when settings or ledger of a run cannot be read.
    """
    settings = {run.id: shared_settings(run.config) for run in runs}
    common = _most_common(runs, settings)
    differing = {run.id: list_differences(common, settings[run.id]) for run in runs}
    groups = pick_experiments(run for run in runs if not differing[run.id])
    kept = {run.id for group in groups.values() for run in group}
    experiments = {group[0].config.fingerprint(): group[0] for group in groups.values()}
    by_method = {run.config.method(): run for group in groups.values() for run in group[:1]}
    left_out: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    repeated: list[Run] = []
    for run in runs:
        if run.id in kept:
            continue
        if run.config.fingerprint() in experiments:
            repeated.append(run)
        else:
            names = differing[run.id] or _differences_of_method(run.config, by_method[run.config.method()].config)
            left_out[names].append(run)
    return Pool(groups, common, dict(left_out), repeated)


def _most_common(runs: Sequence[Run], settings: Mapping[str, Settings]) -> Settings:
    private = [run for run in runs if run.config.privacy.kind == "dp"]
    plain = [run for run in private if run.config.method() == BASELINE]
    among = plain or private or runs
    counts = Counter(json.dumps(settings[run.id]) for run in among)
    common: dict[str, Any] = json.loads(counts.most_common(1)[0][0]) if counts else {}
    return common


def _differences_of_method(first: RunConfig, second: RunConfig) -> tuple[str, ...]:
    """Names of the settings inside the method that differ between two runs of one method."""
    flat = [
        flatten_settings(config.model_dump(mode="json", include={"flatness", "privacy"})) for config in (first, second)
    ]
    return list_differences(*({k: v for k, v in one.items() if k != "privacy.epsilon"} for one in flat))


def name_setting(name: str) -> str:
    """A setting in words: `head learning rate`, `within layer gamma`."""
    parts = name.split(".")
    return " ".join(parts[1:] if parts[0] == "flatness" else parts[-1:]).replace("_", " ")


def unusual_strengths(config: RunConfig) -> dict[str, Any]:
    """Settings inside a run's method that are not the defaults of its levels' modes, as `section.field: value`.

    What its epsilon is priced by is no strength.
    """
    levels = {name: {"mode": level.mode} for name, level in config.flatness.levels().items()}
    found, default = (
        flatten_settings({"flatness": flatness.model_dump(mode="json")})
        for flatness in (config.flatness, FlatnessConfig.model_validate(levels))
    )
    return {name: value for name, value in found.items() if value != default.get(name) and name not in PRICE}


def unusual_settings(settings: Settings) -> dict[str, Any]:
    """Those of the pooled settings that are not the defaults; not which texts."""
    readout = READOUTS[settings.get("readout.kind", "linear")]
    step = OptimiserConfig(prefix_learning_rate=readout.prefix_learning_rate)
    usual = RunConfig().model_copy(update={"readout": readout(), "optimiser": step})  # type: ignore[call-arg]
    defaults = shared_settings(usual)
    return {
        name: value
        for name, value in settings.items()
        if name in defaults and value != defaults[name] and name not in (*SAID_ELSEWHERE, *PRICE)
    }
