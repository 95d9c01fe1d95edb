# Painplan's house: everything a person or CI does with a checkout is a target here.
# Needs python3 (3.11 or later, with venv and pip), make and the package registry; nothing else.

.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# The tool that writes the locks lives apart: nobody needs it but the one who changes a lock.
LOCKER := build/locker
UV_VERSION := 0.13.9
COMPILE = $(LOCKER)/bin/uv pip compile pyproject.toml --quiet --no-config --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make lock' $(UPGRADE)

INSTALLED := $(VENV)/.installed-lock
LINKED := $(VENV)/.linked-project
COMPILED := $(VENV)/.compiled-code
CODE := $(shell find app migrations -name '*.py')

.PHONY: help setup demo run test check bench bench-quick soak population-check mutation validate faults fuzz lock access audit licences sbom

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(LINKED) $(COMPILED) ## .venv with everything, exactly as locked (does nothing when it is there)

# Again only when the lock is newer than the last complete install.
$(INSTALLED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit("Painplan needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

# The project itself: again when its version or its command changes.
$(LINKED): pyproject.toml $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# Where PYTHONDONTWRITEBYTECODE is set nobody else keeps the bytecode, and every start compiles anew.
$(COMPILED): $(CODE) $(INSTALLED)
	$(BIN)/python -m compileall -q app migrations
	touch $@

demo: setup ## the main job on a shipped example, through the real service, printed for a person
	$(BIN)/python -m app.demo

run: setup ## the service on 127.0.0.1:8000, history in painplan.db (SQLite)
	$(BIN)/painplan serve --host 127.0.0.1 --port 8000

# A file stays in one process: what its tests share is made once. More than four processes would
# each want a PostgreSQL and a browser.
test: check ## check, then every test
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

check: setup ## lint, format, types, import directions, content, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app tests $(if $(wildcard benchmarks/*.py),benchmarks)
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck .ci/run tools/audit tools/validator/prepare
	$(BIN)/painplan check-content
	$(BIN)/painplan profiles --check
	$(BIN)/painplan book --check

bench-quick: setup ## CPU per stored derivation beside a bare echo, and resident memory
	$(BIN)/python -m benchmarks.quick

soak: setup ## 200,000 requests against one worker: memory, errors, chain (half an hour or more; REQUESTS=4000 for a short one)
	$(BIN)/python -m benchmarks.soak $(REQUESTS)

population-check: setup ## 100,000 patients: rate, memory, a second process, killed and gone on with (PEOPLE=2000 for a short one)
	$(BIN)/python -m benchmarks.population $(PEOPLE)

validate: setup ## HL7's own validator over all that we publish and emit, and beside ours (3 minutes)
	tools/validator/prepare
	PAINPLAN_NO_SKIP=1 $(BIN)/python -m pytest -q tests/acceptance/hl7

fuzz: setup ## schemathesis over the whole API and along its links (5 minutes; SECONDS=60 for one)
	$(BIN)/python -m tests.fuzz $(SECONDS)

access: setup ## every route against no, bad, narrow and other people's tokens, as a table
	$(BIN)/python -m pytest -q -s tests/acceptance/test_access_matrix.py 2>/dev/null

# What looks at the dependencies lives apart from them.
AUDITOR := build/auditor
$(AUDITOR)/.installed: Makefile
	test -x $(AUDITOR)/bin/python || $(PYTHON) -m venv $(AUDITOR)
	$(AUDITOR)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0 pip-licenses==5.5.5
	touch $@

audit: $(AUDITOR)/.installed ## known vulnerabilities of what is locked (needs PyPI's advisory service)
	@tools/audit $(AUDITOR)/bin/pip-audit

licences: setup $(AUDITOR)/.installed ## the licence of every package that the service needs
	@$(AUDITOR)/bin/pip-licenses --python=$(BIN)/python --order=license --packages $$(sed -n 's/^\([a-z0-9-]*\)==.*/\1/p' requirements.lock)

sbom: $(AUDITOR)/.installed ## build/sbom.json: what is locked, as CycloneDX
	$(AUDITOR)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-format JSON --output-file build/sbom.json
	@echo build/sbom.json

mutation: setup ## small faults in the domain, and whether its tests see them (10 minutes on two idle cores)
	$(BIN)/python -m benchmarks.mutation

bench: setup build/healthchain/.installed ## floors, peers and product side by side; writes docs/performance.md (at most 15 minutes)
	$(BIN)/python -m benchmarks.full

# The framework a user would pick for hooks has dependencies of its own, so it lives apart.
build/healthchain/.installed: benchmarks/healthchain/requirements.lock
	test -x build/healthchain/bin/python || $(PYTHON) -m venv build/healthchain
	build/healthchain/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@


faults: setup ## crashes, failing disks and lost databases under load, and what was lost (15 minutes)
	$(BIN)/python -m tests.faults

lock: ## write the locks again (UPGRADE=--upgrade takes the newest versions)
	test -x $(LOCKER)/bin/python || $(PYTHON) -m venv $(LOCKER)
	$(LOCKER)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(COMPILE) --extra build --output-file requirements.lock
	$(COMPILE) --extra build --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --extra build --extra spark --constraints requirements.lock --output-file requirements-spark.lock
	$(LOCKER)/bin/uv pip compile benchmarks/healthchain/requirements.in --quiet --no-config --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command 'make lock' $(UPGRADE) --output-file benchmarks/healthchain/requirements.lock
