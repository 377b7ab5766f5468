"""What is stored is shown as it was written, or not at all."""

import math
import os
import shutil
import zipfile

import numpy as np
import pytest

from app.summary import summarise
from dpflat.errors import ChangedError, DPFlatError
from dpflat.privacy.accounting import bound_epsilon
from dpflat.privacy.entries import write_ledger
from dpflat.runs import arrays, contradiction, layout
from dpflat.runs.arrays import read_arrays
from dpflat.runs.contradiction import find_contradiction
from dpflat.runs.files import append_line, read_json, read_last_line, replace_json
from dpflat.runs.manifest import write_manifest
from dpflat.runs.schemas import MOST_LAYERS
from dpflat.runs.status import is_alive, own_status
from dpflat.runs.store import Store
from dpflat.training import forecast
from dpflat.training.forecast import plan_ledger, plan_privacy
from tests.conftest import small_config
from tests.dpflat.runs.test_packing import FIXTURE

RESULTS = f"{layout.ARTIFACTS}/{layout.RESULTS}"


@pytest.fixture
def run(tmp_path):
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    return Store(tmp_path).load_run("latest")


def put(run, file, seal, **values):
    replace_json(run.folder / file, read_json(run.folder / file) | values)
    if seal:
        write_manifest(run.folder)


@pytest.mark.parametrize(
    ("file", "values"),
    [(layout.LEDGER, {"epsilon": 0.1}), (layout.LEDGER, {"delta": 0.5}), (RESULTS, {"accuracy": 0.99})],
)
def test_a_number_that_was_changed_since_is_not_shown(run, file, values):
    put(run, file, False, **values)
    row = summarise(run)
    assert row["state"] == "changed"
    assert f"changed since it finished: {file}" in row["message"]
    assert "epsilon" not in row


@pytest.mark.parametrize("name", [layout.METRICS, layout.EVENTS])
def test_a_line_that_was_changed_since_is_not_shown(run, name):
    def read():
        return run.steps if name == layout.METRICS else run.events

    assert read()
    path = run.folder / name
    text = path.read_text()
    path.write_text(text.replace('"loss": 0.', '"loss": 0.1', 1))
    assert path.read_text() != text
    with pytest.raises(ChangedError, match=f"changed since it finished: {name}"):
        read()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epsilon": 0.1}, "states another epsilon than the 3 that its settings give"),
        ({"epsilon": 3.001}, "states another epsilon than the 3 that its settings give"),
        ({"delta": 0.01}, "states another delta"),
        ({"units": 100}, "counts 100 units where its settings have 200"),
        ({"entries": []}, r"lacks what its settings touch or leave out of epsilon \(gradient steps, noise key\)"),
    ],
)
def test_a_promise_that_the_settings_do_not_give_is_not_stated_though_checksums_fit(run, values, words):
    put(run, layout.LEDGER, True, **values)
    with pytest.raises(ChangedError, match=words):
        _ = run.ledger


