# Two commands do all the set-up on a fresh machine with Python 3.11: `make demo`, `make test`.
#
# Everything they install goes into .venv and node_modules. A step that is done leaves a file
# behind and is skipped the next time, until what it was made from changes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PORT ?= 3210
WEB := fixtures/chat/web
PAGE := $(WEB)/dist/index.html
PAGE_SOURCES := $(shell find $(WEB) \( -name node_modules -o -name dist \) -prune -o -type f -print)
NODE_PACKAGES := $(wildcard $(WEB)/package.json tests/acceptance/node/package.json \
	fixtures/convex-chat/package.json fixtures/convex-components/package.json)
NODE_INSTALLED := $(NODE_PACKAGES:package.json=node_modules/.installed)
PIP_INSTALL := .venv/bin/python -m pip install -qq --disable-pip-version-check

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help:
	@echo "make demo    start the chat app on an embedded file; open the address in two tabs"
	@echo "make test    install what tests need and run everything"
	@echo "make check   ruff, mypy and the tidy test only"
	@echo "make bench   run every benchmark"
	@echo "make torture run every torture at its release size, and look for planted bugs"
	@echo "make clean   remove everything that make made, the demo's database too"

# --- Environment -----------------------------------------------------------------------------

.venv/.installed: pyproject.toml
	@scripts/python.sh
	@echo "== install: livefile"
	@$(PIP_INSTALL) --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml
	@scripts/python.sh
	@echo "== install: livefile, with what tests need"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch .venv/.installed $@

# Asked anew each time, since Node.js may have come or gone; it takes a tenth of a second.
.PHONY: node
node: | .venv/.installed
	@scripts/node.sh

%/node_modules/.installed: %/package.json %/package-lock.json | node
	@echo "== npm ci: $*"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(PAGE_SOURCES) $(WEB)/node_modules/.installed | node
	@echo "== web page: $(WEB)"
	@cd $(WEB) && npm run --silent build
	@touch $@

.PHONY: browser
browser:
	@scripts/browser.sh

# --- What people call ------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.installed $(PAGE)
	@mkdir -p .demo
	@exec .venv/bin/livefile dev fixtures/chat --db .demo/chat.db --port $(PORT)

.PHONY: test
test: .venv/.installed-dev browser $(NODE_INSTALLED) $(PAGE) lint types
	@echo "== pytest"
	@.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: check
check: .venv/.installed-dev lint types
	@echo "== tidy"
	@.venv/bin/python -m pytest tests/test_tidy.py

.PHONY: lint
lint: .venv/.installed-dev
	@echo "== ruff check"
	@.venv/bin/ruff check .
	@echo "== ruff format"
	@.venv/bin/ruff format --check .

.PHONY: types
types: .venv/.installed-dev
	@echo "== mypy"
	@.venv/bin/mypy

.PHONY: bench
bench: .venv/.installed-dev
	@.venv/bin/python -m benchmarks.run

.PHONY: torture
torture: .venv/.installed-dev
	@.venv/bin/python -m tests.torture

.PHONY: clean
clean:
	rm -rf .venv .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf $(WEB)/dist $(NODE_PACKAGES:package.json=node_modules)
	find engine server tests benchmarks fixtures -name __pycache__ -prune -exec rm -rf {} +
