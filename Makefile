# make demo   set up, build a demonstration archive, index it, search it
# make test   set up, lint, check types and layers, run every test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint browser screenshots clean

demo: $(READY)
	$(BIN)/spinecho demo demo/archive --tour --home demo/home

test: lint browser
	$(BIN)/pytest -n 2 --dist loadgroup

# the system's, else Playwright's own; without any, the tests that need one say so and are skipped
browser: $(READY)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || $(BIN)/playwright install chromium \
		|| echo "no browser could be fetched: tests of the pages in a browser will be skipped"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# torch first: whatever else needs it then takes the build that is there
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[cpu,demo,dev]'
	touch $(READY)

screenshots: demo
	$(BIN)/python -m benchmarks.screens --home demo/home --out docs/screens

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
