import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("app", "analysis", "dpflat")
DIRECT = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["minilm"]]


def read_pins():
    """The lines of requirements.txt: name to requirement, and what is not a requirement."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    pins = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(pin.name): pin for pin in pins}, [line for line in lines if line.startswith("-")]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What a wheel holds that was built from the sources alone."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


class TestWheel:
    def test_holds_every_module(self, names):
        modules = {f.relative_to(ROOT).as_posix() for package in PACKAGES for f in (ROOT / package).rglob("*.py")}
        assert "dpflat/runs/store.py" in modules
        assert modules - names == set()

    def test_holds_every_preset_and_how_it_was_tuned(self, names):
        presets = {f.relative_to(ROOT).as_posix() for f in (ROOT / "dpflat" / "presets").iterdir() if f.is_file()}
        assert "dpflat/presets/quick.yaml" in presets
        assert presets - names == set()

    def test_holds_the_weights_and_the_card_of_the_small_backbone(self, names):
        folder = "dpflat/backbones/dpflat_tiny"
        assert {f"{folder}/{file}" for file in ("model.safetensors", "config.json", "vocab.txt", "README.md")} <= names

    def test_holds_every_template_of_a_report(self, names):
        templates = {f.relative_to(ROOT).as_posix() for f in (ROOT / "app" / "report" / "templates").iterdir()}
        assert "app/report/templates/page.html" in templates
        assert templates - names == set()

    def test_says_that_it_is_typed(self, names):
        assert {"dpflat/py.typed", "analysis/py.typed"} <= names

    def test_holds_nothing_else(self, names):
        top = {name.partition("/")[0] for name in names}
        assert {name for name in top if not name.startswith("dpflat_lab-")} == set(PACKAGES)

    def test_has_the_command_and_the_licence(self, names):
        assert any(name.endswith("entry_points.txt") for name in names)
        assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="not a git checkout")
def test_git_ignores_no_source():
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--", *PACKAGES, "tests", "studies"]
    ignored = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    assert [name for name in ignored if "__pycache__" not in name] == []


class TestRequirements:
    @pytest.mark.parametrize("wanted", DIRECT, ids=lambda requirement: requirement.name)
    def test_every_direct_dependency_has_an_exact_pin_in_its_range(self, wanted):
        pins, _ = read_pins()
        pin = pins.get(canonicalize_name(wanted.name))
        assert pin is not None, f"requirements.txt has no line for {wanted.name}"
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        pinned = Version(specifier.version)
        assert pinned.local is None
        assert wanted.specifier.contains(pinned), f"{pin} is outside {wanted}"

    def test_nothing_else_is_pinned_and_the_lab_itself_comes_last(self):
        pins, others = read_pins()
        assert set(pins) == {canonicalize_name(wanted.name) for wanted in DIRECT}
        assert others == ["-e ."]

    @pytest.mark.parametrize(
        ("name", "versions"),
        [
            ("torch", ["2.11.0", "2.12.0", "2.13.0"]),
            ("transformers", [f"5.{minor}.0" for minor in range(17, 24)]),
        ],
    )
    def test_the_ranges_admit_what_they_are_meant_to(self, name, versions):
        (wanted,) = (requirement for requirement in DIRECT if requirement.name == name)
        assert all(wanted.specifier.contains(v) for v in versions)

    def test_what_is_installed_is_in_the_ranges(self):
        outside = [str(wanted) for wanted in DIRECT if not wanted.specifier.contains(version(wanted.name))]
        assert outside == []


class TestInstalled:
    def test_torchvision_is_not_here(self):
        problem = (
            "torchvision is installed. Its wheel does not match a CPU build of torch and then breaks every import of "
            "a transformers model. Find what pulled it in (curvlinops does), and: pip uninstall torchvision"
        )
        assert find_spec("torchvision") is None, problem
        with pytest.raises(PackageNotFoundError):
            version("torchvision")

    @pytest.mark.integration
    def test_transformers_models_can_be_imported(self):
        module = importlib.import_module("transformers.models.bert.modeling_bert")
        assert module.BertModel.__name__ == "BertModel"

    def test_the_command_is_installed(self):
        done = subprocess.run([str(script("dpflat")), "--help"], capture_output=True, text=True, check=True)
        assert "Usage: dpflat" in done.stdout


def script(name):
    return Path(sys.executable).with_name(name)


class TestMakefile:
    @pytest.fixture
    def make(self, tmp_path):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        environment.pop("PYTHON", None)

        def call(*arguments, **changes):
            return subprocess.run(
                ["make", f"VENV={tmp_path}/venv", *arguments],
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
                env=environment | changes,
            )

        return call

    def assert_one_sentence(self, done, tmp_path):
        said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert done.returncode != 0
        assert len(said) == 1
        assert said[0].startswith("DP-Flat Lab needs Python 3.11 or newer with its venv module: install ")
        assert "python3.12-venv" in said[0]
        assert not (tmp_path / "venv").exists()

    def test_without_a_python_it_says_in_one_sentence_what_to_install(self, make, tmp_path):
        self.assert_one_sentence(make("PYTHON=/nonexistent", "install"), tmp_path)

    def test_a_python_that_is_too_old_or_has_no_venv_module_is_no_python(self, make, tmp_path):
        interpreter = tmp_path / "python"
        interpreter.write_text("#!/bin/sh\nexit 1\n")
        interpreter.chmod(0o755)
        self.assert_one_sentence(make(f"PYTHON={interpreter}", "install"), tmp_path)

    def test_with_nothing_on_the_path_it_says_so_too(self, make, tmp_path):
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool in ("sh", "make"):
            (tools / tool).symlink_to(shutil.which(tool))
        self.assert_one_sentence(make("install", PATH=str(tools)), tmp_path)

    def test_help_names_the_two_commands(self, make):
        done = make("help")
        assert done.returncode == 0
        assert re.findall(r"^make (\w+)", done.stdout, re.MULTILINE) == ["app", "test"]


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.integration
def test_streamlit_starts_from_an_empty_home_and_without_a_terminal(tmp_path, free_port):
    home = tmp_path / "home"
    home.mkdir()
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen(
        [str(script("streamlit")), "run", "app/main.py", "--server.port", str(free_port)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "DPFLAT_RUNS": str(tmp_path / "runs")},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 50
        answer = None
        while answer is None:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/_stcore/health", timeout=5) as response:
                    answer = response.read()
            except OSError:
                time.sleep(0.05)
        assert answer == b"ok"
        listening = {c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not (tmp_path / "runs").exists()
