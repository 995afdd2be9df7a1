# make demo   set up and score real photographs (no torch)
# make test   set up and run every test (installs torch)
# Everything installed stays in .venv of this checkout.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint clean

demo: .venv/demo.done
	@mkdir -p demo
	$(BIN)/python examples/demo_photos.py | $(BIN)/rgnet score - --output demo/scores.csv
	$(BIN)/rgnet explain "$$($(BIN)/python examples/demo_photos.py coffee)" --output demo/coffee.rgnet.png --force
	@echo "Look at demo/scores.csv and demo/coffee.rgnet.png"

test: .venv/test.done lint
	$(BIN)/python -m pytest

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo.done: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable ".[demo]"
	@touch $@

.venv/test.done: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv demo build dist
