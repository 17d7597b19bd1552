# `make serve` and `make test` are all a newcomer needs: each builds .venv when it is missing or stale, then does its job.

# The first Python that is new enough; name another with `make PYTHON=python3.13 …`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=
# Most tests wait for processes of their own, so more of them than cores is still faster.
TEST_PROCESSES ?= 3
SERVE_ARGS ?= --auto-token
STAND_INS := .stand-ins

.PHONY: help install serve test stand-ins contracts lint types imports check demo bench

help: ## say what each target does
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## build .venv, with .venv/bin/gitoma

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "gitoma needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

serve: $(STAMP) ## start the service on http://127.0.0.1:8000 (SERVE_ARGS="--port 9000" for others)
	@exec $(BIN)/gitoma serve $(SERVE_ARGS)

test: $(STAMP) ## run the tests (PYTEST_ARGS="-k cancel" for some)
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) $(PYTEST_ARGS)

stand-ins: $(STAND_INS)/.installed ## install the servers for Node that some tests need (needs node and npm)

$(STAND_INS)/.installed: tests/stand_ins/node/package.json tests/stand_ins/node/install
	tests/stand_ins/node/install $(STAND_INS)
	@touch $@

contracts: $(STAMP) ## each port's promises, over each adapter
	$(BIN)/python -m pytest tests/contracts $(PYTEST_ARGS)

lint: $(STAMP) ## ruff
	$(BIN)/ruff check src tests bench demo
	$(BIN)/ruff format --check src tests bench demo demo

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

imports: $(STAMP) ## the direction of imports
	$(BIN)/lint-imports

check: lint types imports test ## everything, as CI runs it

demo: $(STAMP) ## a whole run through the REST API, without network, token or model
	$(BIN)/python -m demo

bench: $(STAMP) ## the measurements that docs/design.md speaks of
	$(BIN)/python bench/run.py
