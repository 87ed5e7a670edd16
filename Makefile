# make setup | demo | up | down | test | faults | check | deps | lock

# A bytecode cache halves the time it takes to import the stack.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK = 1
export MLFLOW_DISABLE_TELEMETRY = true

PYTHON ?= python3
# Where torch comes from: TORCH_INDEX=--index-url=… for an index other than pip's own.
TORCH_INDEX ?=
UV_VERSION = 0.13.9
TORCH_VERSION = 2.13.0
BIN = .venv/bin

.PHONY: setup demo up down test faults check deps lock
# The photographer's set. What needs the loop or the tools of development adds them to it.
setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
	  { echo "expected Python 3.11 or 3.12, got $$($(PYTHON) --version); set PYTHON=…"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check $(TORCH_INDEX) uv==$(UV_VERSION) torch==$(TORCH_VERSION)
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --reinstall-package deepfuse -c requirements.lock -e .
	touch $@

.venv/loop: .venv/ready
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes -r requirements.lock
	touch $@

demo: .venv/loop
	$(BIN)/python -m flows retrain
	$(BIN)/deepfuse fuse data/sample/scene_00/*.dng --model models:/deepfuse@champion --force -o demo.jpg
	@echo "Look at demo.jpg and data/report/index.html"

# The loop as a service on this machine: docs/operations.md.
up down: .venv/loop
	$(BIN)/python -m flows $@

test: check
	$(BIN)/python -m pytest

# What `make test` leaves to the night: the loop killed and damaged at every step.
faults: .venv/loop
	$(BIN)/python -m pytest -m faults

check: .venv/loop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Writes into dvc.yaml what each stage imports.
deps: .venv/loop
	$(BIN)/python -m deepfuse.stages.deps

# Torch and what only torch needs are left out: pip takes the build for this machine's processor.
lock: setup
	$(BIN)/uv lock
	$(BIN)/uv export --quiet --no-header --no-annotate --no-emit-project --all-extras --group dev --prune torch \
	  -o requirements.lock
