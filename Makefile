.DEFAULT_GOAL := help
.PHONY: help run test lint bench migrate lock screenshots clean

PY := .venv/bin/python
JOBS ?= 2

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## set up what is missing and start the portal with demo data (Ctrl-C ends it)
	@tools/setup.sh run
	@exec .venv/bin/myportal up --demo

test:  ## set up what is missing and run every test (JOBS=2 processes share them)
	@tools/setup.sh test
	@$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint:  ## ruff and mypy --strict
	@tools/setup.sh lint
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench:  ## install what the benchmarks compare with, and list them
	@tools/setup.sh bench
	@echo 'Each prints a table:  $(PY) -m bench.send   bench.tickets   bench.rewrite [--hostile]   bench.serve   bench.live   bench.sync   bench.inbound   bench.cleaning   bench.announce   bench.reports'

migrate:  ## bring the database in DATABASE_URL up to date
	@tools/setup.sh run
	@.venv/bin/myportal migrate

screenshots:  ## take the pictures in docs/images anew
	@tools/setup.sh test
	@$(PY) -m tools.screenshots

lock:  ## write the lock files anew from pyproject.toml
	@tools/lock.sh

clean:  ## remove the virtual environment and caches; var/ with your data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
