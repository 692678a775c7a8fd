# Index of tasks. `make` alone lists them.
PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= /usr/bin/python3
VENV := .venv
CUTS ?= 2
BIN := $(VENV)/bin

.PHONY: help install uninstall dev fmt check unit test compare compare-api compare-parity bench chaos fuzz test-vm power-cuts test-callers test-handover clean

help:            ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

install:         ## put orlop, orlopd and orlop-runtime on the PATH (PREFIX=, DESTDIR=)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' PYTHON='$(PYTHON)' sh scripts/install.sh

uninstall:       ## remove what install put there; data roots stay
	rm -rf '$(DESTDIR)$(PREFIX)/lib/orlop' '$(DESTDIR)$(PREFIX)/bin/orlop' '$(DESTDIR)$(PREFIX)/bin/orlopd' '$(DESTDIR)$(PREFIX)/bin/orlop-runtime'
	@! mountpoint -q /run/orlop-runtime.python/python || umount /run/orlop-runtime.python/python
	@rm -rf /run/orlop-runtime.python

$(VENV)/.stamp: requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	touch $@

dev: $(VENV)/.stamp ## the tools of a developer, in .venv

fmt: dev         ## format and mend what ruff can
	$(BIN)/ruff format orlop tests scripts
	$(BIN)/ruff check --fix orlop tests scripts

check: dev       ## format, lint, types, floors
	$(BIN)/ruff format --check orlop tests scripts
	$(BIN)/ruff check orlop tests scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: dev        ## the tests that need no root
	$(BIN)/python -m pytest -q tests/unit

test:            ## install what tests need, then check and run every suite
	sh scripts/test.sh

compare:         ## record the reference answers anew (DOCKER_HOST of a real dockerd)
	$(BIN)/python tests/compat/record.py

compare-api:     ## the same for the API corpus (a unix socket)
	$(BIN)/python tests/compat/record_api.py

compare-parity:  ## the same for what containers look like from inside (and DOCKERD_PID)
	PYTHONPATH=. $(BIN)/python tests/compat/parity/record.py

chaos: dev       ## kill sweeps and power cuts in full
	ORLOP_CHAOS=full $(BIN)/python -m pytest -q tests/chaos
	@sh scripts/packages.sh install vm
	$(BIN)/python tests/vm/powercuts.py 30

test-callers: dev ## containerd, CRI, podman, dockerd and Slurm on orlop-runtime
	sh scripts/callers.sh '$(CURDIR)/$(VENV)/callers'
	ORLOP_CALLERS='$(CURDIR)/$(VENV)/callers' $(BIN)/python -m pytest -q tests/compat/test_runtime_callers.py

test-handover: dev ## data roots of dockerd 26.1 and 28.5 adopted and handed back, in full
	sh scripts/dockerd.sh trixie '$(CURDIR)/$(VENV)/dockerd-trixie'
	sh scripts/dockerd.sh forky '$(CURDIR)/$(VENV)/dockerd-forky'
	ORLOP_HANDOVER=full ORLOP_DOCKERDS='$(CURDIR)/$(VENV)/dockerd-trixie:$(CURDIR)/$(VENV)/dockerd-forky' \
	  $(BIN)/python -m pytest -q tests/compat/test_handover.py

fuzz: dev        ## fuzzing in full
	ORLOP_FUZZ=full $(BIN)/python -m pytest -q --timeout 7200 tests/fuzz tests/security/test_bombs.py tests/security/test_*races.py tests/security/test_build_escapes.py

test-vm: dev    ## cgroup v2 and AppArmor, in a small virtual machine
	@sh scripts/packages.sh install vm
	$(BIN)/python tests/vm/machine.py

power-cuts: dev  ## CUTS=2 power cuts of a small virtual machine that pulls images
	@sh scripts/packages.sh install vm
	$(BIN)/python tests/vm/powercuts.py $(CUTS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
