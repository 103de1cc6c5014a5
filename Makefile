# `make demo` and `make test` are all that is needed: the first target to run makes the environment.
# Variables: PYTHON (any Python 3.11 or newer), ARGS (passed on to pytest or to the benchmarks).

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
    $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)) python3)
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup warm demo test test-long bench history simulate-faults fuzz audit release lint format check proto schema methods metrics lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @ 2>/dev/null \
	    || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv from requirements.lock (only when it or pyproject.toml changed)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = sys.version_info >= (3, 11); \
	    ok or print("Sourcier needs Python 3.11 or newer; this is", sys.version.split()[0], \
	    "- say which one to use: make PYTHON=python3.12 ..."); sys.exit(not ok)'
	@echo "installing into .venv (once)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv \
	    || { echo "python venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PIP) install --root-user-action=ignore --require-hashes -r requirements.lock
	@$(PIP) install --root-user-action=ignore --no-deps --no-build-isolation -e .
	@touch $@

warm: $(STAMP)  ## compile the kernels (minutes, once for each version of them)
	@$(BIN)/python -m server.warm

demo: warm  ## a French retailer over gRPC: 2,000 orders against what shops do today, and one of each kind
	@$(BIN)/python -m bench.demo $(ARGS)

test: warm  ## every test but the long ones
	@$(BIN)/python -m pytest -n 2 -m "not slow" $(ARGS)

test-long: warm  ## every test
	@$(BIN)/python -m pytest $(ARGS)

bench: warm  ## the figures of README.md
	@$(BIN)/python -m bench $(ARGS)

history: $(STAMP)  ## kill -9 loops and four replicas, each history proven (docs/history.md)
	@$(BIN)/python -m bench.history crash --ledger sqlite --cycles 500
	@$(BIN)/python -m bench.history crash --ledger postgres --cycles 500
	@$(BIN)/python -m bench.history replicas --reserves 100000

lint: $(STAMP)  ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP)  ## let ruff format and sort imports
	@$(BIN)/ruff check --select I --fix .
	@$(BIN)/ruff format .

check: lint test  ## lint and test

proto: $(STAMP)  ## write the stubs under server/api from proto/
	@PYTHON=$(BIN)/python proto/generate.sh

schema: $(STAMP)  ## write docs/schema from the models
	@$(BIN)/python -m server.load.schema

methods: warm  ## write the tables of docs/methods.md
	@$(BIN)/python -m bench.methods

metrics: $(STAMP)  ## write the table of docs/operations.md
	@$(BIN)/python -m server.metrics_table

simulate-faults: warm  ## five minutes of seeded runs of the whole service under faults
	@$(BIN)/python -m bench.simulator $(ARGS)

fuzz: warm  ## a million inputs, guided by coverage (docs/fuzzing.md)
	@$(BIN)/python -m bench.fuzz $(ARGS)

audit: $(STAMP)  ## look every pinned version up in the databases of known holes; needs the network
	uvx pip-audit --require-hashes --disable-pip -r requirements.lock

release: lint test-long audit  ## what has to pass before a version is published

lock: pyproject.toml  ## pin again; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev \
	    pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group image \
	    --extra otel -c requirements.lock pyproject.toml -o deploy/requirements.lock

clean:  ## remove what can be made again; ledgers stay
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks \
	    .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
