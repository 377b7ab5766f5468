"""The command `dpflat models check`: whether an encoder works here, and how fast."""

from __future__ import annotations

import json
import shlex
from typing import Annotated

import typer

from app.terminal.options import JsonOption, find_store
from app.terminal.say import print_json
from dpflat.errors import DPFlatError
from dpflat.execution import jobs
from dpflat.settings.commands import as_setting

models_cli = typer.Typer(no_args_is_help=True, help="Encoders to train on.")


@models_cli.callback()
def models() -> None:
    """Encoders to train on."""


@models_cli.command()
def check(
    model: Annotated[str, typer.Argument(metavar="ID|FOLDER", help="Hub id, folder, or a name of the catalog.")],
    as_json: JsonOption = False,
) -> None:
    """Family, layers, how many of them a prefix reaches, parameters, examples per second; or why it does not work."""
    code, said, problem = jobs.ask("dpflat.backbones.check", model, find_store(None))
    if code:
        lines = problem.strip().splitlines()
        raise DPFlatError(lines[-1] if lines else f"'{model}' could not be checked (exit code {code}).")
    found = json.loads(said.splitlines()[-1])
    if as_json:
        print_json(found)
        return
    print(f"{found['name']}: family {found['family']}, {found['layers']} layers, {found['parameters']:,} parameters")
    print(f"the prefix reaches {found['reached_layers']} of {found['layers']} layers")
    print(
        f"about {found['examples_per_second']:.0f} examples per second of private training "
        f"(27 tokens, {found['threads']} threads), texts of at most {found['longest_text']} tokens"
    )
    print(f"Train on it: dpflat train --set {shlex.quote(as_setting('backbone.name', found['name']))}")
