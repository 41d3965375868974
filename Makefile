# Every target does its own set-up; make and Python 3.11-3.13 are all it takes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: run app study test test-slow lint notebooks seeds lock clean

run: $(READY)  ## the main job: notebooks 01-04 at real settings, results in output/
	$(BIN)/python notebooks/run.py 01 02 03 04

app: $(READY)  ## the page: draw a digit and see it read
	$(BIN)/digitrec app

study: $(READY)  ## every method side by side, about half an hour
	$(BIN)/digitrec study

test: $(READY)  ## the tests; those on real MNIST where it is at hand
	$(BIN)/python -m pytest

test-slow: $(READY)  ## the rest: every notebook with small settings, a training killed and resumed, the page in Chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m notebooks  # on two cores more threads wait for each other
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "(slow or browser) and not notebooks" --ignore tests/distributed
	$(BIN)/python -m pytest -n 0 -m slow tests/distributed  # a cluster has the machine to itself

lint: $(READY)  ## linter, formatter and type checker
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

notebooks: $(READY)  ## make all committed notebooks and models anew, an hour or more
	$(BIN)/python notebooks/run.py --commit

seeds: $(READY)  ## train five seeds and write benchmarks/seeds.json
	$(BIN)/python benchmarks/seeds.py

lock: $(READY)  ## resolve requirements.txt into requirements.lock
	$(BIN)/uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --quiet --output-file requirements.lock

clean:
	rm -rf .venv output

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); try: make PYTHON=python3.12"; exit 2; }
	@echo "Setting up .venv (once, one to three minutes)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
