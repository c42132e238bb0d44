# What a developer runs, on a fresh machine too: every target makes .venv first. CI runs `check` and `test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
LOCK := constraints.txt
NEWEST := build/newest
# What new versions break first, in some minutes: no server, no browser, no training of real models.
NEWEST_TESTS := tests/client $(addprefix tests/exporter/test_,backbones.py bundle.py checkpoint.py cli.py families.py \
	heads.py other_checkpoints.py) $(addprefix tests/training/test_,components.py fused_backbones.py library.py)
# Seconds each: rules of the tree, graphs of a few nodes, vectors, addresses, recipes, data, metrics.
QUICK_TESTS := tests/test_architecture.py tests/test_version.py $(addprefix tests/client/test_,address.py contract.py \
	vectors.py wire.py) $(addprefix tests/exporter/test_,passes.py quality.py) \
	$(addprefix tests/training/test_,data.py library.py mining.py)
DEMO := build/splade-tiny-int8
PAGE := build/web

.DEFAULT_GOAL := help
.PHONY: help models demo train-demo serve web screenshots javascript chromium qemu processors runtimes test quick check check-javascript zoo docs bench bench-peers bench-serve bench-train bench-web bench-corpus lock newest clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

models: $(BIN)/python ## Fetch the real models and data of the tests into models/, checked by sha256
	@$(BIN)/python scripts/fetch_models.py

demo: $(INSTALLED) ## Export a real SPLADE to int8 and show the weighted tokens of two sentences
	@$(BIN)/python scripts/fetch_models.py splade-tiny
	$(BIN)/sparse-export --model models/splade-tiny --output $(DEMO) --quantize int8 --force
	$(BIN)/sparse-client decode --bundle $(DEMO) --format table --top 10 \
		"The weather is lovely today." "Sparse vectors are easy to read."

web: $(INSTALLED) javascript ## Build the page that computes in the browser, and serve it on loopback
	@$(BIN)/python scripts/fetch_models.py splade-tiny
	@test -d $(DEMO) || $(BIN)/sparse-export --model models/splade-tiny --output $(DEMO) --quantize int8
	node clients/web/build.mjs $(DEMO) $(PAGE)
	@test -n "$(CI)$(NOSERVE)" || node clients/web/serve.mjs $(PAGE)

screenshots: chromium ## Write screenshots of the page to build/screenshots/, and the one of the README
	@$(MAKE) --no-print-directory web NOSERVE=1
	node clients/web/screenshot.mjs $(PAGE) build/screenshots
	cp build/screenshots/page.png docs/page.png

# What is missing here is reported by the tests, which are then skipped, or fail in CI.
javascript: clients/node_modules/.installed
clients/node_modules/.installed: clients/package-lock.json
	@if command -v npm >/dev/null; then cd clients && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed; \
	else echo "npm is not installed: Node and the browser will not be tested"; fi

chromium:
	@test -x /usr/bin/chromium || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	{ mkdir -p build; echo "Installing Chromium for the tests of the page"; \
	  { apt-get update && apt-get install -y --no-install-recommends chromium; } >build/chromium.log 2>&1 || tail -3 build/chromium.log; }

qemu:
	@command -v qemu-x86_64 >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
	{ mkdir -p build; echo "Installing qemu-user for the tests on other processors"; \
	  { apt-get update && apt-get install -y --no-install-recommends qemu-user; } >build/qemu.log 2>&1 || tail -3 build/qemu.log; }

train-demo: $(INSTALLED) ## Train three families on WordNet's rare words, and show before and after
	@$(BIN)/python scripts/fetch_models.py
	$(BIN)/python scripts/wordnet_pairs.py
	$(BIN)/python scripts/train_demo.py

test: $(INSTALLED) models javascript chromium qemu ## Run the tests; PYTEST_ARGS="-k head" narrows them
	$(BIN)/pytest -n 2 --dist loadgroup $(if $(PYTEST_ARGS),$(PYTEST_ARGS),-m "not alone")
	$(if $(PYTEST_ARGS),,$(BIN)/pytest -m alone)

runtimes: $(INSTALLED) models ## Replay golden vectors with ONNX Runtime from 1.19 to the newest, and write docs/runtimes.md
	$(BIN)/python scripts/runtimes.py

processors: $(INSTALLED) javascript qemu ## Replay golden vectors on emulated processors, and write docs/processors.md
	@$(BIN)/python scripts/fetch_models.py splade-tiny
	$(BIN)/python scripts/processors.py

quick: $(INSTALLED) ## Run the tests of every edit: no real model, no server, no browser
	$(BIN)/pytest -q $(QUICK_TESTS)

