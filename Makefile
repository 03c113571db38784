# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/.truegreen-setup
FAULT ?=
MODULE ?=
# A file stays with one process, which makes its servers and environments once.
PYTEST := $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder
# Hundreds of interpreters start here; without bytecode each compiles the same modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test coverage lint bench mutants faults docs report-gallery clean locks

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Make the development environment in .venv from the hash lock.

$(STAMP): uv.lock pyproject.toml requirements/bootstrap.txt
	@python3 requirements/setup.py
	@touch $@

demo: setup ## Judge the bundled application; FAULT=unwired plants a fault, FAULT=list names them.
	@$(PY) examples/demo.py $(FAULT)

test: setup ## Everything: lint, types, unit to real workflows in containers.
	@$(PY) -m tests.harness setup
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) --durations=20 --durations-min=5

coverage: setup ## The tests of `make test`, slower, with the lines and branches of ours that they ran.
	@$(PY) -m tests.harness setup
	@$(PYTEST) --cov --cov-report=term:skip-covered

lint: setup ## Formatting, lint, types, import rules, workflows.
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	$(PY) -m tests.harness.workflow_lint

bench: setup ## Measure start-up, set-up, services, evidence and the demo.
	@$(PY) benchmarks/run.py

mutants: setup ## Mutation tests of gates and analysis, advisory; MODULE=gates.judging takes one.
	@$(PY) -m tests.harness.mutants $(MODULE)

faults: setup ## Plant every fault of the corpus in three applications and say what noticed it; FAULT=app/id takes one.
	@$(PY) -m tests.faults $(FAULT)

docs: setup ## Write the generated pages and check the rest.
	@$(PY) docs/generate.py

report-gallery: setup ## Every kind of report in build/gallery: Markdown, HTML, pictures (needs Chromium).
	@$(PY) -m tests.harness.gallery

locks: setup ## Refresh the hash locks of the helper and of the pinned tools.
	@$(PY) requirements/refresh_locks.py

clean: ## Remove everything that was built here; caches outside the repository stay.
	rm -rf .venv build dist site .truegreen .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
