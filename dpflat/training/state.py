"""Everything that is needed to go on from a step, as safetensors with a JSON header."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import torch
from safetensors.torch import load, save

from dpflat.core.prefix import Parameters, active_layers
from dpflat.errors import CannotGoOnError

STATE_VERSION = 1


@dataclass(frozen=True)
class TrainState:
    """A run between two steps.

    Attributes:
        phase: the phase that is under way.
        step: gradient steps done.
        parameters: the trained entries.
        first_moments: Adam's running mean of gradients, one an entry.
        second_moments: Adam's running mean of squared gradients, one an entry.
        memory: what the flatness levels remember from step to step.
    """

    phase: str
    step: int
    parameters: Parameters
    first_moments: Parameters
    second_moments: Parameters
    memory: Parameters = field(default_factory=dict)

    @property
    def active_layers(self) -> tuple[int, ...]:
        """Layers that still have a prefix."""
        return active_layers(self.parameters)

    def recall(self, name: str) -> Parameters:
        """What is remembered under a name, of the entries that are still there."""
        start = f"{name}/"
        found = {key[len(start) :]: value for key, value in self.memory.items() if key.startswith(start)}
        return {key: value for key, value in found.items() if key in self.parameters}


def start_state(initial: Parameters) -> TrainState:
    """The state before the first step. Privacy: none."""
    return TrainState(
        phase="main",
        step=0,
        parameters=copy_parameters(initial),
        first_moments=zeros_like(initial),
        second_moments=zeros_like(initial),
    )


def keep(memory: Parameters, name: str, values: Parameters) -> Parameters:
    """A memory with the values under a name replaced."""
    others = {key: value for key, value in memory.items() if not key.startswith(f"{name}/")}
    return {**others, **{f"{name}/{key}": value for key, value in values.items()}}


GROUPS = ("parameters", "first_moments", "second_moments", "memory")


def encode_state(state: TrainState) -> bytes:
    """The state as one safetensors file."""
    tensors = {f"{group}/{key}": value for group in GROUPS for key, value in getattr(state, group).items()}
    header = {"version": STATE_VERSION, "phase": state.phase, "step": state.step}
    return save(tensors, metadata={"state": json.dumps(header)})


def decode_state(content: bytes) -> TrainState:
    """The state that `encode_state` wrote, bit for bit.

    Raises:
        CannotGoOnError: when the content is damaged or of another version.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["state"])
        groups: dict[str, Parameters] = {group: {} for group in GROUPS}
        for name, tensor in load(content).items():
            group, _, key = name.partition("/")
            groups[group][key] = tensor
    except Exception as error:
        raise CannotGoOnError(f"The checkpoint is damaged ({type(error).__name__}). Start the run anew.") from None
    if header["version"] != STATE_VERSION:
        raise CannotGoOnError(f"The checkpoint is of version {header['version']}; expected {STATE_VERSION}.")
    return TrainState(phase=header["phase"], step=header["step"], **groups)


def copy_parameters(parameters: Parameters) -> Parameters:
    """Detached copies on the CPU."""
    return {key: value.detach().to("cpu", copy=True) for key, value in parameters.items()}


def zeros_like(parameters: Parameters) -> Parameters:
    """Zero tensors of the same shapes."""
    return {key: torch.zeros_like(value) for key, value in parameters.items()}
