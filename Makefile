# One door for people and CI alike. Every target makes .venv when it is missing, installs, then runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test nightly check bench format generate clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## compare two pipelines over this machine's processes, then over a simulated host
	$(BIN)/phoenix demo

test: $(STAMP)  ## unit, contract, conformance, kernel and browser tests, then the tutorials twice, strictly
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest -p no:cacheprovider --nbval --nbval-cell-timeout=180 -o asyncio_mode=strict notebooks
	$(BIN)/python -m pytest -p no:cacheprovider --nbval --nbval-cell-timeout=180 -o asyncio_mode=strict notebooks

nightly: $(STAMP)  ## 20,000 drawn configurations against the real processors (PHOENIX_DIFFERENTIAL_SEED repeats them); error rates of the verdict over 2,000 runs
	PHOENIX_DIFFERENTIAL_PAIRS=20000 PHOENIX_DIFFERENTIAL_SEED=$${PHOENIX_DIFFERENTIAL_SEED:-$$RANDOM} \
		$(BIN)/python -m pytest -s -q tests/conformance/test_differential.py
	PHOENIX_EVIDENCE_RUNS=2000 $(BIN)/python -m pytest -q tests/unit/evidence/test_error_rates.py

check: $(STAMP)  ## formatting, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP)  ## rewrite formatting and fixable lint in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(STAMP)  ## rewrite docs/interfaces.md and the JSON Schemas from the contracts
	$(BIN)/python -m phoenix_nb.testing.generate

bench: $(STAMP)  ## speed as ratios against peers in the same run; writes bench/README.md
	$(BIN)/python -m bench

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
