# make demo   set up and score real photographs (no torch)
# make test   set up, lint, and run every test (installs torch)
# make check  the same without setting anything up first
# make docs   build the documentation into site/; make site: the same with pictures of real runs
# make release  build what is published into dist/, twice, with an SBOM; TAG=vX.Y.Z checks the version too
# Everything that pip installs stays in .venv of this checkout.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check lint docs site release clean

demo: .venv/demo.done
	@mkdir -p demo
	$(BIN)/python examples/demo_photos.py | $(BIN)/rgnet score - --output demo/scores.csv
	$(BIN)/rgnet explain "$$($(BIN)/python examples/demo_photos.py chelsea)" --output demo/chelsea.rgnet.png --force
	@echo "Look at demo/scores.csv and demo/chelsea.rgnet.png"

test: .venv/test.done
	@scripts/install-test-programs.sh
	$(MAKE) --no-print-directory check

check: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

docs: .venv/test.done
	$(BIN)/mkdocs build --strict

# The site is built without pictures, too, where they cannot be made
site: .venv/test.done
	-@scripts/install-test-programs.sh && $(BIN)/python scripts/make_pictures.py
	-@$(BIN)/python scripts/make_program_pictures.py
	$(MAKE) --no-print-directory docs

release: .venv/release.done
	$(BIN)/python scripts/release.py $(if $(TAG),--tag $(TAG))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo.done: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable ".[demo]"
	@touch $@

.venv/release.done: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable ".[release]"
	@touch $@

.venv/test.done: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing what lint and the tests need into .venv: about 7 GB the first time, which takes some minutes"
	$(PIP) --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv demo build dist site docs/pictures
