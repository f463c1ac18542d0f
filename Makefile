# Every chore of the project. `make` alone lists them. Set-up happens by itself, once, before the first that needs it.

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/raceway-setup.stamp
BENCH_STAMP := $(VENV)/raceway-bench.stamp

# PYTHON=/path/to/python chooses the interpreter; otherwise python3.11 when it is there and works, else python3.
PYTHON ?= $(shell if python3.11 -c '' 2>/dev/null; then echo python3.11; else echo python3; fi)
# ARGS goes to the tool behind a target: make test ARGS="tests/model -k sites"
ARGS ?=
# More workers than this do not help: many tests start processes of their own.
WORKERS ?= 4

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup check test demo mutants bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## create .venv and install Raceway with its tools (every target below does it when needed)

check: $(STAMP) ## ruff, mypy strict and the architecture tests
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -q tests/architecture

test: $(STAMP) ## run the tests
	$(RUN) -m pytest -q -n auto --maxprocesses $(WORKERS) $(ARGS)

demo: $(STAMP) ## run Raceway on the banking application: all planted races, then none
	$(RUN) fixtures/apps/demo.py $(ARGS)

mutants: $(STAMP) ## break the detector on purpose, rule by rule: the tests must notice
	$(RUN) tests/mutants/run.py $(ARGS)

bench: $(BENCH_STAMP) ## measure what watching costs, into docs/performance.md (minutes; ARGS="--help" tells more)
	$(RUN) -m benchmarks $(ARGS)

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) .bench build dist raceway.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the directory it was made for: a tree that was copied or moved with its .venv is set up again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

# A venv that works is kept and updated, one that is broken or half made is built anew.
$(STAMP): pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: Raceway needs Python 3.11 or later, and '$(PYTHON)' is not; try make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "make: '$(PYTHON)' has no venv module; install it (Debian: python3-venv) or try make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) ..."
	@$(RUN) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@echo '$(CURDIR)' > $@

# What the benchmarks measure with and against goes into the same environment, once, when they are first run.
$(BENCH_STAMP): $(STAMP)
	@echo "Setting up the benchmarks ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@touch $@
