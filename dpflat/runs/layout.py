"""Names of the files in a job folder, and safe names of the folders themselves."""

from __future__ import annotations

import re
import secrets
import time

from dpflat.config import RunConfig
from dpflat.errors import DPFlatError

CONFIG, ENV, STATUS, EVENTS = "config.json", "env.json", "status.json", "events.jsonl"
METRICS, LEDGER, LOG, MANIFEST, LABEL, STOP = (
    "metrics.jsonl",
    "ledger.json",
    "log.txt",
    "manifest.json",
    "label.json",
    "STOP",
)
ARTIFACTS, PRIVATE = "artifacts", "private"
WEIGHTS, RESULTS, PREDICTIONS, TRAJECTORY, CANARIES, SELECTION = (
    "weights.safetensors",
    "results.json",
    "predictions.npz",
    "trajectory.safetensors",
    "canaries.npz",
    "selection.json",
)
CHECKPOINT, NOISE_KEY, POINTS = "checkpoint.safetensors", "noise_key", "trajectory"
STUDIES, STUDY, LOCK = "studies", "study.json", ".lock"
PACKED = "packed.json"
DRAFT = ".new-"
FAILED = "FAILED"

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def check_id(run_id: str) -> str:
    """The id itself, if it is a plain folder name.

    Raises:
        DPFlatError: when it holds path parts or other characters.
    """
    if not SAFE_ID.fullmatch(run_id) or ".." in run_id:
        raise DPFlatError(
            f"'{run_id[:60]}' is not a run id. Expected a name like 20260101-120000-dp-prefix-eps3-s0-1a2b3c, "
            "without path parts; 'dpflat list' shows them."
        )
    return run_id


def new_run_id(config: RunConfig) -> str:
    """A sortable, unique, safe name that says what the run is."""
    words = re.sub(r"[^a-z0-9]+", "-", config.describe().lower()).strip("-")[:50].rstrip("-")
    if config.privacy.kind == "dp":
        given = config.privacy.epsilon
        words += f"-eps{given:g}" if given is not None else f"-sigma{config.privacy.noise_multiplier:g}"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return f"{stamp}-{words}-s{config.seed}-{secrets.token_hex(3)}"
