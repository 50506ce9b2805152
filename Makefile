# Everything a person or CI does here. `make` alone prints the list.
#
# Needs make and Python 3.11 or 3.12; `make assets` also apt-get and dpkg (no root). Another interpreter or
# another build of torch:  make setup PYTHON=/path/to/python3.12 TORCH="torch==2.13.0 --index-url ..."

PYTHON ?=
TORCH  ?=
PYTEST ?= -n 2 --dist worksteal
BENCH  ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

python    := .venv/bin/python
dvc       := PATH="$(CURDIR)/.venv/bin:$$PATH" $(python) -m dvc
installed := .venv/.installed
profile   := $(shell sed -n 's/^profile: *\([A-Za-z0-9_.-]*\).*/\1/p' params.yaml)

.PHONY: help setup assets repro plan summary pretrain ablation curation test bench lint format lock clean distclean no-scm

help: ## print this list
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(installed) ## install the locked environment into .venv

# Stamped: a second call does nothing; a changed lock or pyproject.toml installs what has changed. TORCH goes
# first, so that a build of the same version from elsewhere satisfies the lock.
$(installed): requirements.lock pyproject.toml | $(python)
	@echo "setup: installing the locked packages (the first time: two to three minutes)"
	@$(python) -m pip install -qq -c requirements.lock $(or $(TORCH),"$$(grep '^torch==' requirements.lock)")
	@$(python) -m pip install -qq --no-deps -r requirements.lock
	@$(python) -m pip install -qq --no-deps --no-build-isolation -e .
	@$(python) -m pip check
	@touch $@

tried := $(or $(PYTHON),python3.11 python3.12 python3)

$(python):
	@for candidate in $(tried); do \
	  if "$$candidate" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then \
	    echo "setup: creating .venv with $$("$$candidate" --version)"; \
	    exec "$$candidate" -m venv --clear .venv; \
	  fi; \
	done; \
	echo "make setup: error: none of $(tried) is Python 3.11 or 3.12 with venv; install one (on Debian also python3-venv) or name it: make setup PYTHON=/path/to/python" >&2; \
	exit 2

assets: setup ## fetch the pictures and models that the profile of params.yaml needs
	@$(python) -m pipeline.assets

repro: assets no-scm ## run the whole pipeline, captions to report; what is up to date is skipped
	@mkdir -p .work && touch .work/began
	@$(dvc) repro report
	@[ outputs/$(profile)/report/summary.txt -nt .work/began ] || $(MAKE) summary  # the stage prints it itself

# --force: without it DVC stops planning at the first input that is not there yet.
plan: setup no-scm ## print what a run from nothing would do, without doing it
	@$(dvc) repro --dry --force

# DVC refuses to run outside a git repository unless it is told that this is meant.
no-scm: setup
	@[ -e .git ] || grep -qs no_scm .dvc/config.local || $(dvc) config --local core.no_scm true

summary: ## print the figures of the last run
	@cat outputs/$(profile)/report/summary.txt

pretrain: assets no-scm ## train stage 1 (the projection) anew
	@$(dvc) repro pretrain

ablation: assets no-scm ## the paper's ablation, on a finished run
	@$(dvc) repro experiments/dvc.yaml:ablation_table

curation: assets no-scm ## does curation pay? the same training on raw, filtered and curated texts of a finished run
	@$(dvc) repro experiments/dvc.yaml:curation

test: setup ## run the tests (PYTEST="-n 2 --dist worksteal" by default)
	@$(python) -m pytest $(PYTEST)

bench: assets ## measure how fast pictures are described, and print a table (BENCH="--help" for more)
	@$(python) -m benchmarks.generation $(BENCH)

lint: setup ## check style, format and types
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m mypy

format: setup ## mend style and format in place
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

# From an environment that was resolved afresh from pyproject.toml. A local build's tag ("+cpu") is no version,
# and what a CUDA build of torch brings along is torch's own business.
lock: ## resolve requirements.lock anew from pyproject.toml
	@rm -rf .work/lock && $(python) -m venv .work/lock
	@.work/lock/bin/python -m pip install -qq -e '.[dev]'
	@{ echo "# Every package of .[dev], pinned. Written by \`make lock\`; change pyproject.toml instead."; \
	  .work/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip \
	  | sed 's/+.*//' | grep -v -E '^(nvidia-|cuda-|triton)'; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock && rm -rf .work/lock

clean: ## remove outputs and half-finished work; assets and the environment stay
	@rm -rf outputs .work

distclean: clean ## also remove the environment, the assets and all caches
	@rm -rf .venv .cache .dvc/cache .dvc/tmp build ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
