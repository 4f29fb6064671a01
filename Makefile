# Two commands for a newcomer: `make study` and `make test`. Both set up .venv when it is needed.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL := PYTHONWARNINGS=ignore $(RUN) -m pip install --quiet --no-compile --constraint constraints.txt
# On all cores, which pip does not; files that some packages have for other Pythons do not matter.
COMPILE := $(RUN) -W ignore -m compileall -qq -j 0 -x '/(tests|rllib|transformers/models)/' $(VENV) || true

.PHONY: help study smoke paper test test-fast test-integrations test-faults test-benchmarks test-cluster test-slurm audit check docs dist clean

help:            ## what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

study: $(VENV)/ready ## the regime study on real smartwatch data: tables, figures, a report (minutes)
	$(RUN) -m study.regime --scenario watch --sure 0.9 --more-repeats 16 $(ARGS)

smoke: $(VENV)/ready ## the same, cut down to a minute
	$(RUN) -m study.regime --scenario watch --smoke $(ARGS)

paper: $(VENV)/ready ## the paper's four studies on the built-in samples (half an hour)
	scripts/paper $(ARGS)

test: $(VENV)/ready ## all tests, but those that need heavy parts
	scripts/test $(ARGS)

test-fast: $(VENV)/ready ## tests that need neither Ray nor a browser nor half a second each (a minute and a half)
	scripts/test fast $(ARGS)

test-integrations: $(VENV)/integrations ## tests that need heavy parts, such as a fresh environment or a framework (minutes)
	scripts/test integrations $(ARGS)

test-faults: $(VENV)/integrations ## studies that are killed, frozen or interrupted, and machines that break (minutes)
	scripts/test faults $(ARGS)

test-benchmarks: $(VENV)/ready ## the benchmarks that train whole studies, in their smallest forms (minutes)
	scripts/test benchmarks $(ARGS)

test-cluster: $(VENV)/ready ## a real `ray up` on two pretended hosts (Linux, as root; two minutes)
	tests/cluster/ray_up.sh $(VENV)

test-slurm: $(VENV)/ready ## jobs under a real SLURM on this machine (Linux, as root; minutes)
	tests/cluster/slurm.sh $(VENV)

audit:           ## known vulnerabilities of the pinned versions, by PyPI's advisories (asks PyPI)
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --progress-spinner off

check: $(VENV)/ready ## format, lint, layers, types and the documentation site
	scripts/check

docs: $(VENV)/ready ## the documentation as a site, on loopback alone, until Ctrl-C
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs serve --dev-addr 127.0.0.1:8000 $(ARGS)

dist: $(VENV)/ready ## wheel, source archive and documentation site, as a release publishes them
	scripts/dist

clean:           ## remove the environment and caches; results stay
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/ready: pyproject.toml constraints.txt | $(RUN)
	@echo "filling $(VENV): two minutes or more; it takes about 7 GB where torch comes with CUDA"
	@$(INSTALL) --editable '.[sample,dev]'
	@$(COMPILE)
	@touch $@

# With the frameworks that callbacks are tested with: at once, for who begins with it, as .ci/run does.
$(VENV)/integrations: pyproject.toml constraints.txt | $(RUN)
	$(INSTALL) --editable '.[sample,dev,integrations]'
	@$(COMPILE)
	@touch $(VENV)/ready $@

# A present pip installs in two thirds of the time of the one that Python 3.11 brings.
$(RUN):
	$(PYTHON) -m venv --upgrade-deps $(VENV)
