"""What the modes of flatness may do within a gradient step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpflat.core.batches import Batch
from dpflat.core.gradients import PerUnitGradients
from dpflat.core.keys import Purpose, make_generator
from dpflat.core.prefix import Parameters, trained_prefixes
from dpflat.flatness import cross_model, within_layer
from dpflat.flatness.ascent import Ascent
from dpflat.flatness.inputs import Released
from dpflat.flatness.mode import Mode
from dpflat.flatness.pull import Pull
from dpflat.training.experiment import Experiment
from dpflat.training.state import TrainState, copy_parameters


@dataclass(frozen=True)
class StepTools:
    """One step of a run, and what its modes may do in it.

    Attributes:
        experiment: the run.
        state: before the step; for `remember`, after it.
        parameters: the weights on the device.
        rows: of the training split, in this step's batch.
        number: of the step, from 1.
    """

    experiment: Experiment
    state: TrainState
    parameters: Parameters
    rows: np.ndarray
    number: int

    def modes(self) -> list[Mode]:
        """The modes that are on, an ascent during its warm-up only."""
        on = self.experiment.config.flatness.levels().values()
        return [
            mode
            for mode in on
            if not isinstance(mode, Ascent) or self.number <= mode.last_step(self.experiment.schedule)
        ]

    def recall(self, name: str) -> Parameters:
        """What a mode remembered under a name, of the entries that are still there."""
        return self.state.recall(name)

    def ascend(self, mode: Ascent, direction: Parameters) -> Parameters:
        """W + v along a direction. Privacy: that of the direction."""
        device = self.experiment.device
        return within_layer.ascend(mode, self.parameters, {key: value.to(device) for key, value in direction.items()})

    def random_direction(self) -> Parameters:
        """A Gaussian direction of the public seed. Privacy: none."""
        return within_layer.random_direction(self.parameters, self.experiment.config.seed, self.number)

    def first_examples(self, count: int) -> Batch | None:
        """At most `count` rows of the batch, of units drawn by the noise key; None where it is empty.

        Privacy: private rows as they are.
        """
        if not len(self.rows):
            return None
        split, key = self.experiment.data.train, self.experiment.noise_key
        rank = make_generator(key, Purpose.ASCENT_EXAMPLES, self.number).random(split.units)[split.unit[self.rows]]
        first = self.rows[np.argsort(rank, kind="stable")[:count]]
        return split.collate(np.sort(first)).to(self.experiment.device)

    def mean_gradient(self, batch: Batch) -> Parameters:
        """The gradient of a batch's mean loss. Privacy: neither clipped nor noised: breaks epsilon."""
        return within_layer.mean_gradient(self.experiment.objective, self.parameters, batch)

    def ascended_gradients(self, mode: Ascent, at: Parameters, piece: Batch) -> PerUnitGradients:
        """Each unit's gradient, of each row at its own w + v. Privacy: of each unit's own rows only."""
        return within_layer.ascended_unit_gradients(mode, self.experiment.objective, at, piece)

    def pull(self, mode: Pull, target: Parameters) -> Parameters:
        """The gradient of the pull. Privacy: that of the target."""
        return cross_model.pull_gradient(mode, self.parameters, target)

    def pull_inside(self, mode: Pull, found: PerUnitGradients, at: Parameters, target: Parameters) -> PerUnitGradients:
        """The pull inside each unit's loss. Privacy: breaks epsilon where the target is private."""
        return cross_model.pull_inside(mode, found, at, target)

    def copy_prefixes(self, released: Released) -> Parameters:
        """The prefixes of a noisy gradient, to remember. Privacy: post-processing."""
        return copy_parameters(trained_prefixes(released))

    def move_average(self, name: str, decay: float) -> Parameters:
        """The running average under a name, one iterate on. Privacy: post-processing."""
        iterate = Released(trained_prefixes(self.state.parameters))
        return cross_model.move_average(self.recall(name), iterate, decay)
