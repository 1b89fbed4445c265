# Makefile - the development loop. `make` alone lists the targets.
#
# Paths are relative, so a checkout in a folder whose name has blanks works too. The environment
# is made once and brought up to date when pyproject.toml or constraints.txt change.
# Written for GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
PIP_INSTALL := $(PY) -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt

# Options for pytest: make test ARGS="-k refs"
ARGS ?=

# What git sees of the checkout. Equal before and after a run: the run changed no document.
SEEN := { git status --porcelain; git diff; } 2>&1 | cksum

.DEFAULT_GOAL := help
.PHONY: help demo test soak check check-rest unchanged bench fmt clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# A variable given on the command line reaches the shell by itself, so any file name survives.
demo: $(DEV)  ## import conversations and look around; FILE=chat.jsonl takes your own
	@if [ -n "$$FILE" ]; then exec $(VENV)/bin/tract demo "$$FILE"; else exec $(VENV)/bin/tract demo; fi

test: $(DEV)  ## run the whole suite; ARGS="-k refs" for a part of it
	@$(PY) -m pytest -n 2 $(ARGS)

soak: $(DEV)  ## run each law many times and write tests/SOAK.md (minutes to hours)
	@TRACT_SOAK=1 $(PY) -m pytest -n 2 -p tests.soak $(ARGS) $(wildcard tests/properties tests/faults)

check: check-rest  ## format, lint, strict types, tests, documents unchanged
	@seen=$$($(SEEN)); $(MAKE) test && if [ "$$seen" != "$$($(SEEN))" ]; then \
	  echo "Files of the checkout changed while the tests ran: see git status." >&2; exit 1; fi

check-rest: $(DEV)  ## all of check but the tests
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

unchanged:
	@$(SEEN)

bench: $(BENCH)  ## measure, and write tests/bench/RESULTS.md
	@$(PY) -m tests.bench.run $(ARGS)

fmt: $(DEV)  ## format, and mend what the linter can
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find tract tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEV): pyproject.toml constraints.txt
	@version=$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "tract needs Python 3.11 or newer and $(PYTHON) is $${version:-not there}: name another with make PYTHON=python3.13." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing: install it (Debian and Ubuntu: the package python3-venv) and try again." >&2; exit 1; }
	@echo "Installing into $(VENV): about a minute, once."
	@"$(PYTHON)" -m venv $(VENV)
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@

# The peers are measured beside us. One that cannot be installed leaves its cells empty.
$(BENCH): $(DEV)
	@$(PIP_INSTALL) -e '.[dev,bench]' || echo "The peers could not be installed: their cells stay empty." >&2
	@touch $@
