"""What is stored of the layers of one or two runs."""

from __future__ import annotations

from pathlib import Path

from analysis.figures.layer_findings import describe_cost, describe_removals
from analysis.layers.settings import LayersConfig
from analysis.layers.trace import read_trace, removed_layers
from analysis.settings import AnalysisConfig
from app.shown.layer_sets import compose_strip
from app.shown.layer_side import Side, find_layers, list_differences, read_side
from app.shown.layers import compose_alone, compose_norms, compose_round, compose_seeds
from app.shown.stored import Runs, Stored, letter_of, list_settings, tell_missing
from dpflat.errors import DPFlatError
from dpflat.runs.record import Run
from dpflat.runs.store import store_of


def find_layer_figures(runs: Runs, root: Path, wanted: AnalysisConfig | None = None) -> Stored:
    """Figures of layers.

    Args:
        runs: by letter.
        root: one's own store.
        wanted: settings to draw; None for all that are stored.
    """
    stored = Stored()
    configs = [c for c in list_settings(runs, "layers", root, wanted, stored) if isinstance(c, LayersConfig)]
    whole = [config for config in configs if config.keep is None]
    for number, config in enumerate(whole or [LayersConfig()]):
        sides = _read(runs, config, root, stored, tell=number == 0)
        _add_measured(sides, stored)
        for side in sides:
            letter = letter_of(runs, side.letter)
            if side.result is not None:
                own = tuple(layer for layer in side.result.everything() if layer not in side.removed)
                if own != side.result.everything():
                    stored.add(compose_strip(side, side.result, own, "accuracy"), letter)
                _add_single_sets(side, configs, root, stored, letter)
            if number == 0:
                _add_choice(side, root, stored, letter)
    return stored


def _read(runs: Runs, config: LayersConfig, root: Path, stored: Stored, tell: bool) -> list[Side]:
    """Each run with what is known; what is not is reported for the first settings."""
    sides = []
    for letter, run in runs.items():
        if run.state != "finished":
            if tell:
                tell_missing(stored, letter_of(runs, letter), run, config)
            continue
        try:
            found = find_layers(run, config, root)
            side = read_side(letter, run, config, found, root)
        except DPFlatError as error:
            if tell:
                stored.note(f"{letter_of(runs, letter)}{': ' if len(runs) > 1 else ''}{error}")
            continue
        if side.result is None and tell:
            tell_missing(stored, letter_of(runs, letter), run, config)
        sides.append(side)
    return sides


def _add_measured(sides: list[Side], stored: Stored) -> None:
    ready = [side for side in sides if side.result and side.result.alone]
    differences = list_differences(*ready) if len(ready) == 2 else []
    if differences:
        stored.note(f"Layers, each on its own ruler. {'; '.join(differences)}.")
    for group in [[side] for side in ready] if differences else [ready]:
        if group:
            stored.add(compose_alone(group))
    alike = [side for side in sides if side.layers == sides[0].layers and side.result and side.result.norms]
    if alike:
        stored.add(compose_norms(alike))


def _add_single_sets(side: Side, configs: list[LayersConfig], root: Path, stored: Stored, letter: str) -> None:
    """Sets that were measured on their own, beside the others of their size."""
    for single in configs:
        if single.keep is None or single.model_copy(update={"keep": None}) != side.config or side.result is None:
            continue
        try:
            found = find_layers(side.run, single, root)
            extra = found.result if found else None
            result = side.result.with_one(extra) if extra else None
        except (DPFlatError, ValueError) as error:
            stored.note(f"A set of layers cannot be shown: {error}.")
            continue
        if result is not None:
            stored.add(compose_strip(side, result, single.keep, "accuracy"), letter)


def _add_choice(side: Side, root: Path, stored: Stored, letter: str) -> None:
    """How layers were chosen: what the run itself keeps, whatever is measured."""
    who = f"{letter}: " if letter else ""
    if side.result is None or not side.result.alone:
        stored.note(f"{who}{describe_removals(side.drawn(), side.removed, side.trace, side.fixed).text}.")
    stored.note(f"{who}{describe_cost(side.run.ledger)}")
    if side.trace is not None:
        for number in range(1, len(side.trace.rounds) + 1):
            stored.add(compose_round(side, number), letter)
    if side.removed:
        stored.add(compose_seeds(side, find_seeds(side.run, root)), letter)


def find_seeds(run: Run, root: Path) -> dict[int, Run]:
    """Finished runs of the same experiment by seed, the run itself among them; what cannot be read is left out."""
    found: dict[int, Run] = {}
    for other in [run, *store_of(run).at(root).list_runs()]:
        try:
            same = other.config.fingerprint() == run.config.fingerprint() and other.state == "finished"
            if same and other.config.seed not in found:
                removed_layers(other), read_trace(other)
                found[other.config.seed] = other
        except DPFlatError:
            continue
    return dict(sorted(found.items()))
