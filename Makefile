# Run `make help`. Everything lives in .venv/ and .data/; nothing is installed outside this folder.
.DEFAULT_GOAL := help
.PHONY: types layers migrations deployment
.PHONY: help setup demo test proof drills dates check lint format requirements audit sbom client stop screenshots
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
PARALLEL := --numprocesses=auto --dist=loadfile --no-loadscope-reorder
# the machine's Pythons serve; none is downloaded
export UV_PYTHON_DOWNLOADS := never
# modules are compiled once, also where the environment forbids to keep that: else each worker compiles all tests at each
# run, and each process of a drill the project and its libraries
unexport PYTHONDONTWRITEBYTECODE

# any Python from 3.12 on that really starts
PYTHON ?= $(shell for name in python3.13 python3.14 python3.12 python3 \
	/usr/bin/python3.13 /usr/bin/python3.14 /usr/bin/python3.12 /usr/bin/python3 /usr/local/bin/python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo "$$name"; break; }; done)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "%-14s%s\n", $$1, $$2 }'

setup: $(VENV)/.installed ## make .venv/ and install what requirements*.txt pin

# the venv is built by whichever Python serves; uv where there is one, else uv is brought into the venv. Both uv and pip
# refuse a file whose hash is not in requirements*.txt
$(VENV)/.installed: requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.12 or newer found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null \
		|| { rm -rf $(VENV); if uv --version >/dev/null 2>&1; then uv venv --quiet --python "$(PYTHON)" $(VENV); \
		else "$(PYTHON)" -m venv $(VENV); fi; }
	@if uv --version >/dev/null 2>&1; then uv=uv; else uv=$(BIN)/uv; test -x "$$uv" \
		|| { sed -n '/^uv==/,/^    #/p' requirements-dev.txt >$(VENV)/uv.txt \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt; } || exit 1; fi; \
		"$$uv" pip install --quiet --require-hashes --python $(BIN)/python -r requirements.txt -r requirements-dev.txt
	@touch $@

demo: setup ## serve a filled registry on http://127.0.0.1:8000 (PORT=, REGISTRY_DATA=); Ctrl-C ends it
	@exec $(BIN)/python -m registry.demo

stop: ## end the demo and the embedded servers
	@test ! -x $(BIN)/python || exec $(BIN)/python -m registry.demo stop

test: setup ## what a change needs (PYTEST_ARGS="-k name"); browser tests where CHROMIUM= or PATH has one
	@# a worker a core, each with a database of its own; a file stays in one, so that it loads its catalogue once;
	@# files in the order of tests/long_files.py
	@exec $(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

proof: setup ## everything slow: the drills, and a third of the files that read the clock on another day
	@# where the clock can be shifted, drills of its files are part of the second run only
	@$(BIN)/python -m pytest -m proof $(PARALLEL) $$($(BIN)/python -m tests.dates --ignored) $(PYTEST_ARGS)
	@exec $(BIN)/python -m tests.dates --days turn --files turn --where-possible $(PYTEST_ARGS)

drills: setup ## months of feeds, killed processes, outages, browsers, real clients (PYTEST_ARGS="-k litellm")
	@# real clients are installed below build/ from the package indexes; one that cannot be had is skipped and named
	@exec $(BIN)/python -m pytest -m proof $(PARALLEL) $(PYTEST_ARGS)

dates: setup ## the tests that read the clock on another day of the round (DAYS=leap-day,year-end or all; FILES=all)
	@exec $(BIN)/python -m tests.dates --days $(or $(DAYS),turn) --files $(or $(FILES),reading) $(PYTEST_ARGS)

screenshots: setup ## pictures of every page in build/screenshots/ (URL= of a running demo), three of them for the README
	@exec $(BIN)/python -m tests.web.screenshots

check: setup ## format, lint, types, floors, migrations, deployment settings
	@# two at a time: the types take longest, and one core
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync types lint layers migrations deployment

types:
	REGISTRY_ENV=test $(BIN)/python -m mypy

layers:
	$(BIN)/lint-imports --no-logo

migrations:
	@# compares models with files; the history in a database, which is not there, is not asked
	REGISTRY_ENV=test DATABASE_URL=postgres://127.0.0.1:1/none \
		$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

deployment:
	@# values that only this check sees: it opens no connection
	REGISTRY_ENV=production SECRET_KEY=0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
		PUBLIC_URL=https://registry.example.org DATABASE_URL=postgres://registry@127.0.0.1:1/registry \
		BROKER_URL=redis://127.0.0.1:1/0 EMAIL_URL=smtp://127.0.0.1:1 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

lint: setup ## format and rules of Python and templates, without changing a file
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/python -m tools.template_format --check

format: setup ## format Python and templates, and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python -m tools.template_format

audit: setup ## known vulnerabilities of pinned versions, where the network can be asked
	@exec $(BIN)/python .ci/audit_dependencies.py

sbom: setup ## the product's own bill of materials (CycloneDX) in build/sbom.cdx.json
	@mkdir -p build
	@# it warns that a list of requirements tells no graph
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml \
		--mc-type application --output-reproducible --output-format JSON --output-file build/sbom.cdx.json
	@echo build/sbom.cdx.json

client: setup ## the Python client of the REST API in build/registry-client/, generated from the OpenAPI document
	@REGISTRY_ENV=test DATABASE_URL=postgres://127.0.0.1:1/none $(BIN)/python -m tools.python_client

COMPILE = pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make requirements"

requirements: ## compile requirements*.txt from pyproject.toml (UPGRADE=1 takes newer versions)
	$(if $(shell command -v uv),uv,$(BIN)/uv) $(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --output-file requirements.txt >/dev/null
	$(if $(shell command -v uv),uv,$(BIN)/uv) $(COMPILE) $(if $(UPGRADE),--upgrade) --group dev --constraint requirements.txt --output-file requirements-dev.txt >/dev/null
