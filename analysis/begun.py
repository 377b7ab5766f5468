"""An analysis that is ready to work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.parts import Part, Tell
from dpflat.backbones.load import Backbone


@dataclass(frozen=True)
class Begun:
    """What a kind hands to the worker.

    Attributes:
        backbone: of the run.
        conditions: JSON values that stand beside the parts of the result.
        work: from the content of all parts so far, finished or not, and who hears how far it is, to the parts that are
            left to do.
    """

    backbone: Backbone
    conditions: dict[str, Any]
    work: Callable[[Mapping[str, Any], Tell], Iterator[Part]]
