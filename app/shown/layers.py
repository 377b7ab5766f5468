"""Figures of layers: sharpness of each, norms, one round of a choice, what every seed chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.figures.layer_choices import draw_choices, draw_round
from analysis.figures.layer_findings import (
    choice_entry,
    class_of_scores,
    describe_agreement,
    describe_norms,
    describe_removals,
    describe_round,
    worst,
)
from analysis.figures.layers import LayerSide, draw_alone, draw_norms
from analysis.layers.tables import layer_rows
from analysis.layers.trace import count_removals, removed_layers
from app.shown.code import Code, open_run, write_imports
from app.shown.figure import ShownFigure
from app.shown.layer_side import Side, code_of_measured, code_of_run, rows_of, seeds_of
from app.summary import show_seeds
from dpflat.privacy.ledger import EntryClass
from dpflat.runs.record import Run
from dpflat.runs.store import store_of


def drawn_sides(sides: Sequence[Side]) -> list[LayerSide]:
    """The runs with a result, as the figures see them."""
    return [drawn for side in sides if (drawn := side.drawn())]


def table_of(sides: Sequence[Side]) -> pd.DataFrame:
    """The numbers of each layer, of A and of B."""
    tables = [pd.DataFrame(layer_rows(s.result, s.removed)).assign(run=s.letter) for s in sides if s.result]
    return pd.concat(tables)


def compose_alone(sides: list[Side], marked: int | None = None) -> ShownFigure:
    """Each layer's sharpness, and which are gone.

    Args:
        sides: with sharpness of single layers, on one ruler.
        marked: a layer to point at.
    """
    shown = next((side for side in reversed(sides) if side.removed), sides[0])
    first = sides[0]
    assert first.result is not None
    subtitle = (
        f"Sharpness of each layer's prefix alone (Keskar's box, eta {first.config.eta:g}), spread over "
        f"{first.config.restarts} starts · n = {first.result.examples:,} · {seeds_of(sides)} · {rows_of(first)} · "
        f"{first.result.weights} · hatched: removed (round)"
    )
    finding = describe_removals(shown.drawn(), shown.removed, shown.trace, shown.fixed)
    scored = class_of_scores(shown.run.ledger) if shown.trace else shown.entry_class()
    return ShownFigure(
        f"layers_alone_{first.letter}",
        replace(finding, text=f"{shown.letter}: {finding.text}"),
        subtitle,
        lambda mode: draw_alone(drawn_sides(sides), mode, marked),
        worst(scored, *(side.entry_class() for side in sides)),
        table_of(sides),
        code_of_measured(sides, "draw_alone", 'draw_alone(sides, "light")'),
    )


def compose_norms(sides: list[Side], marked: int | None = None) -> ShownFigure:
    """Norms of keys and values, and the attention that goes to the prefix, of runs with as many layers."""
    first = sides[0]
    assert first.result is not None
    return ShownFigure(
        "layers_norms",
        describe_norms(first.result, first.letter),
        f"L2 norms as attention gets them, share of the words' attention · final weights · "
        f"n = {first.result.examples:,} · {seeds_of(sides)} · {rows_of(first)}",
        lambda mode: draw_norms(drawn_sides(sides), mode, marked),
        worst(*(side.entry_class() for side in sides)),
        table_of(sides)[["run", "layer", "key norm", "value norm", "attention"]],
        code_of_measured(sides, "draw_norms", 'draw_norms(sides, "light")'),
    )


def compose_round(side: Side, number: int, marked: int | None = None) -> ShownFigure:
    """Why a layer went: the ranked scores of one round, counted from 1."""
    assert side.trace is not None
    found = side.trace.rounds[number - 1]
    kind = class_of_scores(side.run.ledger)
    table = pd.DataFrame(
        {
            "without layer": list(found.scores),
            "sharpness": list(found.scores.values()),
            "spread": [found.spreads[layer] for layer in found.scores],
        }
    )
    return ShownFigure(
        "layers_why",
        describe_round(found, number),
        f"Sharpness of what is left without one more layer, step {side.trace.step:,} · whisker: spread · "
        f"seed {side.run.config.seed} · {'public data' if kind is EntryClass.PUBLIC else 'training split'}",
        lambda mode: draw_round(found, mode, marked),
        kind,
        table,
        code_of_run(side, f'draw_round(trace.rounds[{number - 1}], "light")'),
    )


def compose_seeds(side: Side, seeds: Mapping[int, Run], marked: int | None = None) -> ShownFigure:
    """Whether another seed would choose the same.

    Args:
        side: the run.
        seeds: finished runs of its experiment by seed, itself among them.
        marked: a layer to point at.
    """
    entry = choice_entry(side.run.ledger)
    removals = {seed: removed_layers(run) for seed, run in seeds.items()}
    finding = describe_agreement(count_removals(list(removals.values()), side.layers), len(removals))
    table = pd.DataFrame(
        [{"seed": seed, "removed, in order": ", ".join(map(str, gone)) or "none"} for seed, gone in removals.items()]
    )
    imports = write_imports(
        {
            "analysis.figures.layer_choices": ["draw_choices"],
            "analysis.layers.trace": ["removed_layers"],
            "dpflat": ["load_run"],
        }
    )
    opened = "".join(f"    {open_run(run)},\n" for run in seeds.values())
    code = Code(
        store_of(side.run).command("show", side.run.folder),
        f"{imports}\n\nruns = [\n{opened}]",
        "removals = {run.config.seed: removed_layers(run) for run in runs}",
        f'draw_choices(removals, {side.layers}, "light")',
        runs=tuple(seeds.values()),
    )
    return ShownFigure(
        "layers_seeds",
        finding,
        f"Removed layers, with their place in the order · {show_seeds([len(removals)])} · "
        f"{side.letter}: {side.run.config.describe()}",
        lambda mode: draw_choices(removals, side.layers, mode, marked),
        entry.entry_class if entry else EntryClass.PUBLIC,
        table,
        code,
    )
