"""The attacks as a kind of analysis. No torch."""

from __future__ import annotations

from analysis.attacks.results import build_result
from analysis.attacks.settings import AttacksConfig, check_run
from analysis.attacks.tables import attack_rows, audit_rows, describe_failing, list_absent
from analysis.kind import Kind
from analysis.kinds import KINDS
from analysis.length import relative_length
from dpflat.catalog import BACKBONES, FORWARD_SHARE
from dpflat.config import RunConfig
from dpflat.training.forecast import START_SECONDS

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


ATTACKS = Kind(
    settings=AttacksConfig,
    check=check_run,
    list_shares=lambda _: SHARES,
    words=WORDS,
    forecast=forecast_seconds,
    begin="analysis.attacks.work:begin_attacks",
    read=lambda content, _: build_result(content),
    show=lambda _, found: [attack_rows(found), audit_rows(found), *list_absent(found), describe_failing(found)],
    title="Attacks",
    figures="app.shown.stored_privacy:find_attack_figures",
    order=10,
)
KINDS.register("attacks", ATTACKS)
