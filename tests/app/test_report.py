"""Files that others read: one offline file each, everything escaped, nothing in it that must not leave."""

import errno
import itertools
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from analysis.figures import tokens
from app.report.page import TEMPLATES, write_file
from app.report.report import write_report
from app.shown.kinds import find_figures, list_drawn
from dpflat.privacy.entries import write_ledger
from dpflat.privacy.wording import FIGURE_OUTSIDE
from dpflat.runs.files import replace_json
from dpflat.runs.layout import CONFIG, LABEL, LEDGER
from dpflat.runs.manifest import write_manifest
from dpflat.training.forecast import plan_privacy
from tests.app.pages import give_layers, make_run, plan_run
from tests.app.stored import all_figures, keep_against, keep_everything
from tests.dpflat.test_file_tasks import MARK, configure, write_own

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Reader(HTMLParser):
    """Tags with their attributes, and the text that is read, heading by heading."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.within = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.within.append(tag)

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.within):
            self.texts.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One's own store for the whole module; gives its folder."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DPFLAT_RUNS", str(root))
        patch.delenv("DPFLAT_READONLY", raising=False)
        yield root


@pytest.fixture(scope="module")
def everything(store):
    return keep_everything(store)


@pytest.fixture(scope="module")
def other(everything, store):
    """A run that everything is held against."""
    made = keep_everything(store, "seed=1")
    keep_against(everything, made, store)
    return made


@pytest.fixture(scope="module")
def pages(everything, other, store):
    """A report of one run, one of two, and a file of several figures."""
    file = write_file(find_figures("curvature", {"A": everything}, store).figures, "Curvature")
    return {
        "one": write_report({"A": everything}, store),
        "two": write_report({"A": everything, "B": other}, store),
        "file": file,
    }


def test_no_file_loads_anything_from_elsewhere_and_its_policy_forbids_it(pages):
    for name, page in pages.items():
        found = Reader(page)
        loads = [
            (tag, key, value)
            for tag, attributes in found.tags
            for key, value in attributes.items()
            if key in ("src", "srcset", "data", "action", "poster", "href") and not str(value).startswith("#")
        ]
        assert loads == [], name
        assert [tag for tag, _ in found.tags if tag in ("link", "iframe", "object", "embed", "base", "img")] == []
        assert "url(" not in page.split("<style>")[1].split("</style>")[0]
        (policy,) = [m["content"] for m in found.named("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "http" not in policy
        assert "connect-src" not in policy


def test_plotly_is_in_the_file_once_and_every_chart_has_its_place(pages):
    for name, page in pages.items():
        assert page.count("plotly.js v") == 1, name
        charts = json.loads(page.split('<script type="application/json" id="charts">')[1].split("</script>")[0])
        places = [d["id"] for d in Reader(page).named("div") if d.get("role") == "img"]
        assert list(charts) == places
        assert len(places) == len(set(places)) > 0
        assert {tuple(looks) for looks in charts.values()} == {
            ("light", "dark") if name in ("one", "two") else ("light",)
        }


def test_a_figure_in_a_file_has_finding_subtitle_and_the_words_of_its_class(everything, store):
    for kind, shown in all_figures({"A": everything}, store):
        found = Reader(write_file([shown]))
        assert len(found.named("h1")) == 1
        for words in (shown.finding.text, shown.subtitle, *shown.notes, shown.code.command.splitlines()[0]):
            assert " ".join(words.split()) in found.text, (kind, shown.key)
        outside = shown.entry_class.value in ("diagnostic", "breaking")
        assert ("Reads private data without noise." in found.text) == outside
        badge = {"diagnostic": "outside epsilon", "accounted": "in epsilon", "post_processing": "free"}
        assert badge.get(shown.entry_class.value, "with a caveat") in found.text


def test_a_file_is_light_or_dark_as_asked(everything, store):
    figures = find_figures("lines", {"A": everything}, store).figures
    for mode in ("light", "dark"):
        page = write_file(figures, None, mode)
        assert f"--page: {tokens.PALETTES[mode].page};" in page
        assert "prefers-color-scheme: dark) {" not in page.split("</style>")[0]
        assert tokens.PALETTES[mode].page.lower() in page.split('id="charts">')[1].split("</script>")[0].lower()


class TestReport:
    def test_it_holds_guarantee_figures_ledger_settings_and_versions(self, pages, everything):
        found = Reader(pages["one"])
        assert len(found.named("h1")) == 1
        assert "epsilon = 3.00 at delta" in found.text
        for words in ("Public data playing the private part.", "Poisson sampling at rate", "batch_size: 20"):
            assert words in found.text
        for title in (*(kind.title for kind in list_drawn().values()), "Ledger", "Settings", "Versions and hardware"):
            assert title in found.text
        headings = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h\d", tag)]
        assert headings[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
        ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {a["href"][1:] for a in found.named("a")} <= set(ids)

    def test_two_runs_are_compared_and_drawn_together(self, pages):
        found = Reader(pages["two"])
        assert "B: 0.0 points of accuracy against A (1 seed)" in found.text
        assert "seeds 0 and 1, paired by test example" in found.text
        assert "A seed 0, B seed 1" in found.text
        assert found.text.split("Settings that differ")[0].endswith(f"outside epsilon {FIGURE_OUTSIDE} ")
        assert "seed 0 1" in found.text.split("Settings that differ")[1][:80]

    def test_what_is_not_measured_has_a_line_and_its_command(self, own_root):
        run = give_layers(make_run(own_root))
        found = Reader(write_report({"A": run}, own_root))
        assert found.text.count("Not measured. ") == 6
        for kind in ("layers", "lines", "plane", "trust", "curvature", "attacks"):
            assert f"dpflat analyze {run.id} {kind}" in found.text

    def test_a_run_without_prefixes_says_why_there_are_no_layers(self, own_root):
        run = make_run(own_root, "finished", 3, 0.75, "adapter.kind=head_only")
        text = Reader(write_report({"A": run}, own_root)).text
        assert "This run trained a head alone: there is no prefix in any layer." in text
        assert f"dpflat analyze {run.id} layers" not in text

    def test_a_run_that_did_not_finish_is_told_and_has_no_numbers(self, own_root):
        found = Reader(write_report({"A": make_run(own_root, "lost")}, own_root)).text
        assert "lost at step 3 of 10" in found
        assert "only a finished run can be measured" in found
        assert "test accuracy" not in found.lower()

    def test_a_void_guarantee_is_void_in_the_report(self, own_root):
        run = plan_run(own_root, "flatness.within_layer.mode=as_published")
        text = Reader(write_report({"A": give_layers(run)}, own_root)).text
        assert "No guarantee. The noise alone would give epsilon = 3.00" in text
        assert "No upper limit can be stated." in text
        assert "voids the guarantee" in text
        assert "breaks epsilon" in text

    def test_names_from_outside_are_text(self, own_root):
        run = keep_everything(own_root)
        replace_json(run.folder / LABEL, {"name": EVIL})
        ledger = json.loads((run.folder / LEDGER).read_text())
        ledger["entries"][0]["mechanism"] = EVIL
        replace_json(run.folder / LEDGER, ledger)
        write_manifest(run.folder)
        page = write_report({"A": type(run)(run.folder)}, own_root)
        found = Reader(page)
        assert EVIL in found.text
        assert page.count("<script") == 3
        assert found.named("img") == []
        assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)

    def test_where_a_run_lies_is_not_told(self, tmp_path):
        run = keep_everything(tmp_path / "of somebody")
        page = write_report({"A": run}, tmp_path / "of somebody")
        assert str(tmp_path) not in page
        assert "--runs FOLDER" in page

    def test_a_run_on_a_file_of_ones_own_tells_neither_path_nor_name_nor_classes_nor_checksum(
        self,
        tmp_path,
        own_root,
    ):
        own = write_own(tmp_path / "diary & 'letters' of Jörg.csv")
        run = give_layers(make_run(own_root))
        config = configure(own)
        replace_json(run.folder / CONFIG, config.model_dump(mode="json"))
        ledger = write_ledger(config, *plan_privacy(config), None)
        assert any(own.name in entry.touched for entry in ledger.entries)
        replace_json(run.folder / LEDGER, ledger.model_dump(mode="json"))
        write_manifest(run.folder)
        run, beside = type(run)(run.folder), make_run(own_root)
        for runs in ({"A": run}, {"A": run, "B": beside}):
            page = write_report(runs, own_root)
            assert "training split of file:withheld" in page
            assert "name: file:withheld" in page
            for secret in (str(own.parent), own.name, config.task.counted.sha256, MARK):
                assert secret not in page
            for name in config.task.counted.classes:
                assert f"- {name}\n" not in page


def test_a_table_escapes_aligns_numbers_and_says_what_is_missing():
    rows = pd.DataFrame({"<b>": ["a & b", "<i>"], "n": [1.23456, None]})
    text = TEMPLATES.get_template("parts.html").module.table(rows, 'a "label"')
    assert "<b>" not in text
    assert "&lt;i&gt;" in text
    assert '<td class="number">1.235</td>' in text
    assert "not measured" in text
    assert [box["aria-label"] for box in Reader(text).named("div")] == ['a "label"']


def refuse_links(*_):
    """What a file system without hard links does."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_the_budget_of_a_run_is_kept_beside_one_that_never_began(own_root):
    run = plan_run(own_root, "flatness.cross_layer.mode=exponential")
    never = make_run(own_root, "failed", 0)
    (never.folder / LEDGER).unlink()
    found = find_figures("budget", {"A": run, "B": never}, own_root)
    assert [shown.key for shown in found.figures] == ["budget_A"]
    assert "B: It ended before it began." in found.notes


