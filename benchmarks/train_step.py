"""Time of one private step beside a plain one and beside Opacus' own hooks on the same module.

    python benchmarks/train_step.py [--backbone minilm] [--dtype float32] [--batch 32] [--rounds 15]

All three train the same prefixes and head on the same frozen backbone and the same rows, in one process, in turn, in an
order that changes from round to round. Printed: medians, and the median of the paired ratios.

- plain: one gradient of the mean loss, one Adam step; no clipping, no noise.
- ours: exact per-unit gradients, clip, sum, keyed noise, statistics, Adam.
- opacus: GradSampleModule over per-layer embeddings and a linear head, DPOptimizer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer

from dpflat.config import build_config
from dpflat.core.attention import additive_mask
from dpflat.core.batches import Batch
from dpflat.core.gradients import per_unit_gradients
from dpflat.core.mechanism import NoisySum, build_optimiser
from dpflat.core.objective import Classification
from dpflat.settings.text import apply_settings
from dpflat.training.experiment import Experiment, prepare

CLIP, NOISE = 0.1, 1.0


class HookedPrefixes(torch.nn.Module):
    """The trained part as Opacus wants it: embeddings without buffers beside them, and a linear head."""

    def __init__(self, objective: Classification, length: int, classes: int) -> None:
        super().__init__()
        backbone = objective.backbone
        self.objective = [objective]
        self.shape = (length, 2, backbone.kv_heads, backbone.head_dim)
        width = 2 * backbone.kv_heads * backbone.head_dim
        self.layers = torch.nn.ModuleList([torch.nn.Embedding(length, width) for _ in range(backbone.layers)])
        self.head = torch.nn.Linear(backbone.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        objective, rows = self.objective[0], len(input_ids)
        index = torch.arange(self.shape[0]).repeat(rows, 1)
        prefix = {
            layer: module(index).view(rows, *self.shape).permute(0, 2, 3, 1, 4)
            for layer, module in enumerate(self.layers)
        }
        backbone = objective.backbone
        states = backbone.hidden_states(input_ids, additive_mask(mask, backbone.dtype), prefix)
        return self.head(torch.nn.functional.normalize(backbone.pool(states, mask), dim=-1))


def plain_step(experiment: Experiment, batch: Batch) -> Callable[[], None]:
    parameters = {k: v.clone().requires_grad_() for k, v in experiment.initial.items()}
    adam = torch.optim.Adam(parameters.values(), lr=0.01)

    def step() -> None:
        adam.zero_grad()
        experiment.objective.per_example_loss(parameters, batch).mean().backward()
        adam.step()

    return step


def our_step(experiment: Experiment, batch: Batch) -> Callable[[], None]:
    parameters = {k: v.clone().requires_grad_() for k, v in experiment.initial.items()}
    optimiser = build_optimiser(parameters, 0.01, 0.01, NOISE, CLIP, float(len(batch)), bytes(16))
    counter = iter(range(10**6))

    def step() -> None:
        total = NoisySum(optimiser, list(parameters))
        total.add(per_unit_gradients(experiment.objective, parameters, batch))
        total.statistics()
        total.step(next(counter))

    return step


def opacus_step(experiment: Experiment, batch: Batch) -> Callable[[], None]:
    length = experiment.config.adapter.length  # type: ignore[union-attr]
    module = GradSampleModule(HookedPrefixes(experiment.objective, length, 2)).train()
    adam = torch.optim.Adam(module.parameters(), lr=0.01)
    optimiser = DPOptimizer(adam, noise_multiplier=NOISE, max_grad_norm=CLIP, expected_batch_size=len(batch))

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(module(batch.input_ids, batch.mask), batch.labels).backward()
        optimiser.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="minilm")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    names = [f"backbone.name={given.backbone}", f"backbone.dtype={given.dtype}"]
    experiment = prepare(build_config(apply_settings({"readout": {"kind": "linear"}}, names)))
    rows = np.random.default_rng(0).choice(len(experiment.data.train), given.batch, replace=False)
    batch = experiment.data.train.collate(rows)
    steps = {
        "plain": plain_step(experiment, batch),
        "ours": our_step(experiment, batch),
        "opacus": opacus_step(experiment, batch),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(given.rounds + 2):
        order = list(steps)[number % 3 :] + list(steps)[: number % 3]
        for name in order:
            began = time.perf_counter()
            steps[name]()
            if number >= 2:
                times[name].append(time.perf_counter() - began)
    ratios = {
        peer: statistics.median(a / b for a, b in zip(times["ours"], times[peer], strict=True))
        for peer in ("plain", "opacus")
    }
    print(
        json.dumps(
            {
                "backbone": given.backbone,
                "dtype": given.dtype,
                "batch": given.batch,
                "tokens": int(batch.mask.shape[1]),
                "threads": torch.get_num_threads(),
                "median_seconds": {name: round(statistics.median(t), 4) for name, t in times.items()},
                "ours_over": {peer: round(ratio, 3) for peer, ratio in ratios.items()},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
