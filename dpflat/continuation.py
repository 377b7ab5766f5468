"""What a run needs to go on: its checkpoint, and the key and plan it began with.

The key is stored with everything the guarantee depends on. A run whose settings, plan or key are no longer those it
began with is refused: its ledger would promise what was never kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError
from dpflat.experiment import choose_noise_key
from dpflat.privacy.plan import PrivacyPlan
from dpflat.runs import layout
from dpflat.runs.files import replace_file
from dpflat.state import TrainState, decode_state

ANEW = "Start a new run instead."


def load_state(folder: Path) -> TrainState | None:
    """The state to go on from; None for a run that has none yet."""
    path = folder / layout.PRIVATE / layout.CHECKPOINT
    return decode_state(path.read_bytes()) if path.exists() else None


def open_key(folder: Path, config: RunConfig, plan: PrivacyPlan) -> bytes:
    """The noise key of a run: drawn and kept at its first start, read at a later one.

    Args:
        folder: the run's folder.
        config: its settings.
        plan: what it will release.

    Raises:
        DPFlatError: when the run began under another promise, or its key is gone or damaged.

    Privacy: the key is readable by the folder's owner only, and deleted when the run is finished.
    """
    path = folder / layout.PRIVATE / layout.NOISE_KEY
    promise = describe_promise(config, plan)
    if path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            key = bytes.fromhex(stored.pop("key"))
        except (ValueError, KeyError, AttributeError):
            raise DPFlatError(f"The noise key of this run is damaged, so it cannot go on. {ANEW}") from None
        changed = sorted(name for name in promise if stored.get(name) != promise[name])
        if changed:
            raise DPFlatError(
                f"This run began under other settings ({', '.join(changed)} changed since), so it cannot go on with "
                f"the same guarantee. {ANEW}"
            )
        return key
    begun = (layout.METRICS, f"{layout.ARTIFACTS}/{layout.WEIGHTS}", f"{layout.PRIVATE}/{layout.CHECKPOINT}")
    if any((folder / name).exists() for name in begun):
        raise DPFlatError(
            f"The noise key of this run is gone, so it cannot go on: a new key would spend the budget again. {ANEW}"
        )
    key = choose_noise_key(config)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    replace_file(path, json.dumps({"key": key.hex(), **promise}).encode(), mode=0o600)
    return key


def describe_promise(config: RunConfig, plan: PrivacyPlan) -> dict[str, Any]:
    """Everything the guarantee depends on, as JSON reads it back."""
    promise = {
        "settings": config.fingerprint(),
        "seed": config.seed,
        "noise": config.noise_source(),
        "plan": {**asdict(plan), "mechanisms": [asdict(m) for m in plan.mechanisms]},
    }
    content: dict[str, Any] = json.loads(json.dumps(promise))
    return content
