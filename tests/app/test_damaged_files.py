"""Every file of a run and of its analyses is damaged in turn; nothing breaks, and no number is shown without notice."""

import json
import random
import shutil
from pathlib import Path

import pytest

from analysis.store import ANALYSES
from dpflat.runs import layout
from dpflat.runs.pack_folders import pack_folder, unpack_folder
from tests.app.pages import MAIN, open_page
from tests.app.stored import keep_everything

pytestmark = pytest.mark.integration
EACH = 30
SEEDS = [0, *(pytest.param(seed, marks=[pytest.mark.slow, pytest.mark.timeout(600)]) for seed in range(1, 10))]
PAGES = ("runs", "privacy", "layers", "landscape", "tradeoff", "start", "new", "claims")
NOTICES = ("hanged since", "unreadable", "has no", "Unknown", "left out")
MUTABLE = (layout.STATUS, layout.LABEL)
LEAVES = ["x", "", 5, -3, 0, 0.1, 7.5, True, None, 10**8, 10**30, "9" * 5000, "x" * 100_000, "\ud800"]
WRONG = [*LEAVES, [], {}, [None], {"a": {}}, "FAR", "NAN", "INFINITY", "LONG", "DEEP"]
RAW = {
    b'"FAR"': b"1e400",
    b'"NAN"': b"NaN",
    b'"INFINITY"': b"-Infinity",
    b'"LONG"': b"1" * 5000,
    b'"DEEP"': b"[" * 100_000 + b"]" * 100_000,
}
NESTED = b"[" * 100_000
WHOLE = [b"", b"{", NESTED, b"[]", b"null", b"{}", b"\xff\xfe", b'{"parts": 5}', b'{"parts": {"a": 5}}', b"0" * 200]


@pytest.fixture
def memory():
    """Kilobytes by which the memory of this process has grown at most since the test began."""
    status = Path("/proc/self/status")

    def read(name):
        return int(status.read_text().split(f"{name}:")[1].split()[0])

    Path("/proc/self/clear_refs").write_text("5")
    start = read("VmRSS")
    return lambda: read("VmHWM") - start


def places_of(content, path=()):
    """The path of each value in JSON."""
    yield path
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from places_of(value, (*path, key))


def put(content, path, value):
    if not path:
        return value
    content[path[0]] = put(content[path[0]], path[1:], value)
    return content


def drop(content, path):
    if path[1:]:
        drop(content[path[0]], path[1:])
    else:
        del content[path[0]]
    return content


def leave_unfinished(folder):
    """A run that was stopped has no manifest that would tell what it wrote."""
    (folder / layout.MANIFEST).unlink()
    status = json.loads((folder / layout.STATUS).read_text())
    (folder / layout.STATUS).write_text(json.dumps({**status, "state": "stopped"}))


def spell(content):
    text = json.dumps(content).encode()
    for marker, raw in RAW.items():
        text = text.replace(marker, raw)
    return text


def damage(draw, content, name):
    """The content of a file, damaged in one of several ways."""
    way = draw.randrange(4)
    if way == 0 or not name.endswith((".json", ".jsonl")):
        if draw.random() < 0.5:
            return content[: draw.randrange(len(content))]
        place = draw.randrange(len(content))
        return content[:place] + bytes([content[place] ^ (1 << draw.randrange(7))]) + content[place + 1 :]
    if way == 1:
        return draw.choice(WHOLE)
    lines = content.splitlines(keepends=True) if name.endswith(".jsonl") else [content]
    number = draw.randrange(len(lines))
    parsed = json.loads(lines[number])
    if name == layout.PACKED:
        inner = draw.choice(sorted(parsed["files"]))
        parsed["files"][inner] = damage(draw, parsed["files"][inner].encode(), inner).decode(errors="replace")
        return json.dumps(parsed).encode()
    path = draw.choice([path for path in places_of(parsed) if path])
    parsed = drop(parsed, path) if draw.random() < 0.15 else put(parsed, path, draw.choice(WRONG))
    lines[number] = spell(parsed) + b"\n"
    return b"".join(lines)


