"""A run as Python: what a person copies to make it again in a notebook."""

from __future__ import annotations

from dpflat.config import RunConfig
from dpflat.settings.commands import as_setting, changed_settings


def as_python(config: RunConfig) -> str:
    """The lines of a notebook for a run: trains in the notebook itself, writes nothing."""
    settings = [as_setting(key, value) for key, value in changed_settings(config).items()]
    return (
        "from dpflat import prepare, train\n"
        "from dpflat.config import build_config\n"
        "from dpflat.settings.text import apply_settings\n\n"
        f"config = build_config(apply_settings({{}}, {settings!r}))\n"
        "*_, trained = train(prepare(config))\n"
        "trained.evaluation.accuracy\n"
    )
