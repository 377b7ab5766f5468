"""Tables of runs that lessons show: every run that a study asks for, and numbers that agree with each other."""

import importlib.util
import sys

import pytest

from dpflat.errors import DPFlatError
from dpflat.execution.studies import list_configs, read_study
from dpflat.runs.files import read_json
from dpflat.runs.store import SHIPPED

ROOT = SHIPPED.parent
spec = importlib.util.spec_from_file_location("lesson_tables", ROOT / "benchmarks" / "lesson_tables.py")
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script
spec.loader.exec_module(script)

TABLES = {name: read_json(SHIPPED / "lessons" / f"{name}.json") for name in script.TABLES}
CLIPPING, LEAKING = TABLES["clipping"]["rows"], TABLES["flat_or_private"]["rows"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_row_for_each_run_of_its_study_whose_settings_still_mean_the_same(name):
    table, study = TABLES[name], read_study(script.STUDIES / f"{name}.yaml")
    asked = [(config.fingerprint(), config.seed) for config in list_configs(study)]
    assert [(row["fingerprint"], row["seed"]) for row in table["rows"]] == asked
    assert table["study"]["name"] == name
    assert all({"torch", "dpflat-lab"} <= versions.keys() for versions in table["software"])
    assert all(0 < row["accuracy"] < 1 and row["test_examples"] == 1706 for row in table["rows"])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_not_written_from_fewer_runs(name):
    with pytest.raises(DPFlatError, match="runs are not there"):
        script.make_table(name, {})


def test_epsilon_and_the_noise_multiplier_do_not_notice_the_clipping_threshold():
    assert len({row["max_grad_norm"] for row in CLIPPING}) == 6
    assert len({(row["epsilon"], row["delta"], row["noise_multiplier"]) for row in CLIPPING}) == 1
    assert 2.99 < CLIPPING[0]["epsilon"] <= 3


@pytest.mark.parametrize("row", CLIPPING, ids=lambda row: f"C{row['max_grad_norm']}-s{row['seed']}")
def test_noise_is_sigma_times_c_over_b_and_shares_agree_with_norms(row):
    threshold = row["max_grad_norm"]
    assert row["noise"] == pytest.approx(row["noise_multiplier"] * threshold / row["batch_size"])
    assert len({at["step"] for at in row["at"]}) == 4
    for at in row["at"]:
        low, middle, high = at["gradient_norms"]
        assert 0 <= low <= middle <= high
        assert (at["clipped_share"] >= 0.9 - 0.01) or low <= threshold
        assert (at["clipped_share"] <= 0.1 + 0.01) or high > threshold
        assert (at["clipped_share"] >= 0.5 - 0.01) == (middle > threshold) or abs(middle - threshold) < 1e-3


def test_runs_without_noise_and_with_it_are_attacked_on_their_own_300_rows():
    without = [row for row in LEAKING if row["epsilon"] is None]
    assert (len(without), len(LEAKING)) == (27, 36)
    assert {row["members"] for row in LEAKING} == {300}
    for row in LEAKING:
        area, low, high = row["auc"]
        assert 0 <= low <= area <= high <= 1
        assert row["sharpness"] > 0
        assert row["train_loss"] > 0
