"""A's sharpness against B's on the page Layers, in the terminal, in a report; and where entries are not alike."""

import pytest
from typer.testing import CliRunner

from analysis.curvature.exchangeable import describe_dominant, find_dominant
from analysis.curvature.results import read_curvature
from analysis.decomposition.settings import DecompositionConfig
from analysis.layers.settings import LayersConfig
from analysis.layers.tables import sharpness_rows
from analysis.store import find_analysis
from app.cli import cli
from app.report.report import write_report
from app.shown.layer_sets import compose_strip
from app.shown.layer_side import read_side
from app.ui.layer_decomposition import TITLE
from dpflat.execution import jobs
from dpflat.runs.record import Run
from tests.app.landscape import keep_analysis, made_up_curvature
from tests.app.pages import give_layers, labels, make_run, measure_layers, open_page, press, texts
from tests.app.stored import keep_against


@pytest.fixture
def own(stores):
    return stores[0]


@pytest.fixture
def pair(own):
    runs = [give_layers(make_run(own, "finished", 3, 0.75, *more)) for more in ((), ("seed=1",))]
    for run in runs:
        measure_layers(run, own)
    return runs


def test_the_page_offers_to_hold_a_against_b_and_starts_a_worker(own, pair, monkeypatch):
    a, b = pair
    page = open_page("layers", a=a.id, b=b.id)
    assert not page.exception
    assert TITLE in texts(page)
    assert "Not measured for A against B." in texts(page)
    assert f"dpflat analyze {a.id} decomposition --set against={b.id}" in texts(page)
    started = []
    monkeypatch.setattr(jobs, "start", lambda folder, store, worker: started.append((folder, worker)))
    assert labels(page).count("Measure") == 1
    assert not press(page, "Measure").exception
    name = f"decomposition-{DecompositionConfig(against=b.id).fingerprint()}"
    assert started == [(own / "analyses" / a.id / name, "analysis.worker")]


def test_the_page_shows_what_it_found_with_its_table_and_not_without_a_second_run(own, pair):
    a, b = pair
    keep_against(a, b, own)
    page = open_page("layers", a=a.id, b=b.id)
    assert not page.exception
    told = texts(page)
    assert "A's sharpness is 0.5, B's 0.1. Of the difference of 0.4, 0.25 goes with the head's norm" in told
    assert "(7.8 against 5.5) and 0 with which layers there are; 0.15 remains to the prefixes and the direction" in told
    assert (
        "B's prefixes read 0.3 against 0.5 under A's and 0.1 against 0.3 under B's: 0.2 is the prefixes', on average."
        in told
    )
    assert "Loss on these rows: 0.600 (A) and 0.700 (B). B fits them less" in told
    table = next(t.value for t in page.table if "B against A" in t.value)
    assert table.loc["as they are"].tolist() == ["0.5 ± 0.02", "0.1 ± 0.01", "−80 %", "0.6", "0.7"]
    assert TITLE not in texts(open_page("layers", a=a.id, b="none"))


def test_runs_that_cannot_be_compared_get_their_sentence(own, pair):
    other = give_layers(make_run(own, "finished", 3, 0.75, "task.name=imdb", "data.max_tokens=16"))
    page = open_page("layers", a=pair[0].id, b=other.id)
    assert not page.exception
    assert "has another task and cannot be read on the same rows" in texts(page)


def test_of_several_seeds_the_page_and_the_report_give_an_interval(own):
    runs = {}
    for seed in (0, 1):
        for gamma in ("0.1", "0.2"):
            ascent = ("flatness.within_layer.mode=random", f"flatness.within_layer.gamma={gamma}", f"seed={seed}")
            runs[gamma, seed] = give_layers(make_run(own, "finished", 3, 0.75, *ascent))
        keep_against(runs["0.1", seed], runs["0.2", seed], own)
    words = "B against A over 2 pairs of runs, one a seed, 95 %: as they are −80 % [−80 %, −80 %]"
    a, b = runs["0.1", 0], runs["0.2", 0]
    assert words in texts(open_page("layers", a=a.id, b=b.id))
    assert words in write_report({"A": a, "B": b}, own)


