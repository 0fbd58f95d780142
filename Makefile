# make demo   set up, build a demonstration archive, index it, search it
# make test   set up, lint, check types and layers, build the docs, run every test
# make docs   build the documentation as a site into build/site
# make lock, sbom, audit, lint-deployment   what is installed and how it is deployed: docs/supply-chain.md, docs/deployment.md

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HAS_BROWSER := { command -v chromium || command -v google-chrome; } >/dev/null
READY := $(VENV)/.ready

# one after the other, as processes of their own: engines that tests hold open add up to gigabytes. Each worker computes with
# one thread: two of them share two cores, and threads that wait for small matrices spin. Files run in their order, not those with
# the most tests first: a browser's and a notebook's have few and take long, and one worker waited for the other at the end.
# Three look at pages, as each of them waits for its browser a third of the time
PARTS := -n3:tests/ui -n2:tests/api:tests/front_door:tests/mcp \
	-n2:tests:--ignore=tests/ui:--ignore=tests/api:--ignore=tests/front_door:--ignore=tests/mcp

TOOLS := build/tools
DEPLOYMENT := docs/deployment
# for every Python of pyproject.toml that all pinned packages run on, on any platform; the package index alone is asked
LOCK := $(TOOLS)/bin/uv pip compile --universal --python-version 3.11.5 --generate-hashes --no-annotate --quiet \
	--no-config --custom-compile-command "make lock"
SERVER := --extra server --extra mcp --extra pacs --extra postgresql

.PHONY: demo test test-servers lint docs docs-serve servers screenshots clean lock sbom audit lint-deployment

demo: $(READY)
	$(BIN)/spinecho demo demo/archive --tour --home demo/home

test: $(READY)
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint docs servers
	@SPINECHO_TEST_RUN=$$(mktemp -d); export SPINECHO_TEST_RUN OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1; trap 'rm -rf "$$SPINECHO_TEST_RUN"' EXIT; \
	failed=0; for part in $(PARTS); do $(BIN)/pytest --dist loadfile --no-loadscope-reorder $$(echo $$part | tr : ' ') || failed=1; done; exit $$failed

# what tests look at pages with, a PostgreSQL that speaks TLS, and an Orthanc with DICOMweb: Debian's where this is root on
# Debian (its cluster is not started, and Orthanc not in runlevel 1), else the system's, else Playwright's own Chromium. Tests that find none say so and are skipped.
servers: $(READY)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { [ ! -d /usr/lib/postgresql ] || [ ! -x /usr/sbin/Orthanc ] || ! $(HAS_BROWSER); }; then \
		mkdir -p /etc/postgresql-common; \
		[ -d /usr/lib/postgresql ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium postgresql >/dev/null || true; \
		[ -x /usr/sbin/Orthanc ] || DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
			orthanc orthanc-dicomweb >/dev/null || true; fi
	@$(HAS_BROWSER) || $(BIN)/playwright install chromium \
		|| echo "no browser could be fetched: tests of the pages in a browser will be skipped"

# all three notebooks, and a real Milvus, its packages in an environment of their own as they clash with ours, and a real Ray of two nodes. Both listen on every
# interface: the tests run in a network of their own, where loopback is the only one (as root, or where the kernel lets accounts make one)
MILVUS := build/milvus
ALONE := unshare $$([ "$$(id -u)" = 0 ] || echo --map-current-user --keep-caps) --net sh -c
test-servers: $(READY) $(MILVUS)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[cpu,demo,dev,milvus,ray]'
	SPINECHO_TEST_MILVUS=$(CURDIR)/$(MILVUS)/bin/python $(ALONE) \
		'ip link set lo up && exec $(BIN)/pytest tests/db/test_milvus.py tests/front_door/test_contract_milvus.py'
	SPINECHO_TEST_NOTEBOOKS=1 $(BIN)/pytest tests/docs/test_notebooks.py
	SPINECHO_TEST_RAY=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(ALONE) 'ip link set lo up && exec $(BIN)/pytest tests/indexer/test_ray.py'

$(MILVUS)/.ready:
	$(PYTHON) -m venv $(MILVUS)
	$(MILVUS)/bin/pip install --quiet --disable-pip-version-check "milvus==2.3.5" "pymilvus>=2.3,<2.4" "setuptools<80" \
		"marshmallow<4" numpy
	touch $@

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

# torch first: whatever else needs it then takes the build that is there. Not compiled by pip, which takes half of the time:
# what is imported is compiled then
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[cpu,demo,dev]'
	touch $(READY)

# digests of the versions in constraints.txt; PyTorch's CPU builds are of another index, so lock-server.txt leaves it out
lock: $(TOOLS)/.ready
	$(LOCK) pyproject.toml -c constraints.txt --all-extras -o $(DEPLOYMENT)/lock.txt
	$(LOCK) pyproject.toml -c constraints.txt --extra cpu $(SERVER) --overrides $(DEPLOYMENT)/without-cuda.txt \
		--no-emit-package torch -o $(DEPLOYMENT)/lock-server.txt
	$(LOCK) pyproject.toml -c constraints.txt --extra gpu $(SERVER) -o $(DEPLOYMENT)/lock-server-gpu.txt
	$(LOCK) $(DEPLOYMENT)/tools.in -o $(DEPLOYMENT)/tools.txt

sbom: $(READY) $(TOOLS)/.ready
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file build/sbom.json $(BIN)/python

# strict: what no advisory could be asked for is a failure, not a silence
audit: $(TOOLS)/.ready
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --requirement $(DEPLOYMENT)/lock.txt

lint-deployment: $(TOOLS)/.ready
	$(TOOLS)/bin/hadolint $(DEPLOYMENT)/Containerfile $(DEPLOYMENT)/Containerfile.gpu
	@if command -v systemd-analyze >/dev/null; then $(DEPLOYMENT)/verify-units.sh; \
		else echo "systemd-analyze is not here: units were not verified"; fi

$(TOOLS)/.ready: $(DEPLOYMENT)/tools.txt
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(DEPLOYMENT)/tools.txt
	touch $(TOOLS)/.ready

screenshots: demo
	$(BIN)/python -m benchmarks.screens --home demo/home --out docs/screens
	$(BIN)/python docs/site/notebook_picture.py

clean:
	rm -rf $(VENV) build demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
