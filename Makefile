# cellrig, from a fresh clone: `make demo` shows it, `make test` proves it. Windows: see README.md.
#
# Everything lives in .venv, made anew when pyproject.toml changes. Nothing outside this folder is touched,
# except for system packages that are missing (Debian and its kin only; scripts/system-packages says which).

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first Python that is new enough; `make PYTHON=/path/to/python demo` overrules it.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
PYTEST_ARGS ?=

# Qt draws into memory, matplotlib into files: no display is needed anywhere.
export QT_QPA_PLATFORM ?= offscreen
export QT_API ?= pyqt5
export PYQTGRAPH_QT_LIB ?= PyQt5
export MPLBACKEND ?= Agg
export PYTHONUTF8 := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SDK_ARGS ?=

.PHONY: sdk-contract help demo demo-gui paper test lint format bench bench-gui bench-wire kill kill-host disk-full abuse power-loss soak clock-jumps chaos truths venv clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

demo: $(READY)  ## an impedance sweep over temperature on the simulated bench, from start to result
	$(BIN)/cellrig demo

demo-gui: $(READY)  ## the window, with a simulated bench and a sweep in it, quickened (needs a screen)
	env -u QT_QPA_PLATFORM $(BIN)/cellrig-gui --demo --runs runs/demo-gui

paper: $(READY)  ## every measurement of the paper on the simulated bench, and a page: our numbers beside the paper's
	$(BIN)/python examples/paper/run_all.py runs/paper

test: $(READY) .venv/.system-packages  ## the tests (PYTEST_ARGS="tests/daq -k clock" for some of them)
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(READY)  ## ruff, pyright, import-linter: style, types, floors; all four, then what failed
	@failed=""; \
	for check in "ruff check ." "ruff format --check ." "pyright" "lint-imports"; do \
		echo "== $$check"; \
		$(BIN)/$$check || failed="$$failed [$$check]"; \
	done; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

format: $(READY)  ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## the side-by-side measurements in benchmarks/
	@for script in benchmarks/*.py; do \
		[ -e "$$script" ] || { echo "no benchmarks here"; break; }; \
		case "$$script" in */_*) continue;; esac; \
		echo "== $$script"; $(BIN)/python "$$script"; done

bench-gui: $(READY)  ## the window beside pymeasure's: a refresh, frames, spectra, its start, idling, memory over a day (minutes)
	$(BIN)/python benchmarks/window.py

bench-wire: $(READY)  ## the wire: speed, and what faults do to readings, beside minimalmodbus and pymodbus (minutes)
	$(BIN)/python benchmarks/wire.py --reads 300
	$(BIN)/python benchmarks/methodscript.py --runs 300
	$(BIN)/python benchmarks/autolab_faults.py --runs 300
	$(BIN)/python benchmarks/neware_faults.py --reads 300
	$(BIN)/python tests/drivers/land/test_land_faults.py
	$(BIN)/python benchmarks/wire_source_meter.py --reads 300

sdk-contract:  ## the Autolab driver on a C# stand-in of its SDK through pythonnet (SDK_ARGS=--required: tools must be there)
	PYTHON="$(PYTHON)" sh scripts/sdk-contract $(SDK_ARGS)

kill: $(READY)  ## kill -9 of 80 runs, 8 of each procedure, at random moments; what was lost, what came back (minutes)
	$(BIN)/python tests/chaos/kill_run.py --count 8

disk-full: $(READY)  ## 20 disks that get full in a running sweep; how it ended, what came back (minutes, Linux)
	$(BIN)/python tests/chaos/disk_full.py --count 20

power-loss: $(READY)  ## every moment at which the power can go in a run of 2000 rows: does it open, is a row missing
	$(BIN)/python tests/chaos/power_loss.py --rows 2000

kill-host: $(READY)  ## kill -9 of 30 bench hosts in mid-sweep, of 10 while cells cycle; was the heater off in time, what came back (half an hour, Linux)
	PYTHONPATH=tests/support $(BIN)/python tests/chaos/kill_cycling.py --count 10
	PYTHONPATH=tests/support $(BIN)/python tests/chaos/kill_host.py --count 30

abuse: $(READY)  ## 10 000 requests at the service, right and wrong, with and without tokens; what came back (minutes)
	PYTHONPATH=tests/support $(BIN)/python tests/chaos/abuse.py --count 10000

soak: $(READY)  ## a virtual day on each of three benches of bad wires, 5 % of all replies faulty: wrong values, memory, files
	PYTHONPATH=tests/support $(BIN)/python tests/chaos/soak.py --hours 24

clock-jumps: $(READY)  ## 300 runs in which the computer's clock is set and the computer sleeps: wrong durations, missed limits
	PYTHONPATH=tests/support $(BIN)/python tests/chaos/clock_jumps.py --count 300

chaos: $(READY)  ## all of these, one table (CHAOS=0.1 scales the counts, SEED=2, WRITE=1 writes it into docs)
	$(BIN)/python tests/chaos/chaos.py --scale $(or $(CHAOS),1) --seed $(or $(SEED),1) $(if $(WRITE),--write)

truths: $(READY)  ## random truths set in bench files and looked for in the results, spectra and direct current; how many hold (half an hour)
	$(BIN)/python tests/truths/run_truths.py --count 50
	$(BIN)/python tests/truths/run_dc_truths.py --count 30 --healthy 200

venv: $(READY)  ## only the environment, .venv

clean:  ## removes .venv and caches; keeps runs/
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "cellrig needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh scripts/system-packages venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[gui,parquet,dev]'
	@$(BIN)/python -m compileall -q cellrig.py daq drivers procedures gui # the first start is then as quick as any
	@touch $@

.venv/.system-packages: $(READY) scripts/system-packages
	@sh scripts/system-packages qt
	@sh scripts/system-packages screen
	@sh scripts/system-packages browser
	@touch $@
