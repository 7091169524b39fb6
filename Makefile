# make course   generate the notebooks, run every lesson at quick scale, build the site
# make test     ruff, drift of the notebooks, pytest with the docstrings' examples, every lesson
# make file     what belongs to one file, FILE=course_lib/losses/sure.py, and its tests
# make nbval    every notebook as it lies here, the complete and the student's, by nbval
# make lowest   the package and its tests on the lowest versions that pyproject.toml allows
# make lab      open JupyterLab on the lessons
# make book     build the site alone (it runs only the lessons that have changed)
# make bench    times beside the reference library (sets up .peer, an environment with both)
# make mutants  every small change of every loss against the tests of the losses: how many it finds
#
# Each target sets up .venv itself. Choose the interpreter with PYTHON=..., another build of torch
# with the environment variable TORCH_SPEC (what pip shall install, for example 'torch>=2.4').

PYTHON ?= python3
# One thread: sums then have one order, and a lesson trains to the same figures on every machine.
export OMP_NUM_THREADS ?= 1
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SCALE ?= quick
NOTEBOOKS ?= notebooks solutions
# One test process a core; all tests of a file, and all cells of a notebook, in one of them.
CORES := -n auto --dist loadfile

.PHONY: course test test-style test-package test-lessons file nbval lowest lab book bench mutants

course: $(STAMP)
	@$(BIN)/course notebooks
	@$(BIN)/course run --scale quick
	@$(BIN)/course site --scale quick

test: test-style test-package test-lessons

test-style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/course notebooks --check

test-package: $(STAMP) test-style
	$(BIN)/pytest -q --durations=10 $(CORES)

# Each lesson once: the complete notebook, then the student's cells that differ from it. The cells
# that both have in common run once; `make book` takes what they showed.
test-lessons: $(STAMP) test-style
	$(BIN)/course run

file: $(STAMP)
	@$(BIN)/python tests/belongs.py $(FILE)

nbval: $(STAMP)
	$(BIN)/pytest -q --durations=10 $(CORES) --nbval-lax --nbval-current-env $(NOTEBOOKS)

lowest: $(STAMP)
	@bash tools/lowest.sh .lowest

lab: $(STAMP)
	@$(BIN)/course notebooks
	$(BIN)/jupyter lab notebooks

book: $(STAMP)
	@$(BIN)/course site

bench: $(STAMP)
	@bash tests/peer.sh .peer
	.peer/bin/course bench --scale $(SCALE)

mutants: $(STAMP)
	$(BIN)/python tests/mutants.py

# A TORCH_SPEC other than the one that was installed makes the set-up stale.
ifneq ($(TORCH_SPEC),)
ifneq ($(TORCH_SPEC),$(shell cat $(STAMP) 2> /dev/null))
$(STAMP): another-torch
another-torch:
endif
endif

# The first lines say in one sentence what is missing; nothing has been made by then.
# torch goes first and alone, so that no later step can choose another build of it.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { \
	  echo "No '$(PYTHON)' found: install Python 3.10 or newer, or name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "'$(PYTHON)' is older than Python 3.10: name a newer one with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	  echo "'$(PYTHON)' has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)"; \
	  exit 1; }
	@$(BIN)/python -c '' 2> /dev/null || $(PYTHON) -m venv --clear $(VENV)
	@sed '1,/^# The package/d' constraints.txt > $(VENV)/constraints.txt
	@spec="$${TORCH_SPEC:-$$(grep '^torch==' constraints.txt) --constraint constraints.txt}"; \
	  echo "Installing $${spec%% *} into $(VENV) ..."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check $$spec
	@echo "Installing the course and its tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(VENV)/constraints.txt --editable '.[all]'
	@echo "$${TORCH_SPEC:-$$(grep '^torch==' constraints.txt)}" > $(STAMP)
