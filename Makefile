# Every target sets itself up: a virtual environment from the lock file, nothing global.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Nothing is ever sent anywhere, and nothing is asked of a registry but the packages of the lock file.
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test faults check lock clean

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

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models dbt/tests

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-strip-extras --no-header --all-extras pyproject.toml --output-file requirements.lock

clean:
	-$(BIN)/tally stop
	rm -rf $(VENV) .tally
