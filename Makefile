# Everything here needs only make and Python 3.11 or newer. `make help` says what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made
LOCK   := requirements.lock
PYTEST := $(BIN)/pytest -q --durations=10 -p no:pytest-testmon
# Two processes a core: while one waits for a timer, the other works. None of Hypothesis's tests is among these.
FAST   := --forks 4 -p no:hypothesispytest -m "not slow and not extended"
# Files of tests in memory, where the system has such a folder: on a disk each directory takes milliseconds to remove.
IN_MEMORY := $(addprefix PYTEST_DEBUG_TEMPROOT=,$(wildcard /dev/shm))
LIVE   := tests/integration_tests tests/contract tests/live tests/faults
LINTERS := $(VENV)/linters
# What a linter says, if it fails: with `--quiet` check-jsonschema does not say what is wrong either.
unless_well = said=$$($(LINTERS)/bin/$(1) 2>&1) || { echo "$$said"; exit 1; }
K8S    := $(addprefix deploy/kubernetes/,namespace.yaml config.yaml api.yaml worker.yaml network.yaml)
# More arguments for pytest: make test ARGS="-k resume -x"
ARGS   ?=
# How many at once, for make mutate and make test-faults.
JOBS   ?= 2
# For make mutate.
MODULE ?= app.domain

.DEFAULT_GOAL := help
# With it set each start of Python compiles everything anew: 1.5 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run install test test-websocket test-live test-slow test-faults bench bench-scale bench-model eval train lint lint-deploy format types check prove rules mutate coverage flakes watch hooks lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(STAMP) ## start everything: http://127.0.0.1:8000 (PAPERS_PORT and PAPERS_DATA_DIR move it)
	@exec $(BIN)/paper-processing serve

install: $(STAMP) ## make the environment, and nothing else

test: $(STAMP) ## the in-process suite: no service, no network, seconds
	@$(IN_MEMORY) $(PYTEST) $(FAST) $(ARGS)

test-websocket: $(STAMP) ## only its WebSocket folder
	@$(IN_MEMORY) $(PYTEST) $(FAST) tests/integration_tests/websocket $(ARGS)

test-live: $(STAMP) ## the same scenarios over loopback: real uvicorn, Valkey and Celery processes
	@$(PYTEST) --live --force-enable-socket -o faulthandler_timeout=600 $(LIVE) $(ARGS)

test-slow: $(STAMP) ## the in-process tests that sleep, take long, or are beside the way of an event
	@$(PYTEST) --forks 2 -o faulthandler_timeout=600 -m "slow or extended" $(ARGS) || test $$? -eq 5 # 5: there is none

bench: $(STAMP) ## compare with the plain ways, in ratios kept in docs/benchmarks.md (PARTS="fan-out idle" for two)
	@$(BIN)/python -m tests.bench $(PARTS)

bench-scale: $(STAMP) ## how costs grow with sockets, papers, events and workers, kept in docs/scaling.md (PARTS="papers workers" for two)
	@$(BIN)/python -m tests.bench.scale $(PARTS)

bench-model: $(STAMP) ## what each part reads and sends at a size nobody has here: the arithmetic of docs/scaling.md
	@$(BIN)/python -m tests.bench.model

eval: $(STAMP) ## what the stages find in papers with known truth, beside the naive way: ARGS="header --development"
	@$(BIN)/python -m tests.evaluation $(ARGS)

train: $(STAMP) ## make the models that ship anew from the data, with a card of each in docs/models: ARGS="header"
	@nice $(BIN)/python -m tests.training $(ARGS)

