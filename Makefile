# One command for each thing a person does here; CI calls the same ones. `make help` lists them.
#
# PYTHON=/path/to/python3   the interpreter to build .venv with (else the first that fits)
# ARGS="--port 9000"        more arguments for `sandlot up` (make run) or pytest (make test-…)

.DEFAULT_GOAL := help
.SUFFIXES:
# `make -j` would mix the output of lanes that share a terminal and two cores.
.NOTPARALLEL:

VENV := .venv
PY := $(VENV)/bin/python
LANES = $(PY) tools/lanes.py
ARGS ?=

.PHONY: help run install test test-unit test-lab test-repo test-integration test-browser \
        test-kube test-kube-node cluster lint format bench bench-smoke docs generate images lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

# A missing or dangling link to the interpreter makes a new environment; the umask keeps it readable
# for the uids of users, whatever the caller's is.
$(PY):
	@python=$$(tools/find-python) && umask 022 && \
	  echo "Making .venv with $$python" && "$$python" -m venv --clear $(VENV)

.PHONY: prepare-run prepare-test
prepare-run: $(PY)
	@$(PY) tools/prepare.py run
prepare-test: $(PY)
	@$(PY) tools/prepare.py test

run: prepare-run ## install what is missing, then start a hub on this machine (Ctrl-C stops it)
	@exec $(VENV)/bin/sandlot up --config config/jupyterhub_config.py $(ARGS)

install: prepare-test ## prepare .venv and the Lab extension for development, and start nothing

test: prepare-test ## everything: lint and all tests; works beside a running `make run`
	@$(LANES) lint lint-lab unit lab repo integration browser kube kube-node

test-unit: prepare-test ## the decisions and each module by itself
	@$(LANES) unit -- $(ARGS)

test-lab: prepare-test ## the Lab extension's own tests
	@$(LANES) lab

test-repo: prepare-test ## the house: layers, documentation, lock files, the built wheel
	@$(LANES) repo -- $(ARGS)

test-integration: prepare-test ## real hub, proxy, spawner and Lab over HTTP
	@$(LANES) integration -- $(ARGS)

test-browser: prepare-test ## the main road in a real browser
	@$(LANES) browser -- $(ARGS)

test-kube: prepare-test ## a real Kubernetes control plane with fake nodes (compiled once: 6 minutes)
	@$(LANES) kube -- $(ARGS)

test-kube-node: prepare-test ## real pods on a real node, of images that are built here (once: 3 minutes more)
	@$(LANES) kube-node -- $(ARGS)

cluster: prepare-test ## that control plane to work on, with a hub on it (Ctrl-C ends both)
	@PYTHONPATH=tests exec $(PY) -m support.cluster

lint: prepare-test ## ruff, mypy, import contracts; eslint, prettier, stylelint and tsc
	@$(LANES) lint lint-lab

format: prepare-test ## let ruff and prettier write the files as they want them
	@$(LANES) format

bench: prepare-test ## the full measurements, one JSON line each
	@$(LANES) bench

bench-smoke: prepare-test ## the same in small sizes, for CI
	@$(LANES) bench-smoke

generate: prepare-test ## write what is generated: settings schema and reference, TypeScript wire types
	@$(PY) tools/generate.py && $(PY) tools/wire.py

docs: prepare-test ## build the documentation into docs/_build/html; a warning is an error
	@$(LANES) docs

images: prepare-run ## make the folders that container images are built from, below dist/images
	@$(PY) tools/image_context.py $(ARGS)

lock: prepare-test ## resolve requirements/*.in and images/*/requirements.in again (needs network)
	@$(PY) tools/lock.py

clean: ## remove what was built here; data (.sandlot) stays
	rm -rf $(VENV) node_modules dist docs/_build test-results labextension/lib \
	  server_ext/sandlot_server/labextension .mypy_cache .pytest_cache .ruff_cache .hypothesis
