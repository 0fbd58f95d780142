# make demo   set up, build a demonstration archive, index it, search it
# make test   set up, lint, check types and layers, build the docs, run every test
# make docs   build the documentation as a site into build/site

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HAS_BROWSER := { command -v chromium || command -v google-chrome; } >/dev/null
READY := $(VENV)/.ready

.PHONY: demo test lint docs docs-serve servers screenshots clean

demo: $(READY)
	$(BIN)/spinecho demo demo/archive --tour --home demo/home

test: lint docs servers
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

# strict: a link or an anchor that leads nowhere, or a page outside of the navigation, ends it. Nothing is fetched.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml

docs-serve: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --config-file docs/site/mkdocs.yml --dev-addr 127.0.0.1:8000

# torch first: whatever else needs it then takes the build that is there
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[cpu,demo,dev]'
	touch $(READY)

screenshots: demo
	$(BIN)/python -m benchmarks.screens --home demo/home --out docs/screens
	$(BIN)/python docs/site/notebook_picture.py

clean:
	rm -rf $(VENV) build demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