lint: $(STAMP) lint-deploy ## format, lint, types, and who may import whom: says what is wrong, changes nothing
	@$(BIN)/ruff format --check --quiet . || { echo 'Not formatted; `make format` does it.'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

lint-deploy: $(LINTERS)/.made ## the files of deployment, against their linters and schemas
	@$(LINTERS)/bin/hadolint Dockerfile
	@$(call unless_well,check-jsonschema --builtin-schema vendor.compose-spec compose.yaml)
	@$(call unless_well,check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml)
	@$(call unless_well,caddy validate --config deploy/caddy/Caddyfile)
	@said=$$($(LINTERS)/bin/kubernetes-validate --quiet --strict $(K8S) 2>&1); test -z "$$said" || { echo "$$said"; exit 1; }

format: $(STAMP) ## format the code, and fix what the linter can
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

types: $(STAMP) ## the type checker alone
	@$(BIN)/mypy

check: lint test test-slow ## all that has to pass before a change is proposed

coverage: $(STAMP) ## which lines and branches of app/ the in-process tests miss; fails under 95 %
	@$(BIN)/coverage run -m pytest -q -o faulthandler_timeout=600 --ignore=tests/integration_tests/hostile $(ARGS)
	@$(BIN)/coverage report

ROUNDS ?= 20
flakes: $(STAMP) ## the in-process lane ROUNDS times in random order: which tests fail now and then
	@$(BIN)/python -m tests.support.flakes $(ROUNDS) $(ARGS)

prove: $(STAMP) ## delete each place that publishes, in a copy, and show which test notices (minutes)
	@$(BIN)/python -m tests.prove $(ARGS)

rules: $(STAMP) ## take each rule of delivery out, in a copy, and see the tests fail that hold it (minutes)
	@$(BIN)/python -m tests.rules $(ARGS)

# What came of each change is kept in mutants/; those of the MODULE named are tried anew.
mutate: $(STAMP) ## change the code in thousands of small ways, and list which no test notices: MODULE=app.services.relay
	@nice $(BIN)/mutmut run --max-children $(JOBS) "$(MODULE).*"
	@$(BIN)/mutmut results

watch: $(STAMP) ## rerun, at each save, the tests that ran the code that changed
	@exec $(BIN)/python -m tests.support.watch

hooks: $(STAMP) ## check each commit (5 s), and run the WebSocket folder before each push
	@$(BIN)/prek install --overwrite --hook-type pre-commit --hook-type pre-push

test-faults: $(STAMP) ## kill processes at random moments; ROUNDS=200 of each fault, JOBS=4 at once, SEED=worker-17 for one; FLEET=1: on real servers
	@$(BIN)/python -m tests.faults --jobs $(JOBS) --rounds $(ROUNDS) $(if $(FLEET),--fleet) $(if $(FAULT),--fault $(FAULT)) $(if $(SEED),--seed $(SEED))

lock: $(STAMP) ## choose the newest versions that pyproject.toml allows, and write them to requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header --no-annotate \
		--no-emit-index-url --group dev --all-extras pyproject.toml --output-file $(LOCK)
	@$(MAKE) --no-print-directory install

clean: ## remove the environment and all caches; ./data stays
	@rm -rf $(VENV) dist mutants .*_cache .testmondata* .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Remade when pyproject.toml or the lock changes. uv, in the environment, installs in 2 s what takes pip 30 s; where uv
# cannot work (no wheel for this machine, a registry only pip knows) pip does it.
$(STAMP): pyproject.toml $(LOCK)
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		for python in $(PYTHON) python3.13 python3.12 python3.11 ''; do \
			$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		done; \
		test -n "$$python" || { \
			echo 'This needs Python 3.11 or newer, and "$(PYTHON)" is not. Name one: make PYTHON=/path/to/python3.12'; exit 1; }; \
		echo "Making the environment ($$($$python --version)) ..."; \
		$$python -m venv --clear $(VENV) || { \
			echo "$$python could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }; }
	@echo 'Installing what $(LOCK) names ...'
	@export PIP_DISABLE_PIP_VERSION_CHECK=1; \
	{ $(BIN)/python -m pip install --quiet "$$(grep '^uv==' $(LOCK))" && \
		$(BIN)/uv pip sync --quiet --python $(BIN)/python $(LOCK); } || { \
		echo 'uv could not; pip does it, which takes a minute ...'; \
		$(BIN)/python -m pip install --quiet --requirement $(LOCK); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(LINTERS)/.made: deploy/linters.txt | $(STAMP)
	@echo 'Installing what $< names ...'
	@$(BIN)/python -m venv --clear --without-pip $(LINTERS)
	@$(BIN)/uv pip install --quiet --python $(LINTERS)/bin/python --requirement $< || \
		$(BIN)/python -m pip --python $(LINTERS)/bin/python install --quiet --disable-pip-version-check --requirement $<
	@touch $@
