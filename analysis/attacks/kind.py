"""The attacks as a kind of analysis. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.attacks.results import AttacksResult, build_result
from analysis.attacks.settings import AttacksConfig, check_run
from analysis.kind import Kind
from analysis.length import relative_length
from dpflat.catalog import BACKBONES, FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.forecast import START_SECONDS

SHARES = {"threshold": 1.0, "canaries": 0.1, "likelihood": 4.0}
WORDS = {"threshold": "losses of members and test rows", "canaries": "canaries", "likelihood": "shadow runs"}


def forecast_seconds(config: AttacksConfig, run: RunConfig) -> float | None:
    """Expected seconds on a two-core machine with all shadow runs there; None for a backbone of unknown speed."""
    card, task = BACKBONES.get(run.backbone.name), run.task.card()
    if card is None:
        return None
    drawn = run.data.train_subset or task.train_rows
    left_out = min(config.non_members, task.train_rows - drawn)
    rows = drawn + task.test_rows + (1 + config.shadows) * (drawn + left_out if left_out else 0)
    each = FORWARD_SHARE * relative_length(config, run) / card.examples_per_second[run.backbone.dtype]
    return START_SECONDS + each * rows


def _list_shares(config: AttacksConfig) -> Mapping[str, float]:  # noqa: ARG001
    return SHARES


def _read(content: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> AttacksResult:  # noqa: ARG001
    return build_result(content)


ATTACKS = Kind(
    AttacksConfig, check_run, _list_shares, WORDS, _read, forecast_seconds, begin="analysis.attacks.work:begin_attacks"
)