@pytest.mark.parametrize(
    ("file", "field", "values"),
    [
        (layout.ENV, "environment", {"backbone_layers": "x"}),
        (layout.ENV, "environment", {"backbone_layers": 100_000_000}),
        (RESULTS, "results", {"kept_layers": "x"}),
        (RESULTS, "results", {"kept_layers": 5}),
        (RESULTS, "results", {"loss": [1.0]}),
        (RESULTS, "results", {"accuracy": 7.5}),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_unreadable_though_checksums_fit(run, file, field, values):
    put(run, file, True, **values)
    name, key = file.split("/")[-1], next(iter(values))
    with pytest.raises(DPFlatError, match=f"unreadable: {name} in '{run.id}' is not valid at '{key}'"):
        getattr(run, field)


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": 1e400}', b'{"a": ' + b"1" * 5000 + b"}", b'{"a": NaN}'])
@pytest.mark.parametrize("file", [layout.CONFIG, layout.ENV, layout.LABEL, layout.MANIFEST, RESULTS])
def test_what_no_job_writes_is_one_sentence(run, file, content):
    (run.folder / file).write_bytes(content)
    assert summarise(run)["state"] == "unreadable"


def test_a_file_larger_than_any_that_is_written_is_not_read(run, monkeypatch):
    monkeypatch.setattr("dpflat.runs.files.LARGEST_TEXT", 100)
    with pytest.raises(DPFlatError, match="is larger than"):
        _ = run.config


def test_arrays_that_would_unpack_to_more_than_any_that_are_written_are_not_unpacked(run, monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST_ARRAYS", 1_000)
    np.savez_compressed(run.folder / "arrays.npz", zeros=np.zeros(10_000))
    write_manifest(run.folder)
    with pytest.raises(DPFlatError, match="unreadable: arrays"):
        read_arrays(run.folder, "arrays.npz")


def test_results_of_a_run_that_lost_its_manifest_are_not_shown(run):
    (run.folder / layout.MANIFEST).unlink()
    assert run.results == {}


@pytest.mark.parametrize("values", [{"pid": 10**30}, {"pid": -3}, {"step": -1}, {"phase": "x" * 100}, {"host": 5}])
def test_a_living_run_whose_status_no_worker_writes_is_one_row(run, values):
    (run.folder / layout.MANIFEST).unlink()
    replace_json(run.folder / layout.STATUS, read_json(run.folder / layout.STATUS) | {"state": "running"} | values)
    row = summarise(Store(run.folder.parent).load_run(run.id))
    assert (row["state"], "unreadable: status.json" in row["message"]) == ("unreadable", True)


@pytest.mark.parametrize("name", ["majority_share", "balanced_accuracy"])
def test_what_stands_beside_an_accuracy_is_a_share(run, name):
    put(run, RESULTS, True, **{name: "x"})
    with pytest.raises(DPFlatError, match=f"is not valid at '{name}'"):
        _ = run.results


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ((), "noise key"),
        (("task.name=imdb", "privacy.noise=secret"), "tuned defaults"),
        (("flatness.within_layer.mode=per_example",), "within layer"),
        (("flatness.cross_model.mode=dp_twin",), "cross model"),
        (("flatness.cross_layer.mode=exponential",), "cross layer"),
        (("flatness.cross_model.mode=as_published",), "cross model"),
    ],
)
def test_a_ledger_that_lost_an_entry_contradicts_its_settings_and_a_whole_one_does_not(settings, source):
    config = small_config(*settings)
    ledger = plan_ledger(config, *plan_privacy(config))
    assert find_contradiction(config, ledger) is None
    kept = tuple(entry for entry in ledger.entries if entry.source.replace("_", " ") != source)
    assert source in find_contradiction(config, ledger.model_copy(update={"entries": kept}))


@pytest.mark.parametrize(("epsilon", "delta"), [(0.01, None), (0.1, 1e-15), (0.1, 0.5), (0.001, 0.5), (3.0, None)])
def test_no_epsilon_that_a_run_is_planned_with_contradicts_its_settings(epsilon, delta):
    config = small_config(f"privacy.epsilon={epsilon}", "optimiser.batch_size=1", f"privacy.delta={delta or 'null'}")
    ledger = plan_ledger(config, *plan_privacy(config))
    assert find_contradiction(config, ledger) is None
    assert find_contradiction(config, ledger.model_copy(update={"epsilon": epsilon * 0.5 + 1e-3})) is not None


def test_epsilon_by_another_accountant_is_not_stated_of_a_run_that_is_not_sealed(run):
    put(run, layout.LEDGER, True, epsilon_pld=0.01)
    assert Store(run.folder.parent).load_run(run.id).ledger.epsilon_pld == 0.01
    (run.folder / layout.MANIFEST).unlink()
    assert Store(run.folder.parent).load_run(run.id).ledger.epsilon_pld is None


