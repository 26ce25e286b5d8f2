# `make lab` is all a learner needs; `make help` lists the rest. What they need is built by .ci/setup, once.
SHELL := bash
PY := .venv/bin/python
LESSON := notebooks/00_welcome.ipynb
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)  # in a container, say; Jupyter asks for its token all the same
# PyTorch's threads sleep while they wait for work: spinning, they bring a busy machine to a halt.
export OMP_WAIT_POLICY ?= PASSIVE

help:   ## this list
	@sed -nE 's/^([a-z-]+): .*## (.*)/make \1|\2/p' Makefile | column -t -s '|'
setup:  ## build .venv from requirements.lock; nothing to do when it is up to date
	@.ci/setup
lab: setup  ## open the course in JupyterLab; more flags: make lab ARGS="--no-browser --port=9000"
	@if (: < /dev/tcp/127.0.0.1/8888) 2>/dev/null; then \
	  echo "lab: port 8888 is taken, so JupyterLab takes the next free one: see the address below"; fi
	@echo "lab: opening $(LESSON); Ctrl-C twice ends it"
	@$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/$(LESSON) $(AS_ROOT) $(ARGS)
test: setup  ## run every test; some of them: make test ARGS="tests/test_site.py -k phone"
	$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations=10 $(ARGS)
site: setup  ## render the lessons to build/site/index.html
	rm -rf build/site
	$(PY) -m sphinx -E -W -n --keep-going -q -c notebooks/_site -d build/doctrees notebooks build/site $(ARGS)
	@echo "site: open build/site/index.html"
student: setup  ## write the lessons without their solutions to build/student; for nbgrader: ARGS=--nbgrader
	@$(PY) notebooks/_site/student.py $(ARGS)
slides: setup node_modules/.installed  ## make slides of the lessons: build/slides/index.html
	@$(PY) notebooks/_site/slides.py
offline-kit: setup site  ## gather what `make lab` needs without a network: build/offline-kit
	@$(PY) .ci/offline_kit.py $(ARGS)
bench: setup  ## measure the speeds that the README states
	$(PY) -m tests.benchmarks $(ARGS)
paper: setup  ## run the paper's experiments: make paper ARGS="--tasks 20"
	$(PY) -m supsup_lite.paper all $(ARGS)
lint: setup node_modules/.installed  ## check the style of all code, notebooks and JavaScript included
	$(PY) -m ruff check . && $(PY) -m ruff format --check .
	npm run --silent lint
node_modules/.installed: package.json  # for lint, slides, and some tests
	@command -v npm >/dev/null || { echo "make: npm is missing, which brings what checks the JavaScript and shows slides." \
	  "Install Node.js 18.19 or later, with npm." >&2; exit 1; }
	npm install --silent --no-audit --no-fund
	@touch $@
lock:   ## resolve pyproject.toml into requirements.lock
	@.ci/setup lock

.PHONY: help setup lab test site student slides offline-kit bench paper lint lock