zoo: $(INSTALLED) models ## Export a checkpoint of the shape of each public model: docs/models.md; ZOO_ARGS="bge-m3" narrows it
	PYTHONPATH=tests $(BIN)/python -m zoo $(ZOO_ARGS)

docs: $(INSTALLED) ## Build the documentation into build/docs/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

check: $(INSTALLED) check-javascript ## Lint, format and types, of Python and JavaScript
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check-javascript: javascript
	@if command -v npm >/dev/null; then cd clients && npx --no-install biome check --error-on-warnings && npx --no-install tsc --noEmit -p node; fi

serve: demo ## Serve the demo with a real tritonserver, at http://127.0.0.1:8000 and grpc://127.0.0.1:8001
	$(BIN)/sparse-export triton $(DEMO) --repository model_repository --name splade --force
	$(BIN)/sparse-export serve model_repository

bench: $(INSTALLED) ## Compare text to vectors with sentence-transformers
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	$(BIN)/python benchmarks/encode.py

bench-peers: $(INSTALLED) ## Compare with the peers, each in its own environment; BENCH_ARGS="--models splade-tiny" narrows it
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	$(BIN)/python benchmarks/peers.py $(BENCH_ARGS)

bench-serve: $(INSTALLED) ## Compare a server with the same bundle in process: throughput, latency, bytes, memory
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	test -d $(DEMO) || $(BIN)/sparse-export --model models/splade-tiny --output $(DEMO) --quantize int8
	$(BIN)/python benchmarks/serve.py --bundle $(DEMO)

bench-web: $(INSTALLED) javascript chromium ## Compare Node with Python, and measure the page in Chromium
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	@$(MAKE) --no-print-directory web NOSERVE=1
	$(BIN)/python benchmarks/javascript.py $(DEMO) $(PAGE)

bench-corpus: $(INSTALLED) models ## Encode 20,000 texts in one process, in many, and on Ray; BENCH_ARGS="--texts 100000"
	$(BIN)/python benchmarks/corpus.py $(BENCH_ARGS)

bench-train: $(INSTALLED) ## Compare a training step with sentence-transformers'
	@$(BIN)/python scripts/fetch_models.py splade-tiny wordnet
	$(BIN)/python benchmarks/train.py

lock: build/lock/.installed ## Write constraints.txt: every version that .venv gets; LOCK_ARGS=--upgrade takes the newest
	$(call resolve,$(LOCK),$(LOCK_ARGS))

newest: build/lock/.installed models ## Try the newest versions that pyproject.toml allows: red is a finding to write down
	@rm -rf $(NEWEST) && mkdir -p $(NEWEST) && cp $(LOCK) $(NEWEST)/
	$(call resolve,$(NEWEST)/$(LOCK),--upgrade)
	@diff $(LOCK) $(NEWEST)/$(LOCK) && echo "Nothing is newer than $(LOCK)" || true
	@$(PYTHON) -m venv $(NEWEST)/.venv
	$(call install,$(NEWEST)/.venv,$(NEWEST)/$(LOCK))
	$(NEWEST)/.venv/bin/pytest $(NEWEST_TESTS) $(PYTEST_ARGS)

clean: ## Remove .venv, caches and what was built; models/ stays
	rm -rf .venv build clients/node_modules .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	find . -name '*.egg-info' -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -m venv .venv

# $(1): an environment, $(2): its constraints. As a setting of pip's environment they hold for the tools that build the
# packages too, which `-c` does not reach; pip from 25.3 on asks for a name of their own there.
define install
	@echo "Installing into $(1), which takes some minutes the first time"
	@# First and exactly this version: pip may know it as a small CPU build; the resolver alone could take another.
	@export PIP_CONSTRAINT=$(2) PIP_BUILD_CONSTRAINT=$(2) PIP_DISABLE_PIP_VERSION_CHECK=1 && \
	$(1)/bin/pip install -qq torch==2.13.0 && \
	$(1)/bin/pip install -qq -e '.[dev]'
endef

$(INSTALLED): pyproject.toml $(LOCK) | $(BIN)/python
	$(call install,.venv,$(LOCK))
	@touch $@

# $(1): the constraints to write; what they name already is kept where it still fits. $(2): more arguments.
# Without the package itself, which its extras name, and what kind of build of torch was found.
define resolve
	PIP_CONSTRAINT= CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile --quiet --no-config $(2) \
		--extra dev --all-build-deps --allow-unsafe --strip-extras --no-emit-options \
		--no-emit-index-url --no-emit-find-links --annotation-style line \
		--output-file $(1) pyproject.toml
	@sed -i.bak -e '/^sparse-export @/d' -e 's/^\(torch==[0-9.]*\)+[a-z0-9]*/\1/' $(1) && rm $(1).bak
endef

build/lock/.installed:
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/pip install -qq --disable-pip-version-check pip-tools==7.6.2
	@touch $@