def test_the_terminal_shows_both_tables_and_the_sentences_and_writes_json_and_a_figure(own, pair, tmp_path):
    a, b = pair
    keep_against(a, b, own)
    asked = [a.id, "decomposition", "--set", f"against={b.id}", "--runs", str(own)]
    done = CliRunner().invoke(cli, ["analyze", *asked])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "same layers, heads of A's norm" not in said  # the same two models as without "same layers"
    assert "heads of A's norm 0.5 ± 0.02 0.35 ± 0.01 −30 % 0.6 0.65" in said
    assert "untrained prefixes, B's head 0.04" in said
    assert "0.15 remains to the prefixes and the direction of the head (1 pair of runs)" in said
    data = CliRunner().invoke(cli, ["analyze", *asked, "--json"])
    assert '"cell": "b_layers_norm"' in data.output
    assert CliRunner().invoke(cli, ["plot", *asked, "-o", str(tmp_path / "x.json")]).exit_code == 0
    assert CliRunner().invoke(cli, ["plot", *asked, "-o", str(tmp_path / "x.html")]).exit_code == 0


def test_a_report_of_two_runs_has_it_as_a_section_or_the_command(own, pair):
    a, b = pair
    assert f"decomposition --set against={b.id}" in write_report({"A": a, "B": b}, own)
    keep_against(a, b, own)
    page = write_report({"A": a, "B": b}, own)
    assert '<a href="#decomposition">Sharpness against another run</a>' in page
    assert "0.25 goes with the head" in page


def blocks(*tops):
    content = made_up_curvature(layers=len(tops))
    for row, top in zip(content["parts"]["blocks"]["rows"], tops, strict=False):
        row["top"]["value"] = top
    return content


def test_a_layer_dominates_where_it_holds_more_than_half_of_the_blocks_largest_eigenvalues():
    found = find_dominant(read_curvature(blocks(0.2, 0.1, 1.1, 0.1), {}))
    assert (found.block, round(found.share, 4)) == ("prefix.2", round(1.1 / 1.5, 4))
    assert "layer 2 holds 73 % of the curvature" in describe_dominant(found)
    assert "layer 0 0.2, layer 1 0.1, layer 2 1.1, layer 3 0.1" in describe_dominant(found)
    for alike in ((0.2, 0.1, 0.3, 0.1), (0.5, 0.5), (1.0,), (None, 1.0), (0.0, 0.0)):
        assert find_dominant(read_curvature(blocks(*alike), {})) is None


def test_where_one_layer_holds_most_curvature_sharpness_is_not_matched_and_the_blocks_say_why(own, pair):
    run = pair[0]
    offered = next(c for c in open_page("layers", a=run.id, b="none").segmented_control if "accuracy" in c.options)
    assert "matched" in offered.options
    keep_analysis(run, own, {"kind": "curvature"}, blocks(0.1, 0.1, 0.1, 0.1, 0.1, 2.0))
    page = open_page("layers", a=run.id, b="none", measure="matched")
    assert not page.exception
    asked = next(c for c in page.segmented_control if "accuracy" in c.options)
    assert list(asked.options) == ["accuracy", "loss", "sharpness"]
    assert asked.value == "accuracy"
    reason = "Not matched to another number of entries: layer 5 holds 80 % of the curvature"
    assert texts(page).count(reason) == 2
    assert not [c for frame in page.dataframe for c in frame.value.columns if "matched" in c]
    config = LayersConfig()
    side = read_side("A", Run(run.folder, store=run.store), config, find_analysis(run, config, own), own)
    strip = compose_strip(side, side.result, (0, 1), "accuracy")
    assert not [name for name in strip.table.columns if "matched" in name]
    assert "matched" in str(list(sharpness_rows(side.result)[0]))
