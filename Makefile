# The commands of the project. `make run` needs Python 3.11 or newer and a network; `make test` also what scripts/needs.sh names.
#
#   make run     make a demo city and serve it; prints the address and the accounts    (ARGS="--port 8001" adds options)
#   make test    everything that CI runs: check, then all tests on both engines and in a browser
#   make check   the quick part: ruff, mypy, import-linter
#   make bench   measure                      make faults  power cuts, lost answers, killed processes
#   make lock    resolve the dependencies into requirements.lock, keeping what is pinned    (ARGS="--upgrade" takes the newest)

ARGS ?=
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check bench faults lock

run: $(READY)
	$(BIN)/python -m app demo $(ARGS)

test: $(READY)
	sh scripts/needs.sh
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

faults: $(READY)
	sh scripts/needs.sh
	$(BIN)/python -m tests.faults $(ARGS)

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --no-header --no-annotate \
		--system-certs --quiet --output-file requirements.lock $(ARGS)

# The virtual environment: made anew when a lock file is newer than it.
$(READY): requirements.lock scripts/tools.lock scripts/venv.sh
	sh scripts/venv.sh
	@touch $(READY)
