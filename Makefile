# make run    set up, score the sample letters into a fresh queue, print the summary
# make test   set up with everything, run the tests
# make check  lint, format, types
# make behaviour  check how the model in use behaves on invented letters
# make desk   serve the triage desk on the sample letters; with QUEUE=sqlite:///var/zhiwei.db on the real queue
# make desk-scale  fill throw-away queues with invented letters (SQLite 200,000, PostgreSQL 1,000,000) and time the desk's pages and claims on them
# make brief  write the brief of the queue's last day (var/brief)
# make pretrain, make embedder, make train  the backbone on the letters' language, the linking encoder, then the default model (README: how long)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SAMPLE := sqlite:///var/sample.db

.PHONY: run test check behaviour desk desk-scale brief train pretrain embedder clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[train,desk,dev]'
	touch $@ $(VENV)/.run

run: $(VENV)/.run
	rm -f var/sample.db var/sample.db-*
	$(BIN)/python predict.py data/sample --queue $(SAMPLE) --out var/sample.csv || [ $$? -eq 3 ]

test: $(VENV)/.dev
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk; } || echo "no Chromium: the browser tests are skipped (Debian: apt-get install chromium fonts-noto-cjk)"
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

behaviour: $(VENV)/.dev
	$(BIN)/python -m pytest -m behaviour tests/behaviour

desk: $(VENV)/.run
ifdef QUEUE
	$(BIN)/python -m pipeline.desk start --queue $(QUEUE)
else
	test -f var/sample.db || $(BIN)/python predict.py data/sample --queue $(SAMPLE) --out var/sample.csv || [ $$? -eq 3 ]
	ZHIWEI_TODAY=2026-04-12 $(BIN)/python -m pipeline.desk start --queue $(SAMPLE) --sample
endif

desk-scale: $(VENV)/.dev
	$(BIN)/python -m tests.scale.desk --sqlite 200000
	$(BIN)/python -m tests.scale.desk --postgresql 1000000

brief: $(VENV)/.run
	$(BIN)/python -m pipeline.matters.trends

embedder: $(VENV)/.dev
	$(BIN)/python -m pipeline.training.embedder

pretrain: $(VENV)/.dev
	$(BIN)/python -m pipeline.training.pretrain

train: $(VENV)/.dev
	$(BIN)/python train.py --config configs/default.toml

clean:
	rm -rf $(VENV) build runs var
