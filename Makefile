# Mission Control. `make run` starts it, `make test` proves it; both need Python 3.11+ and make.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo $$p; exit; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

.PHONY: help run demo test test-gateway test-browser check format scenarios bench fuzz \
	reference messages install install-dev system clean

help:
	@echo "make run            start Mission Control; Ctrl-C stops it (ARGS=\"--port 9000 --data DIR\")"
	@echo "make demo           the same with demonstration data and a simulated gateway"
	@echo "make test           the test suite without browser and gateway"
	@echo "make test-browser   journeys in a real browser (needs chromium)"
	@echo "make test-gateway   against a real OpenClaw gateway (needs npm)"
	@echo "make check          format, types, layers, templates, migrations, deployment checks"
	@echo "make scenarios      which scenarios of the specifications have a test"
	@echo "make bench          figures of speed, compared with their targets"
	@echo "make fuzz           generated calls of every operation (ARGS=\"--cases 1000\")"
	@echo "make reference      the pages below docs/reference, anew from the code"

# The recipe ends by replacing the shell, so that a signal reaches the supervisor itself.
run: install
	@exec $(BIN)/python -m missioncontrol.run --stop-with-parent $(ARGS)

demo: install
	@exec $(BIN)/python -m missioncontrol.run --stop-with-parent --demo $(ARGS)

test: install-dev
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(ARGS)

test-gateway: install-dev
	@command -v npm >/dev/null || { echo "npm is missing. Install it with: apt install npm"; exit 1; }
	@$(BIN)/python -m pytest -q tests/gateway $(ARGS)

test-browser: install-dev
	@$(BIN)/python -m tests.browser_program
	@$(BIN)/python -m pytest -q tests/browser $(ARGS)

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@find templates -name '*.html' -print0 | xargs -0 $(BIN)/djade --check --target-version 5.2
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python -m tests.django_checks

format: install-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	@find templates -name '*.html' -print0 | xargs -0 $(BIN)/djade --target-version 5.2 || true

scenarios: install-dev
	@$(BIN)/python -m tests.scenarios_report $(ARGS)

bench: install-dev
	@$(BIN)/python -m tests.bench $(ARGS)

fuzz: install-dev
	@$(BIN)/python -W ignore -m tests.fuzz $(ARGS)

reference: install-dev
	@$(BIN)/python -m tests.reference $(ARGS)

messages: install-dev
	@command -v msgfmt >/dev/null || { echo "gettext is missing. Install it with: apt install gettext"; exit 1; }
	$(BIN)/python manage.py makemessages -l zh_Hans \
	--no-location --no-obsolete --no-wrap \
	-i .venv -i node_modules -i staticfiles -i 'static/*' -i tests
	msgfmt --check-format -o locale/zh_Hans/LC_MESSAGES/django.mo \
	locale/zh_Hans/LC_MESSAGES/django.po

install: system
	@$(PYTHON) missioncontrol/run/bootstrap.py requirements.txt

install-dev: system
	@$(PYTHON) missioncontrol/run/bootstrap.py requirements-dev.txt

system:
	@test -n "$(PYTHON)" || { \
	echo "Python 3.11 or newer is missing. Install it with: apt install python3 python3-venv"; exit 1; }

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis staticfiles
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
