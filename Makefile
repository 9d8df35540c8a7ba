# `make` alone lists what there is. Every target that needs the environment makes it first (scripts/setup).
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3 || command -v python)
BIN := .venv/bin
ROOMS := agents societies sim selfalign dashboards
BENCHMARKS ?= scheduler saturation adapters discussion crash population sortition coevolution lockin release dashboard

.PHONY: help setup demo test real dash lint format check bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## make .venv with everything in it
	@$(PYTHON) scripts/setup all

demo: ## run the whole loop once on a small real model (a few minutes on 2 cores)
	@$(PYTHON) scripts/setup demo
	@$(BIN)/folkmoot model pull
	@$(BIN)/folkmoot run experiment=demo

test: ## run all tests that need no GPU
	@$(PYTHON) scripts/setup test
	@$(BIN)/folkmoot model pull
	$(BIN)/pytest -n 2 --dist worksteal -m "not gpu and not model and not browser"
	$(BIN)/pytest -n 2 --dist loadfile -m "browser and not gpu"
	$(BIN)/pytest -m "model and not gpu and not browser"

real: ## play every society on the small model once, keep the runs, and open every page over them
	@$(PYTHON) scripts/setup test
	@$(BIN)/folkmoot model pull
	FOLKMOOT_REAL_RUNS=$(CURDIR)/build/real-runs $(BIN)/pytest -rs tests/dashboards_app/test_browser_real.py

dash: ## open the dashboard over ./runs in a browser
	@$(PYTHON) scripts/setup all
	@$(BIN)/folkmoot dash

lint: ## check style and types, change nothing
	@$(PYTHON) scripts/setup test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: ## put the code into shape
	@$(PYTHON) scripts/setup test
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

check: format lint ## format, lint and types: what to run before a commit

bench: ## run every benchmark and print JSON (BENCHMARKS="scheduler" for one)
	@$(PYTHON) scripts/setup test
	@for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name --json || exit 1; done

clean: ## delete caches and build output; keeps .venv, runs and pulled models
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(ROOMS) conf tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
