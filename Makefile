# Two commands: `make run` and `make test`. Both set everything up by themselves the first time.
.PHONY: help run test lint lock clean
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:  ## Show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.installed  ## Run Trellis here; without credentials in .env, with an invented co-op to try things
	@exec $(BIN)/flask up

test: $(VENV)/.installed-dev  ## Run every test (four side by side: many of them wait); those of PostgreSQL too when TEST_POSTGRESQL_URL names a server
	@$(BIN)/python -m pytest -q -n 4 --maxschedchunk 1 $(ARGS)

lint: $(VENV)/.installed-dev  ## Format check, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

lock: $(VENV)/.installed-dev  ## Renew both lock files from pyproject.toml
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet --python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock

clean:  ## Remove the virtual environment and everything the sandbox made
	rm -rf $(VENV) var/demo .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trellis needs Python 3.11 or later: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(VENV)/bin/python
	@echo "Installing what Trellis needs (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "Installing what the tests need (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.installed
