# Every verb works on a bare Debian 12 machine: what is missing is installed or built, and cached outside the clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.complete
COMPONENTS := operator inference collector driftcheck
COMPILE := .venv/bin/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11
export CLUSTER

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  CLUSTER=embedded|kind|current chooses the cluster (default: kind where a Docker engine answers, else embedded)."

.PHONY: demo
demo: $(ENVIRONMENT) ## Show the whole path on a real cluster: a model serves, its data drifts, the object says so
	@$(PYTHON) -m hack.demo

.PHONY: test
test: cluster ## Run every test that this machine can run, the end-to-end tests on a real cluster among them
	@python3 -m hack.cluster programs helm >/dev/null
	@python3 -m hack.images --load
	$(PYTHON) -m pytest

.PHONY: test-unit
test-unit: $(ENVIRONMENT) ## Run the unit tests only (no cluster, no images)
	$(PYTHON) -m pytest tests/unit

.PHONY: check
check: $(ENVIRONMENT) ## Lint, types, import rules, generated files
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m hack.generate --check

.PHONY: generate
generate: $(ENVIRONMENT) ## Write the generated files: CRD, API page, install.yaml, gRPC messages
	$(PYTHON) -m hack.generate

.PHONY: format
format: $(ENVIRONMENT) ## Format the Python code and mend what ruff can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: images
images: ## Build the images, with a Docker engine or with buildah
	@python3 -m hack.images

.PHONY: cluster
cluster: $(ENVIRONMENT) ## Start a cluster (see CLUSTER)
	@python3 -m hack.cluster up

.PHONY: down
down: ## End the cluster and all that it left on this machine
	@python3 -m hack.cluster down

.PHONY: bench
bench: $(ENVIRONMENT) ## List the commands behind the figures in the README
	$(PYTHON) -m benchmarks

.PHONY: constraints
constraints: $(ENVIRONMENT) ## Pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --all-extras -o constraints/dev.txt pyproject.toml
	for component in $(COMPONENTS); do \
	    $(COMPILE) --extra $$component -c constraints/dev.txt -o constraints/$$component.txt pyproject.toml; done
	$(COMPILE) --upgrade -o hack/mlflow/requirements.txt hack/mlflow/requirements.in

$(ENVIRONMENT): pyproject.toml constraints/dev.txt
	@python3 -m hack.environment
