"""What a run needs to go on: its checkpoint, and the key and plan it began with.

The key is stored with everything the guarantee depends on. A run whose settings, plan, key, texts or backbone are no
longer those it began with is refused: its ledger would promise what was never kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from dpflat.backbones.identity import identify
from dpflat.config import RunConfig
from dpflat.core.batches import EncodedSplit
from dpflat.errors import CannotGoOnError
from dpflat.privacy.plan import PrivacyPlan
from dpflat.runs import layout
from dpflat.runs.files import replace_file
from dpflat.training.experiment import Experiment, choose_noise_key
from dpflat.training.state import TrainState, decode_state

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
        CannotGoOnError: when the run began under another promise, or its key is gone or damaged.

    Privacy: the key is readable by the folder's owner only, and deleted when the run is finished.
    """
    path = folder / layout.PRIVATE / layout.NOISE_KEY
    promise = describe_promise(config, plan)
    if path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            key = bytes.fromhex(stored.pop("key"))
        except (ValueError, KeyError, AttributeError):
            raise CannotGoOnError(f"The noise key of this run is damaged, so it cannot go on. {ANEW}") from None
        changed = sorted(name for name in promise if stored.get(name) != promise[name])
        if changed:
            raise CannotGoOnError(
                f"This run began under other settings ({', '.join(changed)} changed since), so it cannot go on with "
                f"the same guarantee. {ANEW}"
            )
        return key
    begun = (layout.METRICS, f"{layout.ARTIFACTS}/{layout.WEIGHTS}", f"{layout.PRIVATE}/{layout.CHECKPOINT}")
    if any((folder / name).exists() for name in begun):
        raise CannotGoOnError(
            f"The noise key of this run is gone, so it cannot go on: a new key would spend the budget again. {ANEW}"
        )
    identity = identify(config.backbone.name)
    key = choose_noise_key(config, identity)
    bound = {} if identity is None else {"backbone": identity}
    path.parent.mkdir(mode=0o700, exist_ok=True)
    replace_file(path, json.dumps({"key": key.hex(), **promise, **bound}).encode(), mode=0o600)
    return key


def bind_inputs(folder: Path, experiment: Experiment) -> None:
    """Keep what a run reads beside its key at its first start, and refuse a resume that reads something else.

    Args:
        folder: the run's folder, whose key is open.
        experiment: what has been read for it.

    Raises:
        CannotGoOnError: when the training texts or the backbone's weights have changed since.

    Privacy: the checksum of private texts stays beside the key and is deleted with it.
    """
    path = folder / layout.PRIVATE / layout.NOISE_KEY
    stored = json.loads(path.read_text(encoding="utf-8"))
    now = {"texts": digest_split(experiment.data.train), "weights": experiment.objective.backbone.fingerprint}
    identity = experiment.objective.backbone.identity
    now |= {"backbone": identity} if identity is not None else {}
    changed = [name for name, value in now.items() if stored.get(name, value) != value]
    if changed:
        raise CannotGoOnError(
            f"This run began with other {' and '.join(changed)}, so it cannot go on: the same noise over other "
            f"gradients would give them away. {ANEW}"
        )
    if not now.keys() <= stored.keys():
        replace_file(path, json.dumps({**stored, **now}).encode(), mode=0o600)


def digest_split(split: EncodedSplit) -> str:
    """SHA-256 of token sequences, labels and units, in their order."""
    digest = hashlib.sha256()
    for tokens in split.tokens:
        digest.update(len(tokens).to_bytes(4, "little") + np.ascontiguousarray(tokens, dtype="<i8").tobytes())
    for numbers in (split.labels, split.unit):
        digest.update(np.ascontiguousarray(numbers, dtype="<i8").tobytes())
    return digest.hexdigest()


def describe_promise(config: RunConfig, plan: PrivacyPlan) -> dict[str, Any]:
    """What was promised before anything was read, as JSON reads it back."""
    promise = {
        "settings": config.fingerprint(),
        "seed": config.seed,
        "noise": config.noise_source(),
        "plan": plan.promise(),
    }
    content: dict[str, Any] = json.loads(json.dumps(promise))
    return content
