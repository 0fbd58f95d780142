# make demo   set up, build a demonstration archive, index it, search it
# make test   set up, lint, check types and layers, run every test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HAS_BROWSER := { command -v chromium || command -v google-chrome; } >/dev/null
READY := $(VENV)/.ready

.PHONY: demo test lint servers screenshots clean

demo: $(READY)
	$(BIN)/spinecho demo demo/archive --tour --home demo/home

test: lint servers
	$(BIN)/pytest -n 2 --dist loadfile

# what tests look at pages with, and a PostgreSQL that speaks TLS: Debian's where this is root on Debian (its cluster is not
# started), else the system's, else Playwright's own Chromium. Tests that find none say so and are skipped.
servers: $(READY)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { [ ! -d /usr/lib/postgresql ] || ! $(HAS_BROWSER); }; then \
		mkdir -p /etc/postgresql-common; \
		[ -d /usr/lib/postgresql ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium postgresql >/dev/null || true; fi
	@$(HAS_BROWSER) || $(BIN)/playwright install chromium \
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
