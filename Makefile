# Every target works in .venv and creates it on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TESTS := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile
# The scale of the figures in docs/reliability.md; 100 is a day of an inference server.
STRESS_SCALE ?= 20

.PHONY: help setup demo demo-openai test test-long test-all test-nightly stress test-clients chaos-clients bench lint format types generate check-generated buf clean

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Install the project and its development tools into .venv.

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV), about a minute ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## Start a server, render a conversation, stream a completion through Parse.
	@$(BIN)/python examples/demo.py

demo-openai: $(STAMP)  ## Serve OpenAI's API with a scripted engine and call it with OpenAI's client.
	@$(BIN)/python examples/demo_openai.py

test: $(STAMP)  ## Run the tests, except the long ones (about four minutes).
	@$(TESTS) -m 'not long'
	@echo "Skipped the long tests: make test-long runs them, make test-all runs every test."

test-long: $(STAMP)  ## Run the tests that take long by nature: images, installs, soaks.
	@$(TESTS) -m long

test-all: test test-long  ## Run every test.

test-nightly: $(STAMP)  ## Run the differential and the generated tests with ten times as many cases.
	@TEST_CASES=20000 $(BIN)/python -m pytest tests/differential tests/recovery/test_generated.py

stress: $(STAMP)  ## Run the stress tests and print the figures of docs/reliability.md.
	@STRESS_SCALE=$(STRESS_SCALE) WIRE_CASES=60000 WIRE_LARGE_REQUESTS=128 $(BIN)/python -m pytest --capture=no tests/stress

bench: $(STAMP)  ## Run the benchmarks and write bench/RESULTS.md.
	@$(BIN)/python -m bench

lint: $(STAMP)  ## Check style and layering.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: $(STAMP)  ## Format the code.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(STAMP)  ## Check types.
	@$(BIN)/mypy

test-clients: $(STAMP)  ## Build, check and run the clients of every language against a server.
	@$(BIN)/python -m scripts.try_clients

chaos-clients: $(STAMP)  ## Kill, stop and drain a server under the clients that replay.
	@$(BIN)/python -m scripts.chaos_clients

generate: $(STAMP)  ## Regenerate the code of every language from protos/.
	@$(BIN)/python scripts/generate_python.py
	@$(BIN)/python scripts/generate_clients.py

check-generated: $(STAMP)  ## Fail if the generated code does not match protos/.
	@$(BIN)/python scripts/generate_python.py --check
	@$(BIN)/python scripts/generate_clients.py --check

buf: $(STAMP)  ## Lint the protos and check them for breaking changes.
	@$(BIN)/python scripts/buf.py

clean:  ## Remove everything that the other targets created.
	rm -rf $(VENV) .venv-generate build dist node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