@pytest.mark.parametrize("values", [{"epsilon": 1e300}, {"epsilon_pld": -1}, {"delta": 7}, {"units": -4}])
def test_a_ledger_with_numbers_that_no_run_has_is_unreadable(run, values):
    put(run, layout.LEDGER, True, **values)
    with pytest.raises(DPFlatError, match=r"unreadable: ledger\.json"):
        _ = Store(run.folder.parent).load_run(run.id).ledger


@pytest.mark.parametrize(
    "event", [{"event": "evaluated", "step": 1}, {"event": "layer_removed"}, {"event": "nonfinite_gradients"}]
)
def test_an_event_that_lacks_what_is_shown_of_it_is_damaged(run, event):
    (run.folder / layout.MANIFEST).unlink()
    append_line(run.folder / layout.EVENTS, event)
    with pytest.raises(DPFlatError, match=r"unreadable: events\.jsonl in '.*' is damaged in line"):
        _ = run.events
    append_line(run.folder / layout.METRICS, {"step": 99})
    with pytest.raises(DPFlatError, match=r"unreadable: metrics\.jsonl"):
        _ = run.last_step


@pytest.mark.parametrize(
    "name", [layout.METRICS, layout.LEDGER, layout.ENV, f"{layout.ARTIFACTS}/{layout.PREDICTIONS}"]
)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_is_no_file_is_not_waited_for(run, name, make):
    path = run.folder / name
    path.unlink(missing_ok=True)
    make(path)
    assert summarise(Store(run.folder.parent).load_run(run.id))
    assert read_last_line(path) is None
    with pytest.raises(DPFlatError):
        read_arrays(run.folder, name)


def test_arrays_are_compared_before_they_are_read(run):
    path = run.folder / layout.ARTIFACTS / layout.PREDICTIONS
    header = np.lib.format.magic(1, 0) + (118).to_bytes(2, "little")
    words = "{'descr': '<f4', 'fortran_order': False, 'shape': (1" + "0" * 30 + ",), }"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("correct.npy", header + words.ljust(117).encode() + b"\n")
    with pytest.raises(ChangedError):
        read_arrays(run.folder, f"{layout.ARTIFACTS}/{layout.PREDICTIONS}")
    write_manifest(run.folder)
    with pytest.raises(DPFlatError, match="is damaged"):
        read_arrays(run.folder, f"{layout.ARTIFACTS}/{layout.PREDICTIONS}")


def test_a_private_file_of_a_finished_job_is_compared_too_and_its_checksum_stays_private(run):
    (run.folder / layout.PRIVATE).mkdir(exist_ok=True)
    name = f"{layout.PRIVATE}/arrays.npz"
    np.savez(run.folder / name, correct=np.ones(3))
    write_manifest(run.folder)
    assert read_arrays(run.folder, name)["correct"].sum() == 3
    np.savez(run.folder / name, correct=np.zeros(3))
    with pytest.raises(ChangedError):
        read_arrays(run.folder, name)
    assert not [known for known in read_json(run.folder / layout.MANIFEST)["sha256"] if layout.PRIVATE in known]


@pytest.fixture
def kept(run):
    """The name of an array of private values that a finished run has."""
    (run.folder / layout.PRIVATE).mkdir(exist_ok=True)
    name = f"{layout.PRIVATE}/arrays.npz"
    np.savez(run.folder / name, correct=np.ones(3))
    write_manifest(run.folder)
    return name


def remove(path):
    path.unlink()


def empty(path):
    replace_json(path, {"sha256": {}})


def seal_again(path):
    """Checksums that fit, under another secret word."""
    replace_json(path, read_json(path) | {"secret": "0" * 32})


@pytest.mark.parametrize("change", [remove, empty, seal_again, lambda path: path.write_text("{")])
def test_private_values_whose_manifest_is_gone_or_another_are_changed(run, kept, change):
    assert read_arrays(run.folder, kept)["correct"].sum() == 3
    change(run.folder / layout.PRIVATE / layout.MANIFEST)
    with pytest.raises(ChangedError, match=r"private/manifest\.json of '.*' is not what the job wrote"):
        read_arrays(run.folder, kept)


