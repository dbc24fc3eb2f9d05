# The entry point of sf-police. `make` alone lists the targets, and changes nothing.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Settings are Make variables, environment variables or flags of sf-police; their defaults are in sf_police/config.py
# and, for the scripts, in scripts/lib.sh. Make passes on what its own command line sets: make demo KAFKA_PORT=9192
VENV ?= .venv
BOOTSTRAP_PYTHON ?= python3
ARGS ?=
# The package whose question is asked; another one: make demo QUESTION=examples.taxi_rides
QUESTION ?= sf_police
FOLLOW ?=
STATE_DIR ?= .run
export VENV STATE_DIR QUESTION
override VENV := $(abspath $(VENV))
PYTHON := $(VENV)/bin/python
SF_POLICE := $(PYTHON) -m $(QUESTION)
INSTALLED := $(VENV)/.installed
BENCH_INSTALLED := $(VENV)/.bench-installed
export PYTHON

##@ Start here
.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z0-9_.-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: install ## Run everything: install, Kafka, data, topic, produce, stream to the end, answer
	@scripts/demo.sh

.PHONY: install
install: $(INSTALLED) ## Set up the venv and the jars of Kafka and the connector (once; then works offline)
	@scripts/kafka-install.sh
	@$(SF_POLICE) make-archive

$(INSTALLED): requirements.lock setup.cfg pyproject.toml
	@scripts/venv-install.sh "$(BOOTSTRAP_PYTHON)"
	@touch "$@"

##@ Kafka
.PHONY: kafka-start
kafka-start: install ## Start the local broker and wait until it answers
	@scripts/kafka-start.sh

.PHONY: kafka-stop
kafka-stop: ## Stop the brokers that kafka-start started, and no other process
	@scripts/kafka-stop.sh

.PHONY: kafka-status
kafka-status: ## Show whether the local broker is running (exit code 3: it is not)
	@scripts/kafka-status.sh

.PHONY: kafka-clean
kafka-clean: kafka-stop ## Delete the local broker's data: every topic on it
	@rm -rf "$(STATE_DIR)/kafka"

.PHONY: topic-create
topic-create: install ## Create the topic with PARTITIONS partitions
	@$(SF_POLICE) create-topic $(ARGS)

.PHONY: topic-inspect
topic-inspect: install ## Show the topic: offsets, first and last records (FOLLOW=1: then new ones)
	@$(SF_POLICE) inspect $(if $(filter 1,$(FOLLOW)),--follow) $(ARGS)

##@ The job
.PHONY: data
data: install ## Generate the calls, unless DATA names a file that exists
	@$(SF_POLICE) generate --if-missing $(ARGS)

.PHONY: produce
produce: install ## Send the calls of DATA to the topic
	@$(SF_POLICE) produce $(ARGS)

.PHONY: run-stream
run-stream: install ## Count the topic's calls into the store (UNTIL_END=1: stop at the end)
	@$(SF_POLICE) stream $(ARGS)

.PHONY: answer
answer: install ## Print the answer from the store
	@$(SF_POLICE) answer $(ARGS)

.PHONY: reset
reset: install ## Delete the stream's checkpoint and store, and nothing else
	@$(SF_POLICE) reset $(ARGS)

.PHONY: doctor
doctor: $(INSTALLED) ## Check everything that a run needs, with a remedy for what is missing
	@$(SF_POLICE) doctor $(ARGS)

##@ Development
.PHONY: test
test: lint test-unit test-integration ## Lint, then run the unit tests, the integration tests and the quick fault tests
	@$(PYTHON) -m pytest tests/faults -m quick $(ARGS)

.PHONY: test-unit
test-unit: install ## Run the unit tests: local Spark, no broker
	@$(PYTHON) -m pytest tests/unit examples/*/test_question.py $(ARGS)

.PHONY: test-integration
test-integration: install ## Run the integration tests: a real broker, the real commands
	@$(PYTHON) -m pytest tests/integration examples/*/test_commands.py $(ARGS)

.PHONY: test-faults
test-faults: install ## Kill, stop and break everything, compare with an oracle, and print what survives
	@$(PYTHON) -m pytest tests/faults $(ARGS)

.PHONY: fuzz
fuzz: install ## Fuzz the file reader for FUZZ_SECONDS, guided by coverage (Linux)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@$(PYTHON) -m tests.fuzz.json_files "$(STATE_DIR)/fuzz" -max_total_time=$(or $(FUZZ_SECONDS),60) -artifact_prefix="$(STATE_DIR)/" $(ARGS)

.PHONY: test-docker
test-docker: install ## Build a broker image without a registry, and run the integration tests on it
	@scripts/test-docker.sh $(ARGS)

.PHONY: lint
lint: install ## Check the code without changing it
	@scripts/lint.sh

.PHONY: fmt
fmt: install ## Format the code
	@$(PYTHON) -m ruff format . && $(PYTHON) -m ruff check --fix . && "$(VENV)/bin/shfmt" -w -i 2 -ci scripts/*.sh .ci/run

##@ Benchmarks
.PHONY: bench
bench: $(BENCH_INSTALLED) ## Measure rows/s by partitions, offsets per trigger, state partitions, executors (BENCH_QUICK=1: 3 minutes)
	@$(PYTHON) -m benchmarks.study $(ARGS)
	@$(PYTHON) -m benchmarks.plot

.PHONY: bench-peers
bench-peers: $(BENCH_INSTALLED) ## Measure the same count by other engines (installs them in PEERS_DIR)
	@$(PYTHON) -m benchmarks.race $(ARGS)
	@$(PYTHON) -m benchmarks.plot

.PHONY: bench-targets
bench-targets: install ## Measure the producer, the cold answer, a micro-batch's cost and latency
	@$(PYTHON) -m benchmarks.targets $(ARGS)

.PHONY: bench-growth
bench-growth: install ## Measure time, state and memory over 10,000,000 calls, and a 2 GB file
	@$(PYTHON) -m benchmarks.growth $(ARGS)

$(BENCH_INSTALLED): benchmarks/requirements.lock $(INSTALLED) | install
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch "$@"

##@ Cleaning up
.PHONY: clean
clean: ## Delete the venv and the tools' leftovers, but neither Kafka's data nor the jars
	@rm -rf "$(VENV)" build dist *.egg-info .mypy_cache .ruff_cache .hypothesis spark-warehouse .import_linter_cache
