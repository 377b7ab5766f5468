"""What measuring something takes and reads, in words."""

from __future__ import annotations

from analysis.kinds import kind_of
from analysis.parts import share_done
from analysis.settings import AnalysisConfig
from analysis.store import take_over
from app.summary import show_seconds
from dpflat.catalog import BACKBONES
from dpflat.privacy.wording import BADGES
from dpflat.runs.record import Run

DATA_WORDS = {"test": "the held-out split", "train": "the training split", "none": "no rows"}


def name_rows(name: str) -> str:
    """The rows in words."""
    return DATA_WORDS.get(name, f"{name}, public")


def describe_cost(run: Run, config: AnalysisConfig) -> str:
    """Time, memory and what is read, as one sentence."""
    kind, card = kind_of(config), BACKBONES.get(run.config.backbone.name)
    seconds, shares = kind.forecast(config, run.config), kind.list_shares(config)
    taken = take_over(run, config).get("parts", {})
    time = f"About {show_seconds(seconds * (1 - share_done(shares, taken)))}" if seconds else "An unknown time"
    time += f" ({len(taken)} of {len(shares)} parts are measured already)" if taken else ""
    memory = f", {card.memory_gb[run.config.backbone.dtype] + kind.more_memory_gb:.2g} GB" if card else ""
    covered = BADGES[config.entry_class(run.ledger.guarantee().answer)][1]
    return f"{time}{memory}; reads {name_rows(config.data)} ({covered})."
