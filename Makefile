# Everything happens in .venv, which any target sets up on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TESTS := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile

.PHONY: help setup demo test test-long test-all test-nightly stress test-clients bench lint format types generate check-generated buf clean

help:  ## Lists the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Installs the project and its development tools into .venv.

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV), about a minute ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## Starts a server, renders a conversation, streams a completion through Parse.
	@$(BIN)/python examples/demo.py

test: $(STAMP)  ## Runs the tests but for the long ones.
	@$(TESTS) -m 'not long'
	@echo "The long tests were left out: make test-long runs them, make test-all runs all tests."

test-long: $(STAMP)  ## Runs the tests that take long by nature: images, installs, soaks.
	@$(TESTS) -m long

test-all: test test-long  ## Runs all tests.

test-nightly: $(STAMP)  ## Runs the differential tests with ten times the cases.
	@TEST_CASES=20000 $(BIN)/python -m pytest tests/differential

stress: $(STAMP)  ## Runs the long stress tests and prints the figures of docs/reliability.md.
	@STRESS_SCALE=100 WIRE_CASES=60000 WIRE_LARGE_REQUESTS=128 $(BIN)/python -m pytest --capture=no tests/stress

bench: $(STAMP)  ## Measures the figures of bench/RESULTS.md and writes it.
	@$(BIN)/python -m bench

lint: $(STAMP)  ## Checks style and layering.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: $(STAMP)  ## Formats the code.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(STAMP)  ## Checks types.
	@$(BIN)/mypy

test-clients: $(STAMP)  ## Builds, checks and runs the clients of every language against a server.
	@$(BIN)/python -m scripts.test_clients

generate: $(STAMP)  ## Regenerates all that is generated from protos/, for every language.
	@$(BIN)/python scripts/generate_python.py
	@$(BIN)/python scripts/generate_clients.py

check-generated: $(STAMP)  ## Fails where what is checked in is not what protos/ gives.
	@$(BIN)/python scripts/generate_python.py --check
	@$(BIN)/python scripts/generate_clients.py --check

buf: $(STAMP)  ## Lints the protos and checks them for breaking changes.
	@$(BIN)/python scripts/buf.py

clean:  ## Removes what the other targets made.
	rm -rf $(VENV) .venv-generate build dist node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
