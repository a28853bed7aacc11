# The developer's commands. The first use installs from PyPI into .venv: what `make run` needs, and for other commands
# the rest.
PYTHON ?= $(shell local/find-python 3.11 3.12 3.13)
VENV := .venv
BIN := $(VENV)/bin
LOCAL := $(VENV)/.installed-local
INSTALLED := $(VENV)/.installed
OF_CLIENTS := .venv-clients
PARALLEL := -n logical --maxprocesses=4 --dist loadfile  # each process with servers of its own

export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: run test endurance unit journeys clients test-clients lint package deploy destroy token fuzz bench clean help

$(LOCAL): requirements.txt requirements-archive.txt requirements-print.txt requirements-mail.txt requirements-paper.txt requirements-fonts.txt requirements-local.txt
	@$(if $(PYTHON),,echo "There is no Python 3.11, 3.12 or 3.13 with venv; name one with PYTHON=…"; exit 1)
	@echo "Installing what the local stack needs:"
	@"$(PYTHON)" -I local/install.py $(VENV) requirements-local.txt
	@touch $@

$(INSTALLED): $(LOCAL) requirements-dev.txt
	@echo "Installing what tests and packaging also need:"
	@$(BIN)/python -I local/install.py $(VENV) requirements-dev.txt
	@touch $@

$(OF_CLIENTS)/.installed: requirements-clients.txt
	@$(if $(PYTHON),,echo "There is no Python 3.11, 3.12 or 3.13 with venv; name one with PYTHON=…"; exit 1)
	@echo "Installing what generates the clients:"
	@"$(PYTHON)" -I local/install.py $(OF_CLIENTS) requirements-clients.txt
	@touch $@

run: $(LOCAL) ## start the whole shop with demo data on http://127.0.0.1:8000 (or PORT=…)
	@$(BIN)/python -m local

test: lint ## check style and types, and run every test but those of endurance and of the clients
	$(BIN)/python -m pytest -m "not endurance and not clients" $(PARALLEL)

endurance: $(INSTALLED) ## play schedules, attacks and crashes, and deploy to the emulator: minutes each
	$(BIN)/python -m pytest -m endurance $(PARALLEL)

unit: $(INSTALLED) ## run the tests that need no server; VENV=… PYTHON=… for another Python
	$(BIN)/python -m pytest tests/unit tests/architecture -m "not endurance" $(PARALLEL)

journeys: $(INSTALLED) ## run the journeys; API_URL=… tests the shop there, with the tokens of TOKENS=…
	$(BIN)/python -m pytest tests/journeys $(if $(API_URL),--api-url "$(API_URL)") $(if $(TOKENS),--tokens "$(TOKENS)")

clients: $(OF_CLIENTS)/.installed ## build the typed clients for Python and TypeScript in build/clients
	@$(OF_CLIENTS)/bin/python -m clients

test-clients: $(INSTALLED) $(OF_CLIENTS)/.installed ## build the clients, and buy tickets with each on a stack of its own
	@$(OF_CLIENTS)/bin/python -m clients --or-without-npm
	$(BIN)/python -m pytest tests/clients -m clients -rs

lint: $(INSTALLED) ## check style with ruff and types with mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

package: $(INSTALLED) ## build and check the Lambda package and its template in build/package
	@$(BIN)/python -m infra.package

deploy: $(INSTALLED) ## deploy this checkout to a stage on AWS: STAGE=test|prod
	@$(BIN)/python -m infra.deploy --stage $(or $(STAGE),$(error name the stage, such as STAGE=test))

destroy: $(INSTALLED) ## remove a stage from AWS, after a question: STAGE=…
	@$(BIN)/python -m infra.destroy --stage $(or $(STAGE),$(error name the stage, such as STAGE=test))

token: $(LOCAL) ## print a bearer token: ROLE=customer|organiser|door|operator SUB=…
	@$(BIN)/python -m local.token --role $(or $(ROLE),customer) $(if $(SUB),--sub $(SUB))

fuzz: $(INSTALLED) ## hold the API to its document: EXAMPLES=20000 SEED=… CALLER=… ROUTE="POST /venues"
	@$(BIN)/python -m tests.fuzz --examples $(or $(EXAMPLES),20000) $(if $(SEED),--seed $(SEED)) \
		$(if $(CALLER),--caller "$(CALLER)") $(if $(ROUTE),--route "$(ROUTE)")

bench: $(INSTALLED) ## run the benchmarks on this machine
	@$(BIN)/python -m benchmarks

clean: ## remove everything that was installed or built here
	rm -rf .venv .venv-* .local build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14
