# Every target sets itself up: a virtual environment from the lock file, nothing global.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Nothing is ever sent anywhere, and nothing is asked of a registry but the packages of the lock file.
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The loaders that `make bench` measures Tally against live apart from it.
BENCH_VENV := .venv-bench
ROWS ?= 5000000
PEER_ROWS ?= 500000
RUNS ?= 3

.PHONY: setup demo test mutants faults check docs bench lock clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	touch $@

demo: setup
	$(BIN)/tally demo

test: setup
	$(BIN)/pytest

# Loaders are killed, servers crash and disks are full, by seed; `make faults SEEDS=17` plays one schedule again.
SEEDS ?= 0-299

faults: setup
	$(BIN)/python -m tests.faults.run $(SEEDS)

# Every rule's mutations on clean data: which rule notices which.
mutants: setup
	$(BIN)/python -m tests.expectations.mutants

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models dbt/tests

# What every model and column means and what it is made of, on one page; no server needs to run.
docs: export TALLY_PGHOST := nowhere
docs: export DBT_PROJECT_DIR := dbt
docs: export DBT_PROFILES_DIR := dbt
docs: export DBT_TARGET_PATH := $(CURDIR)/.tally/docs
docs: export DBT_LOG_PATH := $(CURDIR)/.tally/docs/logs
docs: setup
	$(BIN)/dbt --quiet parse
	$(BIN)/dbt --quiet docs generate --static --no-compile --empty-catalog
	@echo "It is at .tally/docs/static_index.html."

bench: setup $(BENCH_VENV)/installed
	$(BIN)/python -m tests.benchmarks --rows $(ROWS) --peer-rows $(PEER_ROWS) --runs $(RUNS)

$(BENCH_VENV)/installed: tests/benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --require-hashes --requirement $<
	touch $@

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-strip-extras --no-header --all-extras pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-strip-extras --no-header tests/benchmarks/requirements.in --output-file tests/benchmarks/requirements.txt

clean:
	-$(BIN)/tally stop
	rm -rf $(VENV) $(BENCH_VENV) .tally
