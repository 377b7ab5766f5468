"""The phase that scores and removes layers, on the weights that the warm-up left."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dpflat.batches import Batch, EncodedSplit, microbatches
from dpflat.events import Event, LayerRemoved, Progress
from dpflat.experiment import Experiment
from dpflat.flatness import cross_layer, sharpness
from dpflat.flatness.cross_layer import Round, Score
from dpflat.flatness.inputs import PrivateSplit, PublicSplit, Released
from dpflat.flatness.settings import BoxRemoval, RemovalExponential, RemovalPublic, ScoredRemoval
from dpflat.keys import Purpose, make_generator, seed_generator
from dpflat.objective import Classification, Objective
from dpflat.prefix import Parameters, active_layers, drop_layers, trained_prefixes
from dpflat.privacy.selection import draw_layer, score_sensitivity
from dpflat.state import TrainState

PHASE = "selection"
HEAD_EXAMPLES, HEAD_STEPS, HEAD_DECAY = 1000, 50, 1e-3


def select_layers(experiment: Experiment, state: TrainState) -> Generator[Event, None, TrainState]:
    """Remove layers until `keep_layers` are left; weights of a removed layer leave parameters and optimiser alike.

    Privacy: `exponential` is accounted, `public` reads no private data, `as_published` breaks epsilon.
    """
    settings = experiment.config.flatness.cross_layer
    assert isinstance(settings, ScoredRemoval)
    parameters = {key: value.to(experiment.device) for key, value in state.parameters.items()}
    if isinstance(settings, RemovalExponential):
        uphill = Released({key: value.to(experiment.device) for key, value in state.first_moments.items()})
        work = remove_privately(settings, experiment, parameters, uphill, PrivateSplit(experiment.data.train))
    elif isinstance(settings, RemovalPublic):
        assert experiment.public is not None
        work = remove_on_public(settings, experiment, parameters, experiment.public)
    else:
        assert isinstance(settings, BoxRemoval)
        work = remove_as_published(settings, experiment, parameters, PrivateSplit(experiment.data.train))
    removed: list[int] = []
    layers = len(active_layers(parameters))
    rounds = max(0, layers - settings.count_kept(layers))
    for found in work:
        if isinstance(found, Round):
            removed.append(found.removed)
            yield LayerRemoved(state.step, len(removed), found)
        else:
            yield Progress(PHASE, len(removed), rounds)
    return replace(
        state,
        parameters=drop_layers(state.parameters, removed),
        first_moments=drop_layers(state.first_moments, removed),
        second_moments=drop_layers(state.second_moments, removed),
    )


Rounds = Generator[Round | None, None, Parameters]


def remove_as_published(
    settings: BoxRemoval, experiment: Experiment, parameters: Parameters, private: PrivateSplit
) -> Rounds:
    """The greedy choice on private examples, without noise.

    Privacy: reads private data without noise: breaks epsilon.
    """
    rows = seed_generator(experiment.config.seed, Purpose.SUBSET, 1).permutation(len(private))[: settings.examples]
    return _remove_by_box(settings, experiment, parameters, experiment.objective, private, rows)


def remove_on_public(
    settings: RemovalPublic, experiment: Experiment, parameters: Parameters, public: PublicSplit
) -> Rounds:
    """The greedy choice on public examples, with a head of their own. Privacy: no private data is read."""
    seed, size = experiment.config.seed, experiment.config.microbatch()
    rows = seed_generator(seed, Purpose.PUBLIC_SUBSET).permutation(len(public))
    pieces = [piece.to(experiment.device) for piece in microbatches(public, np.sort(rows[:HEAD_EXAMPLES]), size)]
    own_head = yield from fit_head(experiment.objective, parameters, pieces, int(public.labels.max()) + 1)
    with_head = {**parameters, **own_head}
    return (
        yield from _remove_by_box(
            settings, experiment, with_head, experiment.objective, public, rows[: settings.examples]
        )
    )


def fit_head(
    objective: Classification, parameters: Parameters, pieces: list[Batch], classes: int
) -> Generator[None, None, Parameters]:
    """A linear head for features that stay as they are, by L-BFGS with weight decay.

    Privacy: reads its batches without noise.
    """
    features: list[Tensor] = []
    for piece in pieces:
        with torch.no_grad():
            features.append(objective.features(parameters, piece))
        yield None
    inputs, labels = torch.cat(features), torch.cat([piece.labels for piece in pieces])
    head = {
        "head.weight": torch.zeros(classes, inputs.shape[1], device=inputs.device, requires_grad=True),
        "head.bias": torch.zeros(classes, device=inputs.device, requires_grad=True),
    }
    optimiser = torch.optim.LBFGS(list(head.values()), max_iter=HEAD_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = objective.classify(head, inputs)
        decay = HEAD_DECAY * sum((value.square().sum() for value in head.values()), start=torch.zeros(()))
        loss: Tensor = torch.nn.functional.cross_entropy(logits, labels) + decay
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return {key: value.detach() for key, value in head.items()}


def _remove_by_box(
    settings: BoxRemoval,
    experiment: Experiment,
    parameters: Parameters,
    objective: Objective,
    split: EncodedSplit,
    rows: np.ndarray,
) -> Rounds:
    pieces = [
        piece.to(experiment.device) for piece in microbatches(split, np.sort(rows), experiment.config.microbatch())
    ]

    def score(left: Parameters) -> Generator[None, None, Score]:
        here = sharpness.mean_loss(objective, left, pieces)
        rises = []
        for restart in range(settings.restarts):
            generator = seed_generator(experiment.config.seed, Purpose.RESTART, restart)
            highest = here
            for loss in sharpness.climb(
                lambda at: sharpness.loss_gradient(objective, at, pieces),
                left,
                settings.eta,
                settings.ascent_steps,
                generator,
            ):
                highest = max(highest, loss)
                yield None
            rises.append(sharpness.relative_rise(highest, here))
        return cross_layer.score_of(rises)

    return cross_layer.remove_greedily(
        parameters, settings.count_kept(len(active_layers(parameters))), score, cross_layer.choose_lowest
    )


def remove_privately(
    settings: RemovalExponential,
    experiment: Experiment,
    parameters: Parameters,
    uphill: Released,
    private: PrivateSplit,
) -> Rounds:
    """Layers drawn by the exponential mechanism from bounded scores of one Poisson subset.

    The subset is drawn once by the noise key; that its being a sample amplifies privacy is not claimed.

    Args:
        settings: of the mode.
        experiment: the run.
        parameters: weights after the warm-up.
        uphill: Adam's running mean of released gradients, which the first corner follows.
        private: training examples.

    Privacy: epsilon-DP a round; the scores themselves are not released.
    """
    key, seed = experiment.noise_key, experiment.config.seed
    divisor = min(settings.examples, experiment.plan.units)
    share = min(1.0, settings.examples / experiment.plan.units)
    taken = make_generator(key, Purpose.SELECTION_EXAMPLES).random(private.units) < share
    rows = np.flatnonzero(taken[private.unit])
    pieces = [piece.to(experiment.device) for piece in microbatches(private, rows, experiment.config.microbatch())]
    generator = seed_generator(seed, Purpose.DIRECTION)
    corners = [
        {key: value.sign() for key, value in trained_prefixes(uphill).items()},
        *sharpness.draw_corners(parameters, settings.directions - 1, generator),
    ]
    sensitivity = score_sensitivity(settings.loss_bound, divisor)

    def mean(at: Parameters) -> Generator[None, None, float]:
        total = 0.0
        for piece in pieces:
            with torch.no_grad():
                losses = experiment.objective.per_example_loss(at, piece)
            total += float(
                losses.nan_to_num(settings.loss_bound).clamp(0, settings.loss_bound).sum(dtype=torch.float64)
            )
            yield None
        return total / divisor

    def score(left: Parameters) -> Generator[None, None, Score]:
        here = yield from mean(left)
        widths = sharpness.box_widths(left, settings.eta)
        perturbed = []
        for corner in corners:
            position = {name: value for name, value in corner.items() if name in left}
            found = yield from mean(sharpness.move_in_box(left, widths, position))
            perturbed.append(found)
        return cross_layer.bounded_score(perturbed, here, settings.loss_bound)

    def choose(candidates: dict[int, Score], number: int) -> tuple[int, float | None]:
        generator = make_generator(key, Purpose.SELECTION, number)
        values = {layer: candidate.value for layer, candidate in candidates.items()}
        return draw_layer(values, settings.epsilon, sensitivity, generator)

    return cross_layer.remove_greedily(parameters, settings.count_kept(len(active_layers(parameters))), score, choose)
