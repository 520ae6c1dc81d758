# The same verbs for people and for CI. Needs Python 3.11+, make and git.
PYTHON ?= python3
BIN := .venv/bin
LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# requirements.lock is cut into stages, each on top of the one before: run, test, lab, browser, docs, spark. It is whole, so nothing is
# resolved: pip would look for a newer coverage[toml] than the locked coverage, and refuse it.
STAGE = sed -n '1,/^\# end of $(1)$$/p' requirements.lock > .venv/$(1).lock && \
	$(PIP) install --no-deps --require-hashes -r .venv/$(1).lock && \
	$(PIP) install --no-deps --no-build-isolation --editable . && $(WARM) && touch $@
# A kernel for any Jupyter client: of an editable package pip installs no data files.
WARM = $(BIN)/jupyter-kernelspec install --sys-prefix --name toolkit-warm --log-level ERROR toolkit/kernel

.PHONY: report test test-all proof bench docs audit lab check lock clean
UPGRADE ?= --upgrade
LAB ?= notebooks/cost_to_serve.ipynb
.DEFAULT_GOAL := report

report: .venv/run.done  ## sample company, latest period's pack, path of the page to open
	@test -f data/sample/receipt.json || $(BIN)/toolkit sample
	@$(BIN)/toolkit run sample

test: .venv/test.done  ## the quick tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: .venv/spark.done  ## what CI runs: all tests, Spark and PostgreSQL, coverage of the quick ones; 44 minutes on two cores
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

proof: .venv/test.done  ## the long recoveries; their figures go to benchmarks/PROOFS.md, never part of CI
	$(BIN)/python -W ignore benchmarks/proof_causes.py
	$(BIN)/python -W ignore benchmarks/proof_companies.py
	$(BIN)/python -W ignore benchmarks/proof_strategy.py
	$(BIN)/python benchmarks/proof_crashes.py
	$(BIN)/python benchmarks/proof_hostile.py
	$(BIN)/python -W ignore benchmarks/proof_disclosure.py
	$(BIN)/python benchmarks/proof_bytes.py

bench: .venv/test.done  ## each claim beside its peer; figures go to benchmarks/RESULTS.md
	@test -f data/sample/receipt.json || $(BIN)/toolkit sample
	@$(BIN)/python benchmarks/bench.py

docs: .venv/docs.done  ## the documentation as a site in site/, without a network: needs a browser, chromium
	@SITE=$(CURDIR)/site $(BIN)/python -m pytest tests/test_site.py
	@echo $(CURDIR)/site/index.html

audit:  ## known vulnerabilities of the locked packages: asks the package index; the tool has an environment of its own
	@test -x .venv/audit/bin/pip-audit || ($(PYTHON) -m venv .venv/audit && \
	  .venv/audit/bin/python -m pip install --disable-pip-version-check --quiet 'pip-audit>=2.9')
	@.venv/audit/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements.lock

lab: .venv/lab.done  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=. $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

.venv/run.done .venv/test.done .venv/lab.done .venv/browser.done .venv/docs.done .venv/spark.done: .venv/%.done: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the locked $* packages into .venv (once)"
	@$(call STAGE,$*)

lock:  ## resolve pyproject.toml anew into requirements.lock (needs uv on the PATH)
	@rm -rf .venv/lock && mkdir -p .venv/lock && : > .venv/lock/none
	@$(if $(UPGRADE),,cp requirements.lock .venv/lock/all)  # with UPGRADE= what is locked stays
	@uv pip compile pyproject.toml $(LOCK) --all-extras $(UPGRADE) -o .venv/lock/all
	@uv pip compile pyproject.toml $(LOCK) --extra build -c .venv/lock/all -o .venv/lock/run
	@uv pip compile pyproject.toml $(LOCK) --extra build --extra test -c .venv/lock/all -o .venv/lock/test
	@uv pip compile pyproject.toml $(LOCK) --extra build --extra test --extra lab -c .venv/lock/all -o .venv/lock/lab
	@uv pip compile pyproject.toml $(LOCK) --extra build --extra test --extra lab --extra browser -c .venv/lock/all \
	  -o .venv/lock/browser
	@uv pip compile pyproject.toml $(LOCK) --extra build --extra test --extra lab --extra browser --extra docs \
	  -c .venv/lock/all -o .venv/lock/docs
	@cp .venv/lock/all .venv/lock/spark
	@echo "# Resolved from pyproject.toml by 'make lock'. 'pip install --require-hashes -r' takes the whole file;" > requirements.lock
	@echo "# the Makefile takes it up to the stage it needs." >> requirements.lock
	@previous=none; for stage in run test lab browser docs spark; do \
	  awk 'FILENAME == ARGV[1] { if (/^[a-z0-9]/) { seen[$$0] = 1 } next } \
	    /^[a-z0-9]/ { keep = !($$0 in seen) } keep' \
	    .venv/lock/$$previous .venv/lock/$$stage >> requirements.lock; \
	  echo "# end of $$stage" >> requirements.lock; previous=$$stage; done

clean:  ## the environment and everything made, but for the archive
	rm -rf .venv data
