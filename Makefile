# The developer's commands. Everything is installed from PyPI into .venv at first use.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: run test journeys lint package deploy destroy token bench clean help

$(INSTALLED): requirements.txt requirements-archive.txt requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name yours with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(INSTALLED) ## everything up, demo data, the API on http://127.0.0.1:8000 (PORT=… for another)
	@$(BIN)/python -m local

test: lint ## lint, types and every test
	$(BIN)/python -m pytest -n logical --maxprocesses=4 --dist loadfile  # each process with servers of its own

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

token: $(INSTALLED) ## a bearer token for the running stack: ROLE=customer|organiser|door|operator SUB=…
	@$(BIN)/python -m local.token --role $(or $(ROLE),customer) $(if $(SUB),--sub $(SUB))

bench: $(INSTALLED) ## the numbers in benchmarks/, measured on this machine
	@$(BIN)/python -m benchmarks

clean: ## remove everything that was installed or built here
	rm -rf $(VENV) .local build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