class TestCommand:
    @pytest.fixture(autouse=True)
    def one_store(self, own_root, store, monkeypatch):
        monkeypatch.setenv("DPFLAT_RUNS", str(store))

    def test_report_writes_the_file_and_says_what_showing_it_means(self, dpflat, everything, tmp_path):
        code, out, err = dpflat("report", everything.id, "-o", tmp_path / "r.html")
        assert (code, out) == (0, "")
        assert "Reads private data without noise." in err
        assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")

    def test_report_is_named_report_by_default_and_writes_html_only(self, dpflat, everything, tmp_path):
        (tmp_path / "report.html").write_text("an older one")
        assert dpflat("report", everything.id)[0] == dpflat("report", everything.id)[0] == 0
        assert (tmp_path / "report.html").read_text() == "an older one"
        for number in (2, 3):
            assert (tmp_path / f"report-{number}.html").read_text().startswith("<!DOCTYPE html>")
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
            "report-2.html",
            "report-3.html",
            "report.html",
        ]
        code, _, err = dpflat("report", everything.id, "-o", "x.pdf")
        assert (code, (tmp_path / "x.pdf").exists()) == (2, False)
        assert "ends in .html" in err

    @pytest.mark.parametrize("command", [["report"], ["plot", "odds"]])
    def test_a_file_that_is_there_is_never_overwritten(self, dpflat, everything, tmp_path, monkeypatch, command):
        name, *kind = command
        (tmp_path / "r.html").write_text("mine")
        code, _, err = dpflat(name, everything.id, *kind, "-o", "r.html")
        assert (code, (tmp_path / "r.html").read_text()) == (2, "mine")
        assert "'r.html' is there already, and nothing is overwritten." in err
        monkeypatch.setattr("app.terminal.written.Path.hardlink_to", refuse_links)
        assert dpflat(name, everything.id, *kind, "-o", "r.html")[0] == 2
        assert dpflat(name, everything.id, *kind, "-o", "other.html")[0] == 0
        assert (tmp_path / "r.html").read_text() == "mine"
        assert (tmp_path / "other.html").read_text().startswith("<!DOCTYPE html>")
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    @pytest.mark.parametrize("kind", list_drawn())
    def test_plot_writes_every_kind_in_one_file(self, dpflat, everything, other, store, tmp_path, kind):
        assert dpflat("plot", everything.id[:-1], kind, "-o", tmp_path / "x.html")[0] == 0
        found = Reader((tmp_path / "x.html").read_text())
        for shown in find_figures(kind, {"A": everything}, store).figures:
            assert " ".join(shown.finding.text.split()) in found.text
        assert dpflat("plot", everything.id, kind, "-o", tmp_path / "x.json", "--dark")[0] == 0
        drawn = json.loads((tmp_path / "x.json").read_text())
        assert all({"finding", "subtitle", "ledger", "figure"} <= set(one) for one in drawn)

    def test_plot_of_what_is_not_measured_is_one_sentence_with_the_command(self, dpflat, store):
        run = give_layers(make_run(store))
        code, out, err = dpflat("plot", run.id, "trust", "-o", "x.html")
        assert (code, out) == (2, "")
        assert f"Measure it: dpflat analyze {run.id} trust" in err
        code, _, err = dpflat("plot", run.id, "plane", "-o", "x.html", "--set", "plane=path")
        assert f"dpflat analyze {run.id} plane --set plane=path" in err
        toward = ["--set", "toward=other", "--set", "points=25", "--set", "head=true"]
        code, _, err = dpflat("plot", run.id, "lines", "-o", "x.html", *toward)
        assert f"dpflat analyze {run.id} lines --set head=True --set points=25 --set toward=other" in err

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["lines", "-o", "x.png"], "ends in .html or .json"),
            (["odds", "-o", "x.html", "--set", "seed=1"], "'odds' has no settings"),
            (["lines", "-o", "x.html", "--set", "nonsense=1"], "nonsense"),
            (["lines", "-o", "nowhere/x.html"], "could not be read or written"),
        ],
    )
    def test_what_cannot_be_drawn_is_one_sentence_and_exit_code_2(
        self,
        dpflat,
        everything,
        words,
        sentence,
    ):
        code, out, err = dpflat("plot", everything.id, *words)
        assert (code, out) == (2, "")
        assert sentence in err
        assert "Traceback" not in err
