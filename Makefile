# What a developer runs, on a fresh machine too: every target makes .venv first. CI runs `check` and `test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := build/splade-tiny-int8

.DEFAULT_GOAL := help
.PHONY: help models demo train-demo test check bench bench-train clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

models: $(BIN)/python ## Fetch the real models and data of the tests into models/, checked by sha256
	@$(BIN)/python scripts/fetch_models.py

demo: $(INSTALLED) ## Export a real SPLADE to int8 and show the weighted tokens of two sentences
	@$(BIN)/python scripts/fetch_models.py splade-tiny
	$(BIN)/sparse-export --model models/splade-tiny --output $(DEMO) --quantize int8 --force
	$(BIN)/sparse-client decode --bundle $(DEMO) --format table --top 10 \
		"The weather is lovely today." "Sparse vectors are easy to read."

train-demo: $(INSTALLED) ## Train three families on WordNet's rare words, and show before and after
	@$(BIN)/python scripts/fetch_models.py
	$(BIN)/python scripts/wordnet_pairs.py
	$(BIN)/python scripts/train_demo.py

test: $(INSTALLED) models ## Run the tests; PYTEST_ARGS="-k head" narrows them
	$(BIN)/pytest $(PYTEST_ARGS)

check: $(INSTALLED) ## Lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(INSTALLED) ## Compare text to vectors with sentence-transformers
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	$(BIN)/python benchmarks/encode.py

bench-train: $(INSTALLED) ## Compare a training step with sentence-transformers'
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	$(BIN)/python benchmarks/train.py

clean: ## Remove .venv, caches and what was built; models/ stays
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	find . -name '*.egg-info' -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -m venv .venv

$(INSTALLED): pyproject.toml clients/python/pyproject.toml | $(BIN)/python
	@echo "Installing into .venv, which takes some minutes the first time"
	@# First and exactly this version: pip may know it as a small CPU build; the resolver alone could take another.
	@$(BIN)/pip install -qq --disable-pip-version-check torch==2.13.0
	@$(BIN)/pip install -qq --disable-pip-version-check -e '.[dev]' -e 'clients/python[local]'
	@touch $@
