# dealops. `make help` lists what there is. Every target does its own set-up; a folder name with spaces is fine.

# The first Python of 3.11 or newer, unless PYTHON= names one. install.py looks again and turns an older one away with a sentence.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
FOUND = $(or $(PYTHON),python3)
RUN = .venv/bin/python
INSTALL = @command -v "$(FOUND)" >/dev/null || { echo "dealops needs Python 3.11 or newer, and '$(FOUND)' was not found." \
	"Install it (Debian: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3.11"; exit 1; }; \
	"$(FOUND)" dealops/stack/install.py
# Tests decide for themselves what a test run is; nothing of a demo in the shell may leak in.
ALONE = env -u DEMO -u HOST -u PORT -u LEDGERLY_PORT

# Test workers, each with a PostgreSQL and a Valkey of its own. Tests wait as much as they compute, so three keep two cores busy.
# One for a few tests, on one core, and with servers from the environment, which workers cannot share.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
WORKERS ?= $(if $(ARGS)$(DATABASE_URL)$(REDIS_URL)$(filter 1,$(CORES)),1,3)

# DEMO=0 runs without demo data and Ledgerly.
DEMO ?= 1
run demo-reset: export DEMO := $(DEMO)

.PHONY: help run test lint bench proof screens demo-reset setup lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

run: ## from nothing to the running product with demo data; HOST= PORT= LEDGERLY_PORT=; Ctrl-C stops everything
	$(INSTALL) requirements.lock
	@exec $(RUN) manage.py stack

test: ## all tests; ARGS="-k name" for some, WORKERS=1 for one at a time; browser tests when a Chromium is found
	$(INSTALL) requirements-dev.lock
	@exec $(ALONE) $(RUN) -m pytest $(if $(filter-out 0 1,$(WORKERS)),-n $(WORKERS)) $(ARGS)

lint: ## style, types, import order, templates, missing migrations; runs all and fails if one does
	$(INSTALL) requirements-dev.lock
	@failed=0; \
	$(RUN) -m ruff check . || failed=1; \
	$(RUN) -m ruff format --check . || failed=1; \
	$(RUN) -m mypy || failed=1; \
	$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo || failed=1; \
	$(RUN) -m djlint --lint --quiet templates || failed=1; \
	$(ALONE) $(RUN) manage.py makemigrations --check --dry-run || failed=1; \
	exit $$failed

bench: ## speed beside floors of the same run, as JSON on the last line; ARGS="quote relay" for some jobs
	$(INSTALL) requirements.lock
	@exec $(ALONE) $(RUN) -m tests.bench $(ARGS)

proof: ## the long reliability figures, as JSON on the last line; PROOF=0.1 for a tenth of the random cases, ARGS="-k name" for some
	$(INSTALL) requirements-dev.lock
	@exec $(ALONE) PROOF="$${PROOF:-1}" $(RUN) -m pytest -p tests.plugin_figures -m proof -q $(ARGS)

screens: ## take the pictures in docs/screens from a fresh demo; needs a Chromium
	$(INSTALL) requirements-dev.lock
	@exec $(ALONE) $(RUN) -m tests.screens

demo-reset: ## remove the demo's data; the next make run starts from nothing
	$(INSTALL) requirements.lock
	@exec $(RUN) manage.py stack --reset

setup: ## make .venv and install everything that run, test and lint need
	$(INSTALL) requirements-dev.lock

lock: ## write both lock files anew; UPGRADE=--upgrade for the newest versions
	$(INSTALL) requirements-dev.lock
	@set -- --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links $(UPGRADE); \
	export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	$(RUN) -m uv pip compile "$$@" requirements.txt -o requirements.lock && \
	$(RUN) -m uv pip compile "$$@" requirements-dev.txt -o requirements-dev.lock
