"""The rules of the claims: what is declared in `studies/claims.yaml` is complete, valid and points at existing runs."""

from collections import Counter

import pytest

from analysis.claims.reading import name_settings
from analysis.claims.rules import Compared, Difference, claims_path, methods_of, read_claims
from dpflat.config import build_config
from dpflat.errors import DPFlatError
from dpflat.execution.studies import list_configs, read_study
from dpflat.presets import load_preset

RULES = read_claims()
ROOT = claims_path().parents[1]


def test_there_are_twelve_cards_in_order_each_with_source_and_rule():
    assert [card.number for card in RULES.cards] == list(range(1, 13))
    assert all(card.source and row.rule for card in RULES.cards for row in card.rows)


def test_the_confirmatory_family_is_accuracy_and_sharpness_of_four_methods_against_dp_prefix_on_fresh_seeds():
    family = [row for row in RULES.rows() if isinstance(row, Difference) and row.family == "first"]
    methods = ("within layer", "across layers", "across models", "DP-Flat")
    assert Counter((row.measure, row.first, row.direction) for row in family) == Counter(
        (measure, method, direction)
        for measure, direction in (("accuracy", "higher"), ("sharpness", "lower"))
        for method in methods
    )
    assert {row.second for row in family} == {"DP prefix"}
    assert {row.cells for row in family} == {"fresh"}
    assert RULES.cells["fresh"].seeds == tuple(range(10, 20))


def test_every_cell_of_a_study_is_a_run_of_that_study():
    for row in RULES.rows():
        cells = RULES.cells[row.cells] if isinstance(row, Compared) else None
        if cells is None or not cells.studies:
            continue
        planned = {
            (*name_settings(config), config.seed)
            for study in cells.studies
            for config in list_configs(read_study(ROOT / study))
        }
        for method in methods_of(row):
            named = name_settings(RULES.config(row.cells, method), cells.task)
            assert {(*named, seed) for seed in cells.seeds} <= planned, (row.name, method)


def test_the_reference_line_is_one_setting_for_its_study_the_preset_and_the_claim():
    asked = name_settings(RULES.config("full", "full fine-tuning"), RULES.cells["full"].task)
    planned = _configs("full")
    assert {name_settings(config) for config in planned} == {asked}
    assert tuple(config.seed for config in planned) == RULES.cells["full"].seeds
    assert name_settings(build_config(load_preset("full_finetuning"))) == asked


def test_fresh_runs_have_the_settings_of_the_shipped_ones_and_other_seeds():
    known = {c.fingerprint(): c for name in ("shipped", "levels") for c in _configs(name)}
    fresh = _configs("confirmatory")
    assert {config.fingerprint() for config in fresh} <= set(known)
    shipped_seeds = {config.seed for name in ("shipped", "levels") for config in _configs(name)}
    assert not shipped_seeds & {config.seed for config in fresh}


def _configs(name):
    return list_configs(read_study(ROOT / "studies" / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("first: within layer", "first: within", "unknown method 'within'"),
        ("cells: strength", "cells: nowhere", "unknown cells"),
        ("number: 12", "number: 13", "numbered from 1"),
        ("alpha: 0.05", "alpha: 2", "alpha"),
        ("quote:", "quotation:", "quotation"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused_in_a_sentence(tmp_path, old, new, told):
    path = tmp_path / "claims.yaml"
    path.write_text(claims_path().read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DPFlatError, match=told):
        read_claims(path)
