"""What a decomposition reads of each model, part by part: the same rows, box, starts and corners everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from analysis.begun import Begun
from analysis.decomposition.cells import Cell, Plan, Side, measure_head, plan_cells
from analysis.decomposition.settings import DecompositionConfig, check_decomposition, find_other, same_task
from analysis.layers.model import open_run
from analysis.layers.readings import PrefixLoss
from analysis.layers.sharpness import Radii, find_rises
from analysis.opening import open_objective, read_tensors
from analysis.parts import Meter, Part, Tell, list_complete
from dpflat.backbones.load import Backbone
from dpflat.core.batches import Batch
from dpflat.core.keys import Purpose, seed_generator
from dpflat.core.prefix import Parameters, active_layers, prefix_key, trained_prefixes
from dpflat.flatness.sharpness import box_widths, move_in_box, relative_rise
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.training.experiment import choose_device, draw_initial
from dpflat.training.heartbeat import Heartbeat


def begin_decomposition(run: Run, config: DecompositionConfig) -> Begun:
    """Two runs ready to be read on the rows of the first.

    Raises:
        DPFlatError: when they cannot be compared, or files of one are damaged.
    """
    check_decomposition(config, run)
    other = find_other(run, config)
    asked = open_run(run, config.of_layers())
    backbone = asked.objective.backbone
    plan = plan_cells(open_side(run, backbone), open_side(other, backbone), same_task(run, other))
    return Begun(
        backbone,
        {"rows": asked.rows, "examples": asked.examples, "against": other.id},
        lambda parts, tell: read_cells(plan, asked.few, config, parts, tell),
    )


def open_side(run: Run, backbone: Backbone) -> Side:
    """A run with its final and its first weights, on a backbone that is loaded already.

    Raises:
        DPFlatError: when it was trained with another backbone, or its files are damaged.
    """
    objective, device = open_objective(run, backbone=backbone), choose_device(run.config)
    initial = draw_initial(run.config, backbone, len(run.config.task.card().class_names))
    final, first = (
        {key: value.to(device) for key, value in weights.items()}
        for weights in (read_tensors(run, layout.WEIGHTS), initial)
    )
    return Side(objective, final, first)


def read_cells(
    plan: Plan, pieces: list[Batch], config: DecompositionConfig, parts: Mapping[str, Any], tell: Tell
) -> Iterator[Part]:
    """Every part that is not there yet, handed out after each reading; a model is read once, whatever its names.

    Privacy: reads the rows without noise; nothing shapes any weights.
    """
    done, known = list_complete(parts), {row["cell"]: row for part in parts.values() for row in part["rows"]}
    examples = sum(len(piece) for piece in pieces)
    each = examples * (2 + config.restarts * (config.ascent_steps + 1) + config.corners)
    for part, cells in plan.cells.items():
        if part in done:
            continue
        rows = list(parts.get(part, {}).get("rows", ()))
        why = {"why": plan.why[part]} if part in plan.why else {}
        twins = {name: plan.find_twin(name) for name in cells}
        own = [name == twin for name, twin in twins.items()]
        beat = Meter(tell, part, each * max(1, sum(own)), done=each * sum(own[: len(rows)]))
        for name, twin in list(twins.items())[len(rows) :]:
            found = known[twin] if twin in known else read_cell(cells[name], pieces, config, beat)
            known[name] = found | {"cell": name}
            rows.append(known[name])
            yield Part(part, {"rows": list(rows), **why}, complete=len(rows) == len(cells))
        if not cells:
            yield Part(part, {"rows": [], **why})


def read_cell(cell: Cell, pieces: list[Batch], config: DecompositionConfig, beat: Heartbeat) -> dict[str, Any]:
    """How far the loss rises in the box around the prefixes of a model: where it climbs, and at random corners.

    Privacy: reads the rows without noise.
    """
    prefixes = trained_prefixes(cell.weights)
    around = PrefixLoss(cell.objective, cell.weights, pieces, list(prefixes), beat)
    radii = Radii(config.eta, config.eta, config.eta)
    loss, rises = find_rises(
        around.gradient, around.loss, prefixes, "box", radii, config.ascent_steps, config.restarts, config.seed
    )
    widths, layers = box_widths(prefixes, config.eta), cell.objective.backbone.layers
    corners = (draw_corner(prefixes, layers, config.seed, number) for number in range(config.corners))
    return {
        "rises": rises,
        "random": [relative_rise(around.loss(move_in_box(prefixes, widths, corner)), loss) for corner in corners],
        "loss": loss,
        "entries": sum(value.numel() for value in prefixes.values()),
        "layers": list(active_layers(prefixes)),
        "head_norm": measure_head(cell.weights),
    }


def draw_corner(prefixes: Parameters, layers: int, seed: int, number: int) -> Parameters:
    """A random corner of the box, drawn over all layers: models with some of them take their part. Privacy: none."""
    generator = seed_generator(seed, Purpose.DIRECTION, number)
    shape = next(iter(prefixes.values())).shape
    signs = {prefix_key(layer): generator.choice([-1.0, 1.0], shape) for layer in range(layers)}
    return {key: torch.from_numpy(signs[key]).to(value) for key, value in prefixes.items()}
