# Every chore of the project. `make` alone lists them. Set-up happens by itself, once, before the first that needs it.

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/raceway-setup.stamp
NATIVE_STAMP := $(VENV)/raceway-native.stamp
NATIVE_SOURCES := $(wildcard raceway/native/*.c raceway/native/*.h)
BENCH_STAMP := $(VENV)/raceway-bench.stamp
BROKER_STAMP := $(VENV)/raceway-broker.stamp

# PYTHON=/path/to/python chooses the interpreter; otherwise python3.11 when it is there and works, else python3.
PYTHON ?= $(shell if python3.11 -c '' 2>/dev/null; then echo python3.11; else echo python3; fi)
# ARGS goes to the tool behind a target: make test ARGS="tests/model -k sites"
ARGS ?=
# More workers than this do not help: many tests start processes of their own.
WORKERS ?= 4

# A free-threaded CPython 3.13, built there once for all clones; beside Raceway's own cache, which people empty without a
# thought. FREETHREADED=/path/to/python3.13t takes an interpreter that is there.
FREETHREADED_HOME ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/raceway-cpython/3.13t
FREETHREADED ?= $(FREETHREADED_HOME)/bin/python3.13t
FREETHREADED_VENV := .venv-freethreaded
FREETHREADED_RUN := $(FREETHREADED_VENV)/bin/python
FREETHREADED_STAMP := $(FREETHREADED_VENV)/raceway-setup.stamp

# Documents whose console blocks are recordings.
RECORDED := docs/tutorial.md docs/reading-a-report.md docs/ci.md docs/first-five-minutes.md

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup check test test-freethreaded test-sanitized interpreter-freethreaded demo soak docs mutants wild precision bench suites suites-pytest suites-cpython fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

setup: $(NATIVE_STAMP) ## create .venv and install Raceway with its tools (the targets below do it when needed)

check: $(NATIVE_STAMP) ## ruff, mypy strict and the architecture tests
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -q tests/architecture

test: $(NATIVE_STAMP) $(BROKER_STAMP) ## run the tests
	$(RUN) -m pytest -q -n auto --maxprocesses $(WORKERS) $(ARGS)

test-freethreaded: $(FREETHREADED_STAMP) ## run the tests without a GIL, on a CPython 3.13 that is built first, once (Debian)
	$(FREETHREADED_RUN) -m pytest -q -n auto --maxprocesses $(WORKERS) $(ARGS)

test-sanitized: $(NATIVE_STAMP) ## run the tests on a core with AddressSanitizer and UndefinedBehaviorSanitizer, and look for leaks
	$(RUN) tests/sanitized/run.py -n auto --maxprocesses $(WORKERS) $(ARGS)

demo: $(NATIVE_STAMP) ## run Raceway on the banking application: all planted races, then none
	$(RUN) fixtures/apps/demo.py $(ARGS)

soak: $(NATIVE_STAMP) ## run every program of the corpus 20 times on both cores: its figures (an hour; ARGS="--runs 3 mp_" for less)
	$(RUN) -m tests.soak $(ARGS)

docs: $(NATIVE_STAMP) ## build the API reference, record the examples of the documents anew
	$(RUN) -m sphinx -q -W -E -b html docs/api build/docs/api
	$(RUN) docs/record.py $(RECORDED)
	@echo "API reference: build/docs/api/index.html"

mutants: $(NATIVE_STAMP) ## break the detector on purpose, rule by rule: the tests must notice
	$(RUN) tests/mutants/run.py $(ARGS)

wild: $(NATIVE_STAMP) ## run Raceway on published packages with documented races (minutes, needs the network)
	$(RUN) fixtures/apps/wild/run.py $(ARGS)

precision: $(NATIVE_STAMP) ## run the suites of concurrent packages watched, and compare with what was judged (needs the network)
	$(RUN) -m tests.suites.precision $(ARGS)

bench: $(BENCH_STAMP) ## measure what watching costs, into docs/performance.md (minutes; ARGS="--help" tells more)
	$(RUN) -m benchmarks $(ARGS)

suites: $(NATIVE_STAMP) ## run other people's test suites plain and watched (ARGS="flask click --keep"; downloads, an hour)
	$(RUN) -m tests.suites $(ARGS)

suites-pytest: $(NATIVE_STAMP) ## run the suites of eight packages by pytest and by pytest --raceway (downloads, half an hour)
	$(RUN) -m tests.pytesting.suites $(ARGS)

suites-cpython: $(NATIVE_STAMP) ## run the interpreter's own regression tests plain and watched
	$(RUN) -m tests.suites.cpython $(ARGS)

fuzz: $(NATIVE_STAMP) ## run random programs plain and watched (ARGS="--programs 100000 --seed 7")
	$(RUN) -m tests.fuzz $(ARGS)

clean: ## remove the virtual environments, caches and builds of this tree
	rm -rf $(VENV) $(FREETHREADED_VENV) .bench .sanitized build dist raceway.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis raceway/_native.*.so
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
	@RACEWAY_PGO=0 $(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@echo '$(CURDIR)' > $@

# The native core is built in place whenever its sources change: once, without the profile that an installation is built by, which
# takes three times as long. Developers accept no warning of the compiler.
$(NATIVE_STAMP): $(STAMP) setup.py $(NATIVE_SOURCES)
	@if echo 'int none;' | $${CC:-cc} -x c -c -o /dev/null - 2>/dev/null; then \
		RACEWAY_WERROR=1 RACEWAY_REQUIRE_NATIVE=1 $(RUN) setup.py -q build_ext --inplace; \
	else echo "make: there is no C compiler that works: only the pure core is built and tested"; fi
	@touch $@

# Redis, which Celery is tried with: installed where nobody has to be asked, as in CI. Elsewhere that test is skipped.
APT := DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server
$(BROKER_STAMP): $(STAMP)
	@command -v redis-server >/dev/null || { [ "$$(id -u)" = 0 ] && { $(APT) || { apt-get -qq update && $(APT); }; } >/dev/null 2>&1; } \
		|| echo "make: there is no redis-server, and no way to install it: Celery is not tested with a broker"
	@touch $@

# What the benchmarks measure with and against goes into the same environment, once, when they are first run. What they measure is
# the core that people install: by a profile, where the compiler can.
$(BENCH_STAMP): $(NATIVE_STAMP)
	@echo "Setting up the benchmarks ..."
	@RACEWAY_PGO=0 $(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@RACEWAY_PGO=auto RACEWAY_REQUIRE_NATIVE=1 $(RUN) setup.py -q build_ext --inplace --force
	@touch $@

# The same for the free-threaded environment, whose stamp names the interpreter too. msgspec comes first and alone, for the
# header that lets it compile is meant for nothing else.
ifneq ($(shell cat $(FREETHREADED_STAMP) 2>/dev/null),$(CURDIR) $(FREETHREADED))
.PHONY: $(FREETHREADED_STAMP)
endif

interpreter-freethreaded:
ifeq ($(FREETHREADED),$(FREETHREADED_HOME)/bin/python3.13t)
	@"$(PYTHON)" tests/freethreaded/build.py "$(FREETHREADED_HOME)" >/dev/null
endif
	@"$(FREETHREADED)" -c 'import sys; sys.exit(sys._is_gil_enabled())' 2>/dev/null \
		|| { echo "make: '$(FREETHREADED)' is not an interpreter without a GIL; give another, or leave FREETHREADED out to have one built" >&2; exit 1; }

FREETHREADED_INSTALL := $(FREETHREADED_RUN) -m pip install --quiet --disable-pip-version-check --prefer-binary \
	--constraint tests/freethreaded/constraints.txt

$(FREETHREADED_STAMP): pyproject.toml setup.py $(NATIVE_SOURCES) tests/freethreaded/constraints.txt tests/freethreaded/msgspec.h | interpreter-freethreaded
	@echo "Setting up $(FREETHREADED_VENV) with $(FREETHREADED) ..."
	@"$(FREETHREADED)" -m venv --clear $(FREETHREADED_VENV)
	@CFLAGS="-include '$(CURDIR)/tests/freethreaded/msgspec.h'" $(FREETHREADED_INSTALL) --no-binary msgspec msgspec
	@RACEWAY_PGO=0 $(FREETHREADED_INSTALL) --editable '.[test]' 'setuptools>=77'
	@echo '$(CURDIR) $(FREETHREADED)' > $@
