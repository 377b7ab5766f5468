# make app   - make the environment, install, open the app on 127.0.0.1:8501
# make test  - install what tests need, and run them
# PYTHON=... picks the interpreter; PIP_FLAGS=... is handed to pip.

VENV ?= .venv
PIP_FLAGS ?=
NOTEBOOK ?= $(sort $(wildcard notebooks/*.ipynb))
BIN := $(VENV)/bin
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)
USABLE := import sys, venv, ensurepip; assert sys.version_info >= (3, 11)

.PHONY: help app test test-slow check notebooks cached-runs install install-test clean

help:
	@sed -n '1,3s/^# //p' Makefile

app: install
	$(BIN)/streamlit run app/main.py

test: install-test check
	$(BIN)/python -m pytest -n auto --dist loadscope -m "not slow"

test-slow: install-test
	$(BIN)/python -m pytest -m slow --timeout 3600

check: install-test
	$(BIN)/pip check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

cached-runs: install
	$(BIN)/python benchmarks/cached_runs.py

notebooks: $(VENV)/.installed-notebooks
	$(BIN)/python notebooks/execute.py $(NOTEBOOK)

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(BIN)/python:
	@found=; for python in $(CANDIDATES); do \
	  if $$python -c '$(USABLE)' >/dev/null 2>&1; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "DP-Flat Lab needs Python 3.11 or newer with its venv module: install python3.12 and python3.12-venv (Debian, Ubuntu) or Python from python.org, then run make again; PYTHON=/path/to/python picks one." >&2; \
	  exit 1; fi; \
	echo "making $(VENV) with $$($$found --version)"; $$found -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml requirements.txt
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements.txt
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[minilm,test]'
	@touch $@

$(VENV)/.installed-notebooks: $(VENV)/.installed
	$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[notebooks]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
