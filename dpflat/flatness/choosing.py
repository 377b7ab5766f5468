"""What the modes across layers may do to choose the layers that go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from dpflat.catalog import TASKS
from dpflat.core.batches import Batch, EncodedSplit, microbatches
from dpflat.core.keys import Purpose, make_generator, seed_generator
from dpflat.core.objective import Classification
from dpflat.core.prefix import Parameters, active_layers, trained_prefixes
from dpflat.errors import DPFlatError
from dpflat.flatness import cross_layer, sharpness
from dpflat.flatness.cross_layer import Rounds, Score
from dpflat.flatness.inputs import PrivateSplit, PublicSplit, Released
from dpflat.flatness.modes.removal_exponential import RemovalExponential
from dpflat.flatness.removal import BoxRemoval
from dpflat.privacy.plan import ExponentialSelection
from dpflat.privacy.selection import draw_layer, score_scale
from dpflat.training.experiment import Experiment
from dpflat.training.heartbeat import Heartbeat, unwatched
from dpflat.training.state import TrainState

HEAD_EXAMPLES, HEAD_STEPS, HEAD_DECAY = 1000, 50, 1e-3


@dataclass(frozen=True)
class Tools:
    """What layers are scored with; holds no data.

    Attributes:
        objective: the pure loss function.
        seed: public seed of subsets, restarts and directions.
        microbatch: rows that go through the model at once.
        device: where it is computed.
        beat: called after each batch of rows.
    """

    objective: Classification
    seed: int
    microbatch: int
    device: torch.device
    beat: Heartbeat = unwatched

    def cut(self, split: EncodedSplit, rows: np.ndarray) -> list[Batch]:
        """Rows of a split in pieces, on the device. Privacy: reads its split."""
        return [piece.to(self.device) for piece in microbatches(split, rows, self.microbatch)]


@dataclass(frozen=True)
class Choosing:
    """The weights after the warm-up, and the ways to choose among their layers.

    Attributes:
        experiment: the run.
        tools: what layers are scored with.
        parameters: the weights, on the device.
        uphill: Adam's running mean of released gradients, on the device.
        split: private examples to choose on; None for the run's own training split.
    """

    experiment: Experiment
    tools: Tools
    parameters: Parameters
    uphill: Released
    split: EncodedSplit | None = None

    @property
    def private(self) -> PrivateSplit:
        """The examples that the guarantee speaks of."""
        return PrivateSplit(self.experiment.data.train if self.split is None else self.split)

    def rounds(self, kept: int) -> int:
        """How many layers go where n are kept."""
        return max(0, len(active_layers(self.parameters)) - kept)

    def on_private(self, mode: BoxRemoval) -> Rounds:
        """The greedy choice on private examples. Privacy: without noise: breaks epsilon."""
        return remove_as_published(mode, self.tools, self.parameters, self.private)

    def on_public(self, mode: BoxRemoval) -> Rounds:
        """The greedy choice on the examples of the mode's public task. Privacy: no private data is read."""
        assert self.experiment.public is not None
        objective = self.tools.objective.of_task(TASKS[mode.public_tasks()[0]])
        tools = replace(self.tools, objective=objective)
        return remove_on_public(mode, tools, self.parameters, self.experiment.public)

    def privately(self, mode: RemovalExponential) -> Rounds:
        """Draws by the exponential mechanism.

        Raises:
            DPFlatError: when the plan accounts for another number of draws.

        Privacy: epsilon-DP a round.
        """
        plan, rounds = self.experiment.plan, self.rounds(mode.count_kept(len(active_layers(self.parameters))))
        mechanism = plan.selection
        if mechanism is None or mechanism.rounds != rounds:
            planned = mechanism.rounds if mechanism is not None else 0
            raise DPFlatError(f"{rounds} layers are to be drawn, but this run's epsilon accounts for {planned} draws.")
        key = self.experiment.noise_key
        return remove_privately(
            mode, mechanism, self.tools, self.parameters, self.uphill, self.private, plan.units, key
        )


def start_choosing(
    experiment: Experiment, state: TrainState, split: EncodedSplit | None = None, beat: Heartbeat = unwatched
) -> Choosing:
    """The weights of a state on the device. Privacy: none; no example is read."""

    def on_device(values: Parameters) -> Parameters:
        return {key: value.to(experiment.device) for key, value in values.items()}

    config = experiment.config
    tools = Tools(experiment.objective, config.seed, config.microbatch(), experiment.device, beat)
    uphill = Released(on_device(state.first_moments))
    return Choosing(experiment, tools, on_device(state.parameters), uphill, split)


def remove_as_published(settings: BoxRemoval, tools: Tools, parameters: Parameters, private: PrivateSplit) -> Rounds:
    """The greedy choice on private examples, without noise.

    Privacy: reads private data without noise: breaks epsilon.
    """
    rows = seed_generator(tools.seed, Purpose.SUBSET, 1).permutation(len(private))[: settings.examples]
    return _remove_by_box(settings, tools, parameters, tools.cut(private, np.sort(rows)))


def remove_on_public(settings: BoxRemoval, tools: Tools, parameters: Parameters, public: PublicSplit) -> Rounds:
    """The greedy choice on public examples, with a head of their own where the readout has one.

    Privacy: no private data is read.
    """
    rows = seed_generator(tools.seed, Purpose.PUBLIC_SUBSET).permutation(len(public))
    head_pieces = tools.cut(public, np.sort(rows[:HEAD_EXAMPLES]))
    own_head = fit_head(tools, parameters, head_pieces, int(public.labels.max()) + 1)
    pieces = tools.cut(public, np.sort(rows[: settings.examples]))
    return _remove_by_box(settings, tools, {**parameters, **own_head}, pieces)


def fit_head(tools: Tools, parameters: Parameters, pieces: list[Batch], classes: int) -> Parameters:
    """The readout's parameters for features that stay as they are, by L-BFGS with weight decay; none if it has none.

    Privacy: reads its batches without noise.
    """
    objective = tools.objective
    if not objective.readout.is_trained:
        return {}
    features: list[Tensor] = []
    for piece in pieces:
        with torch.no_grad():
            features.append(objective.features(parameters, piece))
        tools.beat(len(piece))
    inputs, labels = torch.cat(features), torch.cat([piece.labels for piece in pieces])
    drawn = objective.readout.initial(objective.backbone, classes, 0)
    head = {key: value.to(inputs.device).requires_grad_() for key, value in drawn.items()}
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


def _remove_by_box(settings: BoxRemoval, tools: Tools, parameters: Parameters, pieces: list[Batch]) -> Rounds:
    objective = tools.objective

    def gradient(at: Parameters) -> tuple[float, Parameters]:
        return sharpness.loss_gradient(objective, at, pieces, tools.beat)

    def score(left: Parameters) -> Score:
        here = sharpness.mean_loss(objective, left, pieces, tools.beat)
        rises = []
        for restart in range(settings.restarts):
            generator = seed_generator(tools.seed, Purpose.RESTART, restart)
            losses = sharpness.climb(gradient, left, settings.eta, settings.ascent_steps, generator)
            rises.append(sharpness.relative_rise(reduce(sharpness.higher, losses, here), here))
        return cross_layer.score_of(rises)

    return cross_layer.remove_greedily(
        parameters, settings.count_kept(len(active_layers(parameters))), score, cross_layer.choose_lowest
    )


def remove_privately(
    settings: RemovalExponential,
    mechanism: ExponentialSelection,
    tools: Tools,
    parameters: Parameters,
    uphill: Released,
    private: PrivateSplit,
    units: int,
    noise_key: bytes,
) -> Rounds:
    """Layers drawn by the exponential mechanism from bounded scores of one Poisson subset.

    The subset is drawn once by the noise key; that its being a sample amplifies privacy is not claimed. A loss that is
    not finite counts as the bound at a perturbed point and as 0 at w, which raises the score: both lie in [0, bound],
    so one record moves the score no further than any other.

    Args:
        settings: of the mode.
        mechanism: the plan's, which says what a draw costs, where losses are cut and what their sums are divided by.
        tools: what layers are scored with.
        parameters: weights after the warm-up.
        uphill: Adam's running mean of released gradients, which the first corner follows.
        private: training examples.
        units: the plan's number N of units, public.
        noise_key: 16 bytes, of the subset and the draws.

    Raises:
        DPFlatError: when a unit has several rows: what one row adds to a score is bounded, not what a unit adds.

    Privacy: epsilon-DP a round; the scores themselves are not released.
    """
    if private.units < len(private):
        raise DPFlatError("Layers cannot be drawn privately where one unit has several rows: a score bounds each row.")
    bound, divisor = mechanism.loss_bound, mechanism.divisor
    share = divisor / units
    taken = make_generator(noise_key, Purpose.SELECTION_EXAMPLES).random(private.units) < share
    pieces = tools.cut(private, np.flatnonzero(taken[private.unit]))
    generator = seed_generator(tools.seed, Purpose.DIRECTION)
    corners = [
        {key: value.sign() for key, value in trained_prefixes(uphill).items()},
        *sharpness.draw_corners(parameters, settings.directions - 1, generator),
    ]
    scale = score_scale(mechanism)

    def mean(at: Parameters, not_finite: float) -> float:
        total = 0.0
        for piece in pieces:
            with torch.no_grad():
                losses = tools.objective.per_example_loss(at, piece)
            cut = torch.where(losses.isfinite(), losses.clamp(0, bound), not_finite)
            total += float(cut.sum(dtype=torch.float64))
            tools.beat(len(piece))
        return total / divisor

    def score(left: Parameters) -> Score:
        here = mean(left, 0.0)
        widths = sharpness.box_widths(left, settings.eta)
        positions = [{name: value for name, value in corner.items() if name in left} for corner in corners]
        perturbed = [mean(sharpness.move_in_box(left, widths, position), bound) for position in positions]
        return cross_layer.bounded_score(perturbed, here, bound)

    def choose(candidates: dict[int, Score], number: int) -> tuple[int, float | None]:
        generator = make_generator(noise_key, Purpose.SELECTION, number)
        values = {layer: candidate.value for layer, candidate in candidates.items()}
        return draw_layer(values, mechanism.epsilon, scale, generator)

    return cross_layer.remove_greedily(parameters, settings.count_kept(len(active_layers(parameters))), score, choose)
