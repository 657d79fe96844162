# Two commands for a newcomer: `make demo` and `make test`. Everything else is a part of one of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check install install-test browser-libraries lock clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

lock: | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra postgres --extra backtest --group test --group build \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra postgres --extra backtest --group build -c requirements/dev.lock \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements/run.lock
