# The developer's commands. Everything is installed from PyPI into .venv at first use: what `make run` needs, and for
# the other commands the rest.
PYTHON ?= $(shell local/find-python 3.11 3.12 3.13)
VENV := .venv
BIN := $(VENV)/bin
LOCAL := $(VENV)/.installed-local
INSTALLED := $(VENV)/.installed

export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: run test unit journeys lint package deploy destroy token bench clean help

$(LOCAL): requirements.txt requirements-archive.txt requirements-local.txt
	@$(if $(PYTHON),,echo "Python 3.11, 3.12 or 3.13 is needed, with venv; name yours with PYTHON=…"; exit 1)
	@echo "Installing what the local stack needs:"
	@"$(PYTHON)" -I local/install.py $(VENV) requirements-local.txt
	@touch $@

$(INSTALLED): $(LOCAL) requirements-dev.txt
	@echo "Installing what tests and packaging need besides:"
	@$(BIN)/python -I local/install.py $(VENV) requirements-dev.txt
	@touch $@

run: $(LOCAL) ## everything up, demo data, the API on http://127.0.0.1:8000 (PORT=… for another)
	@$(BIN)/python -m local

test: lint ## lint, types and every test
	$(BIN)/python -m pytest -n logical --maxprocesses=4 --dist loadfile  # each process with servers of its own

unit: $(INSTALLED) ## the tests that need no server; VENV=… PYTHON=… on another Python
	$(BIN)/python -m pytest tests/unit tests/architecture

journeys: $(INSTALLED) ## the journeys alone; API_URL=… judges the shop there, with tokens of TOKENS=…
	$(BIN)/python -m pytest tests/journeys $(if $(API_URL),--api-url "$(API_URL)") $(if $(TOKENS),--tokens "$(TOKENS)")

lint: $(INSTALLED) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

package: $(INSTALLED) ## the Lambda package and its template in build/package, checked
	@$(BIN)/python -m infra.package

deploy: $(INSTALLED) ## a stage on AWS, new or as this checkout has it: STAGE=test|prod
	@$(BIN)/python -m infra.deploy --stage $(or $(STAGE),$(error which stage? STAGE=test, say))

destroy: $(INSTALLED) ## remove a stage from AWS; asks first, and says what the account keeps: STAGE=…
	@$(BIN)/python -m infra.destroy --stage $(or $(STAGE),$(error which stage? STAGE=test, say))

token: $(LOCAL) ## a bearer token for the running stack: ROLE=customer|organiser|door|operator SUB=…
	@$(BIN)/python -m local.token --role $(or $(ROLE),customer) $(if $(SUB),--sub $(SUB))

bench: $(INSTALLED) ## the numbers in benchmarks/, measured on this machine
	@$(BIN)/python -m benchmarks

clean: ## remove everything that was installed or built here
	rm -rf .venv .venv-* .local build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
