"""A command that is shown can be pasted: whatever a path or a name holds, a shell reads it as one word."""

import json
import shlex
from types import SimpleNamespace

import pytest

from app import cli
from app.shown import claims as shown_claims
from app.terminal import models

STUDY = "my studies/it's; $(touch x).yaml"


def test_a_study_that_ended_early_is_gone_on_with_by_a_command_that_can_be_pasted(monkeypatch, tmp_path, capsys):
    store = tmp_path / "my runs; x"
    monkeypatch.setattr(cli, "read_study", lambda file: None)
    monkeypatch.setattr(cli, "list_configs", lambda study: [])
    monkeypatch.setattr(cli, "open_study", lambda root, study: tmp_path)
    monkeypatch.setattr(cli, "follow_study", lambda folder, console: "stopped")
    monkeypatch.setattr(cli.jobs, "start", lambda folder, store: None)
    monkeypatch.setattr(cli.jobs, "check_allowed", lambda store: None)
    with pytest.raises(cli.typer.Exit):
        cli.study_run(STUDY, store, as_json=True)
    command = capsys.readouterr().err.strip().partition("Go on with: ")[2]
    assert shlex.split(command) == ["dpflat", "study", "run", STUDY, "--runs", str(store)]


def test_the_commands_of_a_claim_name_their_study_as_one_word(monkeypatch):
    monkeypatch.setattr(shown_claims, "cells_of", lambda judged, claims: SimpleNamespace(studies=[STUDY]))
    judged = SimpleNamespace(row=SimpleNamespace(measure="accuracy"))
    first = shown_claims.write_commands([judged], None).splitlines()[0]
    assert shlex.split(first) == ["dpflat", "study", "run", STUDY]


def test_the_command_that_trains_on_a_checked_backbone_names_it_as_one_word(monkeypatch, capsys):
    name = "folder:/tmp/my models; x"
    found = {"name": name, "family": "bert", "layers": 2, "parameters": 1, "reached_layers": 2, "threads": 1}
    found |= {"examples_per_second": 1.0, "longest_text": 8}
    monkeypatch.setattr(models.jobs, "ask", lambda *asked: (0, json.dumps(found), ""))
    models.check(name)
    command = capsys.readouterr().out.strip().splitlines()[-1].partition(": ")[2]
    assert shlex.split(command) == ["dpflat", "train", "--set", f"backbone.name={name}"]
