# make setup | demo | up | down | test | tests | faults | servers | browser | coverage | check | hooks | deps | lock | hash | notice | audit

# A bytecode cache halves the time it takes to import the stack.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK = 1
export MLFLOW_DISABLE_TELEMETRY = true

PYTHON ?= python3
# Where torch comes from: TORCH_INDEX=--index-url=… for an index other than pip's own; `make hash` with it, once, first.
TORCH_INDEX ?=
UV_VERSION = 0.13.9
TORCH_VERSION = 2.13.0
AUDIT_VERSION = 2.10.1
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q
FIRST = .venv/first
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: setup demo up down test tests faults servers browser coverage check hooks deps lock hash notice audit
# The photographer's set. What needs the loop or the tools of development adds them to it.
setup: .venv/ready

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
	  { echo "expected Python 3.11 or 3.12, got $$($(PYTHON) --version); set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv

# Torch is fetched before its hash is looked at: told the hashes of all builds, pip prefers one from its index that has a
# hash there, for the wrong processor. Wheels alone: nothing of theirs runs before their hash is right.
.venv/ready: requirements.lock requirements.first.lock requirements.torch.lock pyproject.toml Makefile | $(BIN)/python
	rm -rf $(FIRST)
	$(PIP) download --no-deps --only-binary :all: -d $(FIRST) uv==$(UV_VERSION)
	$(PIP) download --no-deps --only-binary :all: -d $(FIRST) $(TORCH_INDEX) torch==$(TORCH_VERSION)
	$(PIP) install --no-deps --no-index --find-links $(FIRST) --require-hashes -r requirements.first.lock || \
	  { echo "expected a build of torch that requirements.first.lock knows; make hash adds this machine's"; exit 1; }
	rm -rf $(FIRST)
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --reinstall-package deepfuse \
	  -b requirements.lock -c requirements.lock -c requirements.torch.lock -e .
	touch $@

# DVC's state is in this folder; an experiment that runs in another one wants to know it by its whole name.
.venv/loop: .venv/ready
	VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes -r requirements.lock
	[ ! -d .dvc ] || $(BIN)/dvc config --local core.site_cache_dir "$(CURDIR)/.deepfuse/dvc"
	touch $@

demo: .venv/loop
	$(BIN)/python -m flows retrain
	$(BIN)/deepfuse fuse --no-config data/sample/scene_00/*.dng --model models:/deepfuse@champion --force -o demo.jpg
	@echo "Look at demo.jpg and data/report/index.html"

# The loop as a service on this machine: docs/operations.md.
up down: .venv/loop
	$(BIN)/python -m flows $@

# Three at a time, for tests wait for servers; each file of tests in one process: servers and models are made once a
# file. The longest files are first.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The tests wait for servers often enough that the types are checked meanwhile.
test: .venv/loop
	$(MAKE) -j 2 check tests

tests: .venv/loop
	$(PYTEST)

# What `make test` leaves to the night: the loop killed and damaged at every step.
faults: .venv/loop
	$(BIN)/python -m pytest -m faults

# The page in a real Chromium, which is this system's (`chromium`) or playwright's own.
browser: .venv/loop
	$(BIN)/python -m pytest -m browser

# The loop on Postgres and S3, both started here: needs Debian's package postgresql, and no network.
servers: .venv/loop
	$(BIN)/python -m pytest -m servers

# How much of the code the tests run, also in the processes that they start.
coverage: .venv/loop
	$(PYTEST) --cov --cov-report=term:skip-covered

check: .venv/loop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Runs `make check` before each commit.
hooks: .venv/loop
	$(BIN)/pre-commit install

# Writes into dvc.yaml what each stage imports.
deps: .venv/loop
	$(BIN)/python -m deepfuse.stages.deps

# Three locks: what is installed first, what torch needs where (the build for this machine's processor says what of it),
# and all else. None names an address.
lock: setup
	$(BIN)/uv lock
	$(BIN)/uv export --quiet --no-header --no-annotate --no-emit-project --all-extras --group dev --prune torch \
	  -o requirements.lock
	echo "torch==$(TORCH_VERSION)" | $(COMPILE) -c requirements.lock --no-emit-package torch -o requirements.torch.lock -
	printf 'torch==$(TORCH_VERSION)\nuv==$(UV_VERSION)\n' | $(COMPILE) --no-deps -o requirements.first.lock -
	$(MAKE) hash

# Adds the build of torch that this machine's pip takes to those that may be installed.
hash: | $(BIN)/python
	rm -rf $(FIRST)
	$(PIP) download --no-deps --only-binary :all: -d $(FIRST) $(TORCH_INDEX) torch==$(TORCH_VERSION)
	$(BIN)/python -c 'import hashlib, pathlib; \
	  [wheel] = pathlib.Path("$(FIRST)").glob("*.whl"); \
	  line = f"    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"; \
	  lock = pathlib.Path("requirements.first.lock"); \
	  head, rest = lock.read_text().split("\n", 1); \
	  assert head.startswith("torch=="); \
	  lock.write_text(lock.read_text() if line in rest else f"{head}\n{line} \\\n{rest}")'
	rm -rf $(FIRST)

# Writes the licences of what is installed: after `make lock`.
notice: .venv/loop
	$(BIN)/python tests/support/notice.py

# What is known against the locked versions, as PyPI's database has it; what it does not know fails too. The tool is no
# part of the environment that it looks at.
audit: .venv/loop
	for lock in requirements.lock requirements.torch.lock requirements.first.lock; do \
	  $(BIN)/uv tool run pip-audit==$(AUDIT_VERSION) --strict --no-deps --disable-pip -r $$lock || exit 1; done