def is_covered(file, before, after):
    """Whether something changed that a run's manifest knows."""
    if file.name != layout.PACKED:
        return file.name not in MUTABLE
    try:
        old, new = json.loads(before)["files"], json.loads(after)["files"]
        return any(old.get(name) != new.get(name) for name in {*old, *new} if name not in MUTABLE)
    except (ValueError, KeyError, TypeError, RecursionError):
        return True


def make_damaged(root, template, seed):
    """A store of copies of a run and of its analyses, one file of each damaged: file and whether it has to be told."""
    draw, damaged = random.Random(seed), {}
    (root / ANALYSES).mkdir(parents=True)
    for number in range(EACH):
        name = f"20260101-000000-copy-{seed}-{number}"
        run, analyses = root / name, root / ANALYSES / name
        shutil.copytree(template.folder, run)
        shutil.copytree(template.folder.parent / ANALYSES / template.id, analyses)
        finished = number % 5 != 1
        if not finished:
            leave_unfinished(run)
        elif number % 3 == 0:
            for folder in (run, *analyses.iterdir()):
                pack_folder(folder)
        folder = run if draw.random() < 0.6 else draw.choice(sorted(analyses.iterdir()))
        files = [f for f in folder.rglob("*") if f.is_file() and layout.PRIVATE not in f.parts and f.stat().st_size]
        file = draw.choice(sorted(files))
        before = file.read_bytes()
        after = damage(draw, before, file.name)
        file.write_bytes(after)
        if after != before:
            damaged[name] = (file, finished and folder == run and is_covered(file, before, after))
    return damaged


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return keep_everything(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_breaks_and_no_number_is_shown_without_notice(template, own_root, dpflat, memory, seed):
    damaged = make_damaged(own_root, template, seed)
    assert len(damaged) > 0.9 * EACH
    everything = [("list",), ("list", "--json"), ("budget", "--data", "rotten_tomatoes")]
    for arguments in everything if seed % 5 else [*everything, ("claims",)]:
        assert dpflat(*arguments)[0] in (0, 2)
    for number, (name, (file, must_be_told)) in enumerate(damaged.items()):
        code, out, err = dpflat("show", name)
        assert code in (0, 2), file
        assert not must_be_told or any(word in out + err for word in NOTICES), (file, out + err)
        assert dpflat("ledger", name)[0] in (0, 2), file
        if number % 6 == 0:
            assert dpflat("report", name, "-o", own_root / f"{name}.html")[0] in (0, 2), file
            assert dpflat("compare", name, min(damaged))[0] in (0, 2), file
            kind = ("layers", "plane", "attacks", "budget")[number // 6 % 4]
            assert dpflat("plot", name, kind, "-o", own_root / f"{name}.json")[0] in (0, 2), file
    for page, name in zip(PAGES, random.Random(seed).sample(sorted(damaged), len(PAGES)), strict=True):
        assert not open_page(page, v="1", a=name).exception, (page, damaged[name])
    assert memory() < 1_000_000


def test_a_damaged_study_breaks_no_page(own_root):
    shipped = sorted(
        folder for folder in (MAIN.parents[1] / "cached_runs" / layout.STUDIES).iterdir() if folder.is_dir()
    )
    draw, studies = random.Random(0), []
    for number in range(EACH):
        folder = shutil.copytree(shipped[number % len(shipped)], own_root / layout.STUDIES / f"copy-{number}")
        if number % 2:
            unpack_folder(folder)
        file = draw.choice(sorted(f for f in folder.rglob("*") if f.is_file() and f.stat().st_size))
        file.write_bytes(damage(draw, file.read_bytes(), file.name))
        studies.append((folder.name, file.name))
    for name, file in draw.sample(studies, 12):
        assert not open_page("runs", v="1", study=name).exception, (name, file)
