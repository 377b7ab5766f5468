"""What of a run's settings and versions others may see: with private texts, nothing that tells of a text.

A checksum of private texts lets whoever guesses them know that the guess is right, and the settings' fingerprint is
made of it; names of classes are labels somebody has; what a file is called may tell whom it is about.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import escape

from dpflat.config import RunConfig
from dpflat.message import Message
from dpflat.privacy.ledger import PrivacyLedger
from dpflat.runs import layout
from dpflat.runs.record import Run
from dpflat.runs.status import StatusFile
from dpflat.runs.store import Store, store_of
from dpflat.tasks.settings import WITHHELD

FINGERPRINT = "settings_fingerprint"


def shared_config(config: RunConfig) -> RunConfig:
    """The settings, without what only the owner of private texts may see."""
    return config.model_copy(update={"task": config.task.withheld()})


def shared_environment(run: Run) -> dict[str, Any]:
    """Versions and hardware, without the fingerprint of settings that hold a checksum of private texts."""
    withheld = () if run.config.task.card().public else (FINGERPRINT,)
    return {key: value for key, value in run.environment.items() if key not in withheld}


def visible_config(run: Run) -> RunConfig:
    """The settings as a page may show them: a read-only lab shows runs to strangers."""
    return shared_config(run.config) if store_of(run).read_only else run.config


def visible_task_name(run: Run) -> str:
    """What a page may call a run's task."""
    return visible_config(run).task.name


def visible_ledger(run: Run) -> PrivacyLedger:
    """The ledger as a page may show it: it names what was read."""
    if not store_of(run).read_only or run.config.task.file is None:
        return run.ledger
    return PrivacyLedger.model_validate_json(_without_own_names(run.ledger.model_dump_json(), [run]))


def tell_tasks_apart(first: Run, second: Run, see: Callable[[Run], RunConfig] = visible_config) -> tuple[str, str]:
    """What two tasks are called beside each other: equal where they are one task, and only there.

    Args:
        first: A.
        second: B.
        see: what of a run's settings may be shown.
    """
    a, b = see(first).task.name, see(second).task.name
    if a != b:
        return a, b
    if first.config.task.data_key() != second.config.task.data_key():
        return "one file", f"another of the name {a}"
    return (a, b) if first.config.task.name == second.config.task.name else ("one name of a file", "another")


def visible_environment(run: Run) -> dict[str, Any]:
    """Versions and hardware as a page may show them."""
    return shared_environment(run) if store_of(run).read_only else run.environment


def visible_message(said: Message | None, store: Store) -> str:
    """What a page or a table may say of a job's message: a read-only lab shows jobs to strangers; empty for none."""
    if said is None:
        return ""
    return said.withheld() if store.read_only else said.whole()


def visible_status_message(status: StatusFile | None, store: Store) -> str:
    """What may be shown of a status' message."""
    return visible_message(status.said, store) if status is not None else ""


def shared_files(run: Run) -> dict[str, Any]:
    """Files of a run that are shared in another form than they lie there, as JSON; empty for public texts."""
    if run.config.task.card().public:
        return {}
    return {
        layout.CONFIG: shared_config(run.config).model_dump(mode="json"),
        layout.ENV: shared_environment(run),
        layout.LEDGER: json.loads(_without_own_names(run.ledger.model_dump_json(), [run])),
    }


def withhold(text: str, runs: Iterable[Run]) -> str:
    """A file that others read, without the places where runs lie and the names of files of one's own.

    Args:
        text: plain text, Python, JSON or HTML.
        runs: all that it tells of.
    """
    listed = list(runs)
    places = {place for run in listed if (place := store_of(run).place_to_name(run.named_at)) is not None}
    hidden: dict[str, str] = {}
    for place in places:
        hidden |= {f" --runs {shlex.quote(place)}": " --runs FOLDER", f", {place!r})": ', "FOLDER")'}
    return _replace(_without_own_names(text, listed), hidden)


def _without_own_names(text: str, runs: Iterable[Run]) -> str:
    names = {run.config.task.name for run in runs if run.config.task.file is not None}
    return _replace(text, dict.fromkeys((*names, WITHHELD), WITHHELD) if names else {})


def _replace(text: str, hidden: dict[str, str]) -> str:
    """Other words for hidden ones, however they are written; of two that begin alike the longer is meant."""
    pairs = {old: new for pair in hidden.items() for old, new in zip(*map(_spell, pair), strict=True)}
    if not pairs:
        return text
    longest_first = sorted(pairs, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: pairs[found[0]], text)


def _spell(words: str) -> tuple[str, ...]:
    """Words as they stand in plain text, in HTML, in JSON, and in JSON within HTML, as Jinja's `tojson` writes it."""
    ascii_only, any_letter = (json.dumps(words, ensure_ascii=only)[1:-1] for only in (True, False))
    in_script = re.sub("[<>&']", lambda found: f"\\u{ord(found[0]):04x}", ascii_only)
    return words, str(escape(words)), ascii_only, any_letter, in_script
