"""What the packages export is there, and the example of each function does what it says."""

import doctest
import importlib
import inspect

import pytest

PACKAGES = ("dpflat", "dpflat.presets", "dpflat.privacy", "analysis", "analysis.figures", "analysis.kinds")
EXPORTED = [(package, name) for package in PACKAGES for name in importlib.import_module(package).__all__]
FUNCTIONS = [
    (package, name)
    for package, name in EXPORTED
    if callable(found := getattr(importlib.import_module(package), name)) and not inspect.isclass(found)
]


@pytest.fixture(autouse=True)
def no_run_of_ones_own(monkeypatch, tmp_path):
    monkeypatch.setenv("DPFLAT_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("DPFLAT_READONLY", raising=False)


@pytest.mark.parametrize(("package", "name"), FUNCTIONS)
def test_the_example_of_a_function_is_true(package, name):
    function = getattr(importlib.import_module(package), name)
    scope = vars(importlib.import_module(function.__module__)).copy()
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs=scope)
    assert 1 <= len(example.examples) <= 6
    told = []
    doctest.DocTestRunner().run(example, out=told.append)
    assert not told, "".join(told)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_exports_is_sorted_and_another_name_is_refused(package):
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing
