# Each command does the set-up that it needs; nothing is done twice.
#   make train ARGS="data=idc data.root=DIR backbone=resnet50"
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
IDC_ROOT ?= .
HOST ?= 127.0.0.1
PORT ?= 5000
# uv from the machine, or else the one that the set-up puts into the environment.
UV = $(shell command -v uv || echo $(BIN)/uv)
ARGS ?=
BENCHMARKS := $(addprefix benchmarks/,intervals.py gradcam.py explaining.py startup.py prepare.py loader.py step_cpu.py step_gpu.py tracking.py growth.py augment.py formats.py threads.py)
SWEEP := $(or $(ARGS),backbone=simple_cnn,vanilla_cnn seed=1,2 trainer.max_epochs=4)

.DEFAULT_GOAL := help
.PHONY: help setup train prepare sweep evaluate compare explain review signoff gc sync ui test test-fast coverage lint docs format bench chaos lock clean

help:  ## Say what each command does
	@echo 'idc: experiment-tracked classification of histopathology patches'
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | \
	    while IFS=$$'\t' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'Overrides go in ARGS: make train ARGS="backbone=resnet50 trainer.max_epochs=20"'

setup: $(STAMP)  ## Make .venv with the pinned, hash-checked dependencies and this package

$(STAMP): requirements.lock requirements-uv.lock pyproject.toml hatch_build.py
	@if ! command -v uv >/dev/null; then \
	    $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	        || { echo 'idc needs Python 3.11 or 3.12: make setup PYTHON=python3.12'; exit 1; }; \
	    test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	        --require-hashes -r requirements-uv.lock; \
	elif ! test -x $(BIN)/python; then \
	    uv venv --quiet --python '>=3.11,<3.13' $(VENV); \
	fi
	@echo 'Installing the dependencies into $(VENV) (some 6 GB, once)'
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode \
	    -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

train: $(STAMP)  ## Train, test, explain and track one classifier (ARGS: Hydra overrides)
	$(BIN)/python -m idc.train $(ARGS)

prepare: $(STAMP)  ## Check, pack and show a data set (ARGS="data=idc data.root=DIR")
	$(BIN)/python -m idc.prepare $(ARGS)

sweep: $(STAMP)  ## Do so for every combination of ARGS, as one sweep to compare
	$(BIN)/python -m idc.train -m $(SWEEP)

evaluate: $(STAMP)  ## Ask a run about any data (ARGS="run=ID data=idc data.root=DIR")
	$(BIN)/python -m idc.evaluate $(ARGS)

compare: $(STAMP)  ## Compare finished runs (ARGS="sweep=ID", or "runs=[ID,ID]")
	$(BIN)/python -m idc.compare $(ARGS)

explain: $(STAMP)  ## Explain a run (ARGS="run=ID explain.select=patient=8863")
	$(BIN)/python -m idc.explain $(ARGS)

review: $(STAMP)  ## Let pathologists judge a run's patches, on a page of this machine (ARGS="run=ID")
	$(BIN)/python -m idc.review $(ARGS)

signoff: $(STAMP)  ## Make the page (and PDF) that pathologists sign (ARGS="run=ID")
	$(BIN)/python -m idc.signoff $(ARGS)

gc: $(STAMP)  ## List runs that a kill has left RUNNING (ARGS=apply=true closes them)
	$(BIN)/python -m idc.gc $(ARGS)

sync: $(STAMP)  ## Deliver what runs could not deliver to a tracking server that was away
	$(BIN)/python -m idc.sync $(ARGS)

ui: $(STAMP)  ## Open the MLflow UI of mlruns/ (PORT=5000)
	@store="$${MLFLOW_TRACKING_URI:-sqlite:///$(abspath $(IDC_ROOT))/mlruns/mlflow.db}"; \
	$(BIN)/python -m idc.tracking.ui "$$store" 'http://$(HOST):$(PORT)'; \
	$(BIN)/mlflow ui --backend-store-uri "$$store" --host $(HOST) --port $(PORT)

test: $(STAMP)  ## Run the tests on the CPU (ARGS: pytest's)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 15 $(ARGS)

test-fast: $(STAMP)  ## Run those that start no whole app and take no seconds
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 15 -m "not slow" $(ARGS)

coverage: $(STAMP)  ## Run the tests and say which lines of src none of them reaches (ARGS: pytest's)
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term $(ARGS)

lint: $(STAMP)  ## Check style, format, types and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## Write docs/configuration.md anew from the schema
	$(BIN)/python -m idc.config.reference > docs/configuration.md

format: $(STAMP)  ## Put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## Measure speed against named baselines (ARGS=--quick)
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script" $(ARGS) || exit 1; done

chaos: $(STAMP)  ## Break it on purpose and see what becomes of each fault (ARGS=--quick)
	$(BIN)/python benchmarks/chaos $(ARGS)

lock:  ## Resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra dev --extra gpu --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock
	echo uv | uv pip compile - --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --no-emit-index-url -o requirements-uv.lock

clean:  ## Remove the environment, caches and builds; mlruns/ and runs/ stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
