"""Names of the files in a job folder, and safe names of the folders themselves."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import time
from pathlib import Path

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


def runs_root(given: str | Path | None = None) -> Path:
    """The folder of runs: the given one, else `DPFLAT_RUNS`, else `./runs`."""
    return Path(given or os.environ.get("DPFLAT_RUNS") or "runs")


def read_only() -> bool:
    """Whether this lab starts and changes nothing: `DPFLAT_READONLY` is 1, true or yes."""
    return os.environ.get("DPFLAT_READONLY", "").strip().lower() in ("1", "true", "yes")


def store_to_name(folder: Path) -> str | None:
    """The store that has to be named to find a run; None for one's own and the shipped one, which are found anyway.

    A read-only lab may show runs to strangers, and does not say where they lie.
    """
    root = folder.parent
    if root.resolve() in (runs_root().resolve(), shipped_root().resolve()):
        return None
    return "FOLDER" if read_only() else str(root)


def run_command(verb: str, folder: Path, more: str = "") -> str:
    """The command that does something with a run, for the store it lies in: `dpflat resume ID`."""
    store = store_to_name(folder)
    return f"dpflat {verb} {shlex.quote(folder.name)}{more}{'' if store is None else f' --runs {shlex.quote(store)}'}"


def shipped_root() -> Path:
    """The read-only folder of runs that come with the lab."""
    return Path(__file__).resolve().parents[2] / "cached_runs"


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
    words = re.sub(r"[^a-z0-9]+", "-", config.method().lower()).strip("-")[:50].rstrip("-")
    if config.privacy.kind == "dp":
        given = config.privacy.epsilon
        words += f"-eps{given:g}" if given is not None else f"-sigma{config.privacy.noise_multiplier:g}"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return f"{stamp}-{words}-s{config.seed}-{secrets.token_hex(3)}"
