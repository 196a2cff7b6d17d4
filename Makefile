# `make demo` and `make test` do everything on a fresh machine with Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One thread a process: the processes share the cores. Tests of a file share what it makes.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-slow test-all check bench notebooks lock clean

demo: $(READY)  ## simulate a league and run the main job on it
	$(BIN)/python -m nba_rank.train data=sim

test: $(READY)  ## the fast tests; those on real data run where NBA_RANK_RAW_DIR points to it
	$(TEST) -m "not slow"

test-slow: $(READY)  ## whole programs, sweeps, workers in processes of their own
	$(TEST) -m slow

test-all: test test-slow  ## all tests

check: $(READY)  ## what every change has to pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(TEST) -m "not slow"

bench: $(READY)  ## time the stages of a run, by default on the simulated league
	$(BIN)/python -m nba_rank.bench $(ARGS)

# The lock names packages, versions and hashes. CUDA libraries have a file of their own: only
# torch builds that need them get them.
$(READY): requirements.lock requirements-cuda.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-cuda.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

notebooks: $(READY)  ## execute the notebooks on the newest run and sweep
	$(BIN)/python .ci/notebooks.py

lock: $(READY)  ## renew the lock files from pyproject.toml
	$(BIN)/python .ci/lock.py

clean:  ## remove the environment, caches and the simulated league; runs and tables stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis data/sim data/cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
