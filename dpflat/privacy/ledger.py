"""The privacy ledger: one typed entry for each touch of data, and what they amount to.

Privacy: post-processing (entries hold no data).
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dpflat.privacy.sources import Source, derive_source

LARGEST_EPSILON = 1e12
"""Larger ones no run has; a stored ledger that names one is damaged."""
Epsilon = Annotated[float, Field(ge=0, le=LARGEST_EPSILON, allow_inf_nan=False)]


class EntryClass(StrEnum):
    """What a touch of data does to the guarantee."""

    ACCOUNTED = "accounted"
    """Composed into epsilon."""
    POST_PROCESSING = "post_processing"
    """A function of released values only: free."""
    PUBLIC = "public"
    """Reads no private data."""
    DIAGNOSTIC = "diagnostic"
    """An un-noised read that did not influence the weights: the number is an extra release if shown."""
    CAVEAT = "caveat"
    """A condition without which the guarantee is only nominal."""
    BREAKING = "breaking"
    """An un-noised read that did influence the weights: no guarantee."""


class LedgerEntry(BaseModel):
    """One touch of data.

    Attributes:
        step: when, in the words of the run ("every step", "steps 1 to 120").
        touched: what was read ("training sentences of rotten_tomatoes").
        mechanism: what was done with it.
        entry_class: what that does to the guarantee.
        epsilon_alone: epsilon at the run's delta if this were the only entry; None where it has none.
        because: for `caveat` and `breaking`, the phrase that the guarantee's sentence gives as reason.
        source: what it speaks of, for programs; derived where an older ledger has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    touched: str
    mechanism: str
    entry_class: EntryClass
    epsilon_alone: Epsilon | None = None
    because: str | None = None
    source: Source = Source.OTHER

    @model_validator(mode="before")
    @classmethod
    def _older_entries(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "source" in content or not isinstance(content.get("mechanism"), str):
            return content
        return {**content, "source": derive_source(content["mechanism"])}


class Guarantee(BaseModel):
    """The answer of a ledger for the released weights, all noisy iterates included; never for figures.

    Attributes:
        answer: `holds`, `nominal` (holds but for a caveat), `void` (un-noised private data shaped the
            weights), `none` (trained without noise) or `nothing_private` (only public data was read).
        epsilon: of the accounted entries; None without noise.
        delta: probability outside epsilon; None without noise.
        because: reasons, in the order of the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Literal["holds", "nominal", "void", "none", "nothing_private"]
    epsilon: float | None = None
    delta: float | None = None
    because: tuple[str, ...] = ()


class PrivacyLedger(BaseModel):
    """All entries of a run in their order, with the composed epsilon of the plan.

    Attributes:
        unit: what is protected ("example").
        units: number of units N, public.
        delta: probability outside epsilon; None without noise.
        epsilon: of all accounted entries together; None without noise.
        accountant: that gives it; RDP where an older ledger does not say.
        epsilon_rdp: the same mechanisms by RDP; None where an older ledger has it as its epsilon.
        epsilon_pld: the same by the privacy loss distribution, where it applies.
        epsilon_prv: the same by Opacus' PRV accountant, where it applies.
        entries: the touches of data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    unit: str
    units: int = Field(ge=0)
    delta: float | None = Field(None, ge=0, le=1)
    epsilon: Epsilon | None = None
    accountant: Literal["rdp", "pld"] = "rdp"
    epsilon_rdp: Epsilon | None = None
    epsilon_pld: Epsilon | None = None
    epsilon_prv: Epsilon | None = None
    entries: tuple[LedgerEntry, ...] = ()

    def add(self, *entries: LedgerEntry) -> PrivacyLedger:
        """The ledger with entries at its end."""
        return self.model_copy(update={"entries": (*self.entries, *entries)})

    def guarantee(self) -> Guarantee:
        """What the released weights promise."""
        reasons = {
            kind: tuple(e.because or e.mechanism for e in self.entries if e.entry_class == kind)
            for kind in (EntryClass.BREAKING, EntryClass.CAVEAT)
        }
        broken, caveats = reasons[EntryClass.BREAKING], reasons[EntryClass.CAVEAT]
        accounted = any(e.entry_class == EntryClass.ACCOUNTED for e in self.entries)
        if broken:
            without_noise = not accounted or self.epsilon is None
            return Guarantee(
                answer="none" if without_noise else "void", epsilon=self.epsilon, delta=self.delta, because=broken
            )
        if not accounted:
            return Guarantee(answer="nothing_private")
        if self.epsilon is None or self.delta is None or not math.isfinite(self.epsilon):
            raise ValueError("A ledger with accounted entries needs a finite epsilon and a delta.")
        return Guarantee(
            answer="nominal" if caveats else "holds", epsilon=self.epsilon, delta=self.delta, because=caveats
        )

    def parts(self) -> dict[str, float]:
        """Epsilon of each accounted mechanism alone, in the order of the run."""
        return {
            "gradient steps" if e.source is Source.GRADIENT_STEPS else e.mechanism: e.epsilon_alone
            for e in self.entries
            if e.entry_class == EntryClass.ACCOUNTED and e.epsilon_alone is not None
        }
