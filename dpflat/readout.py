"""What turns the vectors of a text into an answer: its own parameters, loss, scores. No torch.

A readout is a class in one file; `@register` makes it a choice of `readout.kind` everywhere. Its parameters are entries
`head.<name>`: they have the head's step size, are clipped and noised with all others, and no flatness level moves them.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from dpflat.registry import Registry
from dpflat.section import Section

if TYPE_CHECKING:
    from torch import Tensor

    from dpflat.backbones.load import Backbone
    from dpflat.batches import Batch
    from dpflat.objective import Classification, Scores
    from dpflat.prefix import Parameters


class Readout(Section):
    """How answers are read off.

    Attributes:
        words: what the name of a method says of it; empty for the lab's usual one.
    """

    words: ClassVar[str]

    kind: str

    def initial(self, backbone: Backbone, classes: int, seed: int) -> Parameters:
        """Its parameters before the first step, float32, as `head.<name>`. Privacy: none."""
        raise NotImplementedError

    def features(self, objective: Classification, states: Tensor, batch: Batch) -> Tensor:
        """(B, E) of (B, S, E) last states: what `outputs` reads."""
        return objective.pool(states, batch)

    def outputs(self, objective: Classification, parameters: Parameters, features: Tensor, per_example: bool) -> Tensor:
        """(B, C) logits of features; with `per_example` each entry has a leading B axis."""
        raise NotImplementedError

    def losses(self, objective: Classification, outputs: Tensor, batch: Batch) -> Tensor:
        """(B,) losses in nats."""
        return objective.cross_entropy(outputs, batch)

    def scores(self, objective: Classification, outputs: Tensor, batch: Batch) -> Scores:
        """Named (B,) scores: `loss`, `correct` and `log_odds`, and whatever else it has."""
        return objective.score_logits(outputs, batch)


READOUTS: Registry[type[Readout]] = Registry("readout", "dpflat.readouts")
R = TypeVar("R", bound=type[Readout])


def register(readout: R) -> R:
    """Make a readout a choice of `readout.kind`."""
    READOUTS.register(readout.__pydantic_fields__["kind"].default, readout)
    return readout


class AnyReadout:
    """Marks a field that holds a readout, of those that are registered when it is read."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read by the readout's own class, written by it too."""
        del source, handler
        write = core_schema.plain_serializer_function_ser_schema(
            lambda readout, info: readout.model_dump(mode=info.mode), info_arg=True
        )
        return core_schema.no_info_plain_validator_function(_read, serialization=write)


def _read(value: Any) -> Readout:
    found: Readout = _adapter(len(READOUTS)).validate_python(value)
    return found


@lru_cache(maxsize=8)
def _adapter(count: int) -> TypeAdapter[Any]:  # noqa: ARG001  another one once a readout is added
    classes = tuple(READOUTS.values())
    either: Any = reduce(or_, classes)
    choices: Any = either if len(classes) == 1 else Annotated[either, Field(discriminator="kind")]
    return TypeAdapter(choices)
