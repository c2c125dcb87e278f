# Everything a developer types. `make` alone lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOWEST := .venv-lowest
READY  := $(VENV)/.ready
PYTEST ?=
# One test process per processor, at most four: each test computes with one thread.
WORKERS ?= --numprocesses=auto --maxprocesses=4

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint types docs bench wheel lowest

help: ## list what there is
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY) ## make .venv and install landvote with its developer tools into it

demo: $(READY) ## simulate hips, train, locate, report: the whole of landvote in a few minutes
	$(BIN)/landvote demo

test: lint types ## everything that has to pass: lint, types, tests (PYTEST="-k name" to choose)
	$(BIN)/python -m pytest $(WORKERS) $(PYTEST)

quick: $(READY) ## the tests without processes, clusters and trainings: under a minute
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(PYTEST)

lint: $(READY) ## rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## the type checker: strict on src, and on what the benchmarks call
	$(BIN)/mypy

docs: $(READY) ## write docs/command-line.md anew, then check every link
	$(BIN)/python docs/make_reference.py
	$(BIN)/python -m pytest -q tests/test_project.py -k docs

bench: $(READY) ## measure the ratios that results/ speaks of
	$(BIN)/python benchmarks/run.py

wheel: $(READY) ## build the wheel, dist/landvote-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lowest: ## run `quick` with the lowest versions that pyproject.toml allows, in a venv of its own
	$(PYTHON) -m venv --clear $(LOWEST)
	$(PYTHON) tests/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt --editable '.[all,test]'
	$(LOWEST)/bin/python -m pytest $(WORKERS) -m "not slow" -W default::DeprecationWarning $(PYTEST)

# The stamp is written last, so a broken installation is done again, and a finished one only when pyproject.toml changes.
$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "landvote needs Python 3.11 or newer, and there is no $(PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.version_info >= (3, 11) or sys.exit( \
	  f"landvote needs Python 3.11 or newer; $(PYTHON) is {v}. Name another: make PYTHON=python3.12 setup")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing landvote and its tools into $(VENV) (torch is large: minutes on a slow line)"
	$(BIN)/python -m pip install --quiet --editable '.[all,dev]'
	@touch $@
