"""What of a run's settings and versions others may see: with private texts, nothing that tells of a text.

A checksum of private texts lets whoever guesses them know that the guess is right, and the settings' fingerprint is
made of it; names of classes are labels somebody has; what a file is called may tell whom it is about.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from dpflat.config import RunConfig
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.tasks.settings import WITHHELD

FINGERPRINT = "settings_fingerprint"


def shared_config(config: RunConfig) -> RunConfig:
    """The settings, without what only the owner of private texts may see."""
    return config.model_copy(update={"task": config.task.withheld()})


def shared_environment(run: Run) -> dict[str, Any]:
    """Versions and hardware, without the fingerprint of settings that hold a checksum of private texts."""
    withheld = () if run.config.task.card().public else (FINGERPRINT,)
    return {key: value for key, value in run.environment.items() if key not in withheld}


def visible_config(config: RunConfig) -> RunConfig:
    """The settings as a page may show them: a read-only lab shows runs to strangers."""
    return shared_config(config) if layout.read_only() else config


def visible_environment(run: Run) -> dict[str, Any]:
    """Versions and hardware as a page may show them."""
    return shared_environment(run) if layout.read_only() else run.environment


def shared_files(run: Run) -> dict[str, Any]:
    """Files of a run that are shared in another form than they lie there, as JSON; empty for public texts."""
    if run.config.task.card().public:
        return {}
    return {
        layout.CONFIG: shared_config(run.config).model_dump(mode="json"),
        layout.ENV: shared_environment(run),
        layout.LEDGER: json.loads(without_own_names(run.ledger.model_dump_json(), run)),
    }


def without_own_names(text: str, run: Run) -> str:
    """Plain text, JSON or HTML in which the name of a file of one's own is not told."""
    task = run.config.task
    if task.file is None:
        return text
    for name in dict.fromkeys((task.name, escape(task.name), json.dumps(task.name)[1:-1])):
        text = text.replace(name, WITHHELD)
    return text
