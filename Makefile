# Chores. Every one that needs Python makes .venv first, from pinned versions, and again when pyproject.toml or constraints.txt changes.
#   make TORCH_INDEX=https://download.pytorch.org/whl/cpu demo     PyTorch for the CPU alone (the default Linux build brings gigabytes of CUDA)
#   make PYTHON=python3.12 test                                    another interpreter

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench docs install clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@awk '/^#   make/ {sub(/^# /, ""); print}' Makefile

demo: $(STAMP)  ## collect, learn, compare, report: the whole story in minutes
	@$(BIN)/selfgrasp demo

test: $(STAMP)  ## format, lint, types and all tests
	@status=0; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/mypy || status=1; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -p no:cacheprovider -q && exit $$status

check: $(STAMP)  ## format, lint, types and the import table: seconds, for while you write
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/python -m pytest -q -p no:cacheprovider tests/test_imports.py

bench: $(STAMP)  ## how fast the parts are on this machine
	@$(BIN)/python -m benchmarks

docs: $(STAMP)  ## check the documents: links lead somewhere, commands exist
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_docs.py

install: $(STAMP)  ## only make .venv

clean:  ## remove .venv, caches and builds; runs and datasets stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "selfgrasp needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV): one to a few minutes, 3 GB"
	@test -n "$(TORCH_INDEX)" || command -v nvidia-smi >/dev/null || echo "no NVIDIA GPU here: TORCH_INDEX=https://download.pytorch.org/whl/cpu avoids CUDA builds (see the top of the Makefile)"
	@$(PIP) install --constraint constraints.txt --no-deps $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,meshes]'
	@touch $@