def test_private_values_of_a_run_that_had_none_are_changed(run):
    write_manifest(run.folder)
    (run.folder / layout.PRIVATE).mkdir(exist_ok=True)
    np.savez(run.folder / layout.PRIVATE / "arrays.npz", correct=np.ones(3))
    with pytest.raises(ChangedError):
        read_arrays(run.folder, f"{layout.PRIVATE}/arrays.npz")


@pytest.mark.parametrize("change", [remove, seal_again])
def test_private_values_of_a_run_whose_manifest_does_not_speak_of_them_are_read_as_before(run, kept, change):
    replace_json(run.folder / layout.MANIFEST, {"sha256": read_json(run.folder / layout.MANIFEST)["sha256"]})
    change(run.folder / layout.PRIVATE / layout.MANIFEST)
    assert read_arrays(run.folder, kept)["correct"].sum() == 3


def test_of_a_stored_file_no_value_is_told(run):
    content = read_json(run.folder / layout.CONFIG)
    file = {"path": "/home/SECRET.csv", "text_column": "SECRETCOLUMN"}
    put(run, layout.CONFIG, True, task={"name": "own-x", "file": file}, seed="SECRETSEED", **{"SECRETKEY": 1})
    message = summarise(Store(run.folder.parent).load_run(run.id))["message"]
    assert "config.json" in message
    assert "task.file.label_column: missing" in message
    assert "SECRET" not in message.replace("SECRETKEY", "")
    assert content


def test_a_heartbeat_of_another_computer_that_lies_ahead_keeps_nobody_alive():
    own = own_status("running")
    there = own.model_copy(update={"host": "elsewhere", "heartbeat": own.heartbeat + 1e6})
    assert not is_alive(there)
    assert is_alive(there.model_copy(update={"heartbeat": own.heartbeat}))


def test_a_name_that_a_terminal_would_obey_is_shown_as_text(run):
    replace_json(run.folder / layout.LABEL, {"name": "\x1b[2J\x1b]0;x\x07a\nrow 0.10"})
    assert Store(run.folder.parent).load_run(run.id).label["name"] == "[2J ]0;x a row 0.10"
    assert "\x1b" not in str(DPFlatError("no column \x1b[2J"))


def test_a_model_that_is_gone_hides_no_broken_promise(run):
    modes = ("within_layer.mode=as_published", "cross_layer.mode=exponential")
    config = small_config(*(f"flatness.{mode}" for mode in modes))
    ledger = write_ledger(config, *plan_privacy(config), None)
    gone = config.model_copy(update={"backbone": config.backbone.model_copy(update={"name": "folder:/gone"})})
    ledger = ledger.model_copy(update={"epsilon": gone.privacy.epsilon})
    assert find_contradiction(gone, ledger) is None
    kept = tuple(entry for entry in ledger.entries if entry.entry_class == "accounted")
    assert "within layer" in find_contradiction(gone, ledger.model_copy(update={"entries": kept}))
    assert "another epsilon" in find_contradiction(gone, ledger.model_copy(update={"epsilon": 0.001}))


def test_of_a_given_noise_epsilon_is_known_without_the_model_and_where_layers_are_drawn_for_some_number_of_them():
    noise = ("privacy.epsilon=null", "privacy.noise_multiplier=1.1", "backbone.name=folder:/gone")
    gone = small_config(*noise)
    ledger = write_ledger(gone, *plan_privacy(gone), None)
    assert find_contradiction(gone, ledger) is None
    assert "another epsilon than the" in find_contradiction(gone, ledger.model_copy(update={"epsilon": 0.5}))

    draws = ("flatness.cross_layer.mode=exponential", "flatness.cross_layer.epsilon=0.05")
    drawing = small_config(*noise, *draws)
    there = drawing.model_copy(update={"backbone": small_config().backbone})
    planned = write_ledger(there, *plan_privacy(there), None)
    assert planned.epsilon > ledger.epsilon
    assert find_contradiction(drawing, planned) is None
    for epsilon in (0.001, ledger.epsilon * 0.999, (ledger.epsilon + planned.epsilon) / 2, None):
        changed = planned.model_copy(update={"epsilon": epsilon})
        assert "another epsilon than any that its settings give" in find_contradiction(drawing, changed)


