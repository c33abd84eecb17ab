# Two commands do all the set-up: `make demo` and `make test`. Both need Python >= 3.11 with venv, and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench picture snapshots package clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "cannot create a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed ## Open the console on an embedded cluster with real workers
	@$(BIN)/stem-tui --demo

test: $(VENV)/.installed-dev ## Run the whole suite against real servers
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(PYTEST_ARGS)

check: $(VENV)/.installed-dev ## Lint, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Print the figures, measured side by side in one run
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

snapshots: $(VENV)/.installed-dev ## Accept the screens as they are now, after looking at them; the README's picture too
	$(BIN)/python -m pytest tests/tui --snapshot-update -q

package: $(VENV)/.installed-dev ## Build the wheel and the source distribution
	$(BIN)/python -m build

clean: ## Remove what was built and installed
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
