# Set-up and the main jobs on a fresh Linux machine. README.md has the same steps without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := runs/pixelfaces/demo

.PHONY: setup demo dashboard test test-all mutants lint report report-train

$(VENV)/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

setup: $(VENV)/.runtime

demo: setup
	$(BIN)/python train.py experiment=demo run=$(RUN)
	$(BIN)/python sample.py dataset=pixelfaces "attrs=top hat, shades" w=3
	$(BIN)/python sample.py dataset=pixelfaces "attrs=mohawk, -glasses, full beard" w=3
	$(BIN)/python sample.py checkpoint=checkpoints/cryptopunks.safetensors attrs=male,glasses w=3
	@echo "Pictures:    each grid.png named above, and $(RUN)/samples"
	@echo "TensorBoard: $(BIN)/tensorboard --logdir runs"
	@echo "Dashboard:   make dashboard"

dashboard: setup
	$(BIN)/python -m streamlit run streamlit_dashboard.py

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-all: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "slow or not slow"

mutants: $(VENV)/.dev
	$(BIN)/python -m scripts.maintain.mutants

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --diff .

report: setup
	$(BIN)/python scripts/report.py

report-train: setup
	$(BIN)/python scripts/study.py jobs=$(or $(JOBS),1)