def test_an_accountant_that_the_settings_leave_out_is_a_contradiction():
    config = small_config("privacy.accountant=rdp")
    ledger = write_ledger(config, *plan_privacy(config), None)
    assert find_contradiction(config, ledger) is None
    by_pld = ledger.model_copy(update={"accountant": "pld"})
    assert "an accountant that its settings leave out" in find_contradiction(config, by_pld)


@pytest.mark.parametrize("accountant", ["rdp", "rdp_or_pld"])
def test_of_a_given_noise_epsilon_is_that_of_the_runs_own_accountant(accountant):
    noise = ("privacy.epsilon=null", "privacy.noise_multiplier=1.1")
    config = small_config(*noise, f"privacy.accountant={accountant}")
    other = small_config(*noise, f"privacy.accountant={'rdp' if accountant == 'rdp_or_pld' else 'rdp_or_pld'}")
    ledger = write_ledger(config, *plan_privacy(config), None)
    assert find_contradiction(config, ledger) is None
    assert "another epsilon" in find_contradiction(other, ledger.model_copy(update={"accountant": "rdp"}))


@pytest.fixture
def drawing(monkeypatch):
    """Settings that draw layers at a given noise, whose model is gone; the ledger planned; each epsilon computed."""
    counted = []
    monkeypatch.setattr(contradiction, "bound_epsilon", lambda *asked: counted.append(asked) or bound_epsilon(*asked))
    noise = ("privacy.epsilon=null", "privacy.noise_multiplier=1.25", "flatness.cross_layer.mode=exponential")
    there = small_config(*noise, "flatness.cross_layer.epsilon=0.07", "flatness.cross_layer.keep_layers=2")
    gone = there.model_copy(update={"backbone": there.backbone.model_copy(update={"name": "folder:/gone"})})
    for kept in ("_sketched_entries", "_planned_epsilon", "_spends_by_layers"):
        getattr(contradiction, kept).cache_clear()
    return gone, write_ledger(there, *plan_privacy(there), None), counted


def test_numbers_of_layers_are_tried_by_halves_and_once_for_all_seeds(drawing):
    gone, ledger, counted = drawing
    assert find_contradiction(gone, ledger) is None
    assert 1 <= len(counted) <= 2 + math.log2(MOST_LAYERS)
    tried = len(counted)
    assert find_contradiction(gone.model_copy(update={"seed": 7}), ledger) is None
    assert len(counted) == tried


def test_numbers_of_layers_that_release_the_same_are_tried_once(drawing):
    gone, ledger, counted = drawing
    assert find_contradiction(gone, ledger.model_copy(update={"epsilon": 1e-3})) is not None
    assert 1 <= len(set(counted)) <= 2 + math.log2(MOST_LAYERS)


def test_a_model_that_could_not_be_read_is_asked_again(drawing, monkeypatch):
    gone, without, _ = drawing
    changed = without.model_copy(update={"epsilon": 1e-3})
    assert find_contradiction(gone, without) is None
    assert "another epsilon than any" in find_contradiction(gone, changed)
    monkeypatch.setattr(forecast, "count_layers", lambda _: 4)
    assert "lacks" in find_contradiction(gone, without)
    planned = write_ledger(gone, *plan_privacy(gone), None)
    assert find_contradiction(gone, planned) is None
    assert "another epsilon than the" in find_contradiction(gone, planned.model_copy(update={"epsilon": 1e-3}))
