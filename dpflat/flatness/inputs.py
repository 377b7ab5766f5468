"""What a level may see, as types: a function that takes no private input cannot read one."""

from __future__ import annotations

from typing import NewType

from dpflat.core.batches import EncodedSplit
from dpflat.core.prefix import Parameters

Released = NewType("Released", Parameters)
"""Noisy gradients or iterates: part of what the run publishes, so any function of them is free."""

PublicSplit = NewType("PublicSplit", EncodedSplit)
"""Examples of a task that is declared public."""

PrivateSplit = NewType("PrivateSplit", EncodedSplit)
"""Examples that the guarantee speaks of."""
