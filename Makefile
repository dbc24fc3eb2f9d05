# The entry point of sf-police. `make` alone lists the targets, and changes nothing.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Targets that are named together run in this order, even with a -j in an inherited MAKEFLAGS.
.NOTPARALLEL:

# Settings are given on Make's command line (make demo KAFKA_PORT=9192), as SF_POLICE_<SETTING> in the environment, or as
# flags of sf-police; their defaults are in sf_police/config.py. What the command line sets is passed on by the name that
# counts in the environment, where the bare name may be another program's (GNU screen sets WINDOW).
SETTINGS := KAFKA_BOOTSTRAP_SERVERS KAFKA_TOPIC KAFKA_PORT KAFKA_BROKERS PARTITIONS KAFKA_HOME KAFKA_CLIENT_PROPERTIES \
  DATA STATE_DIR STORE STORE_SCHEMA STORE_RETRY RETENTION CHECKPOINT WINDOW WATERMARK MAX_AHEAD TRIGGER \
  MAX_OFFSETS_PER_TRIGGER STARTING_OFFSETS UNTIL_END SPARK_MASTER SPARK_DRIVER_MEMORY SPARK_UI_PORT SPARK_CONF \
  METRICS_PORT METRICS_HOST LOG_FORMAT STATE_PARTITIONS STATE_STORE DASHBOARD_HOST DASHBOARD_PORT JARS_DIR JAVA_HOME \
  MAVEN_REPO FEED FEED_HOST FEED_TOKEN FEED_EVERY OPEN_AFTER
pass_on = $(eval override SF_POLICE_$(1) := $$($(1)))$(eval export SF_POLICE_$(1))
$(foreach name,$(SETTINGS),$(if $(filter command,$(origin $(name))),$(call pass_on,$(name))))

# These count on the command line only, as other programs export such names, too.
ignore = $(if $(filter 0,$(MAKELEVEL)),$(if $($(1)),$(warning $(1) in the environment does not count: say `make TARGET $(1)=...`)))$(eval override $(1) :=)
$(foreach name,ARGS FOLLOW FROM N QUESTION TO,$(if $(filter environment,$(origin $(name))),$(call ignore,$(name))))
# What would change what the recipes' shells and Pythons do.
unexport BASH_ENV ENV CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT PYTHONWARNINGS PYTHONSAFEPATH PYTHONOPTIMIZE
ifeq ($(strip $(HOME)),)
unexport HOME
endif

VENV ?= $(or $(SF_POLICE_VENV),.venv)
BOOTSTRAP_PYTHON ?= python3
# The package whose question is asked; another one: make demo QUESTION=examples.taxi_rides
override QUESTION := $(or $(QUESTION),sf_police)
PYTHON := $(VENV)/bin/python
SF_POLICE := "$(PYTHON)" -m $(QUESTION)
export VENV QUESTION PYTHON
# Two processes, as one test keeps one core busy (those with servers keep more, and gain nothing): ARGS="-n 0" for one.
PYTEST_BY_TWO := "$(PYTHON)" -m pytest -n 2 --dist loadfile

##@ Start here
.PHONY: demo
demo: install ## Run everything once, from the install to the answer
	@scripts/demo.sh

.PHONY: live
live: install ## Watch windows fill while calls are sent at a pace
	@scripts/with-broker.sh live $(ARGS)

.PHONY: install
install: ## Set up the venv and the jars (once; after that, no network)
	@scripts/venv-install.sh "$(BOOTSTRAP_PYTHON)"
	@scripts/kafka-install.sh
	@$(SF_POLICE) make-archive
	@$(SF_POLICE) make-page

# For what needs no jars, and must go on with an older venv where there is no network: a venv, whichever.
.PHONY: .venv-or-install
.venv-or-install:
	@scripts/venv-install.sh --if-missing "$(BOOTSTRAP_PYTHON)"

.PHONY: doctor
doctor: .venv-or-install ## Check what a run needs, and say how to get what is missing
	@$(SF_POLICE) doctor $(ARGS)

.PHONY: test
test: ## Lint, and the unit, integration and quick fault tests
	@scripts/test-plan.sh
	@$(MAKE) --no-print-directory lint test-unit test-integration
	@"$(PYTHON)" -m pytest tests/faults -m quick $(ARGS)

##@ The job
.PHONY: topic-create
topic-create: .venv-or-install ## Create the topic with PARTITIONS partitions
	@$(SF_POLICE) create-topic $(ARGS)

.PHONY: data
data: .venv-or-install ## Generate the calls, unless the file is there or DATA names one
	@$(SF_POLICE) generate --if-missing $(ARGS)

.PHONY: produce
produce: .venv-or-install ## Send the calls of DATA to the topic
	@$(SF_POLICE) produce $(ARGS)

.PHONY: run-stream
run-stream: install ## Count the topic's calls (UNTIL_END=1: stop at the end)
	@$(SF_POLICE) stream $(ARGS)

.PHONY: answer
answer: .venv-or-install ## Print the answer from the store
	@$(SF_POLICE) answer $(ARGS)

.PHONY: dashboard
dashboard: install ## Serve a page on the store, while a stream runs or after
	@$(SF_POLICE) dashboard $(ARGS)

.PHONY: reset
reset: .venv-or-install ## Delete the stream's checkpoint and store, and nothing else
	@$(SF_POLICE) reset $(ARGS)

##- Try it
.PHONY: trace
trace: .venv-or-install ## Follow one record from the file to the store (ARGS=CRIME_ID)
	@$(SF_POLICE) trace $(ARGS)

.PHONY: verify
verify: install ## Compare file, topic, state and store with each other, to the record
	@$(SF_POLICE) verify $(ARGS)

.PHONY: report
report: install ## Write the answer, charts and books into files
	@$(SF_POLICE) report $(ARGS)

.PHONY: drill
drill: install ## Kill a stream (-9) at random while you watch, and see it recover
	@scripts/with-broker.sh drill $(ARGS)

.PHONY: film
film: install ## Send the calls in three ways, and see in a film which a stream drops as late
	@scripts/with-broker.sh film $(ARGS)

.PHONY: fetch
fetch: .venv-or-install ## Download a city's calls of the days FROM to TO into a file
	@$(SF_POLICE) fetch $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(ARGS)

.PHONY: follow
follow: .venv-or-install ## Send a city's calls to the topic as they are decided, until Ctrl-C
	@$(SF_POLICE) follow $(ARGS)

.PHONY: exercise
exercise: install ## Check what you have made of a classic mistake: N=3, or N=all
	@"$(PYTHON)" -m docs.mistakes $(ARGS) "$(N)"

##- Servers
.PHONY: kafka-start
kafka-start: install ## Start the local broker and wait until it answers
	@scripts/kafka-start.sh $(ARGS)

.PHONY: kafka-stop
kafka-stop: ## Stop the brokers that kafka-start started, and no other process
	@scripts/kafka-stop.sh

.PHONY: kafka-status
kafka-status: ## Show whether the local broker is running (exit code 3: it is not)
	@scripts/kafka-status.sh

.PHONY: kafka-clean
kafka-clean: kafka-stop ## Delete the local broker's data: every topic on it
	@scripts/kafka-clean.sh

.PHONY: topic-inspect
topic-inspect: .venv-or-install ## Show offsets, first and last records (FOLLOW=1: then new ones)
	@$(SF_POLICE) inspect $(if $(filter 1,$(FOLLOW)),--follow) $(ARGS)

.PHONY: install-s3
install-s3: install ## Add the jars that a checkpoint on s3a:// needs
	@$(SF_POLICE) install --s3 $(ARGS)

.PHONY: spark-start
spark-start: install ## Start a Spark cluster on loopback, and wait for its workers
	@scripts/spark-start.sh $(ARGS)

.PHONY: spark-stop
spark-stop: ## Stop the Spark cluster that spark-start started, and no other process
	@scripts/spark-stop.sh

##- Development
.PHONY: test-unit
test-unit: install ## Run the unit tests: local Spark, no broker
	@$(PYTEST_BY_TWO) tests/unit examples/*/test_question.py $(ARGS)

.PHONY: test-integration
test-integration: install ## Run the integration tests: a real broker, the real commands
	@"$(PYTHON)" -m pytest tests/integration examples/*/test_commands.py $(ARGS)

.PHONY: test-page
test-page: .browser-install ## Run the tests of the page in Chromium (skipped and said where there is none)
	@$(PYTEST_BY_TWO) tests/page $(ARGS)

.PHONY: test-servers
test-servers: .s3-install ## Run the slow tests of servers, scripts and installs
	@"$(PYTHON)" -m pytest tests/servers $(ARGS)

.PHONY: test-faults
test-faults: install ## Kill, stop and break everything, compare with an oracle, and print what survives
	@"$(PYTHON)" -m pytest tests/faults $(ARGS)

.PHONY: test-cluster
test-cluster: .s3-install ## Count on a Spark cluster, and with checkpoints elsewhere, amid kills
	@"$(PYTHON)" -m pytest tests/cluster $(ARGS)

.PHONY: test-exercises
test-exercises: install ## Run the classic mistakes, their solutions, and what else the docs show for minutes
	@"$(PYTHON)" -m pytest docs/mistakes tests/shown $(ARGS)

.PHONY: fuzz
fuzz: install ## Fuzz the file reader for FUZZ_SECONDS, guided by coverage (Linux)
	@scripts/fuzz.sh $(ARGS)

.PHONY: test-docker
test-docker: install ## Build images without a registry; run deploy/ and the integration tests on them
	@scripts/test-docker.sh $(ARGS)

.PHONY: lint
lint: install ## Check the code without changing it
	@scripts/lint.sh

.PHONY: fmt
fmt: install ## Format the code
	@"$(PYTHON)" -m ruff format . && "$(PYTHON)" -m ruff check --fix . && "$(VENV)/bin/shfmt" -w -i 2 -ci scripts/*.sh deploy/*.sh .ci/run

.PHONY: clean
clean: ## Delete the venv and the tools' leftovers, but neither Kafka's data nor the jars
	@scripts/clean.sh

.PHONY: help
help: ## Show this help
	@awk -f scripts/help.awk Makefile
	@echo 'More: docs/targets.md; settings (make TARGET NAME=VALUE): docs/settings.md'

##- Benchmarks
.PHONY: bench
bench: install ## Measure rows/s by partitions, offsets per trigger, state partitions, executors (BENCH_QUICK=1: 3 minutes)
	@"$(PYTHON)" -m benchmarks.study $(ARGS)
	@"$(PYTHON)" -m benchmarks.plot

.PHONY: bench-peers
bench-peers: install ## Measure the same count by other engines (installs them in PEERS_DIR)
	@"$(PYTHON)" -m benchmarks.race $(ARGS)
	@"$(PYTHON)" -m benchmarks.plot

.PHONY: bench-targets
bench-targets: install ## Measure the producer, the cold answer, a micro-batch's cost and latency
	@"$(PYTHON)" -m benchmarks.targets $(ARGS)

.PHONY: bench-growth
bench-growth: install ## Measure time, state and memory over 10,000,000 calls, and a 2 GB file
	@"$(PYTHON)" -m benchmarks.growth $(ARGS)

.PHONY: bench-page
bench-page: .browser-install ## Measure the page until its first chart, and from a commit until it is seen
	@"$(PYTHON)" -m benchmarks.page $(ARGS)

.PHONY: pictures
pictures: .browser-install ## Make the docs' pictures again, from a real run (needs Chromium)
	@"$(PYTHON)" -m benchmarks.pictures $(ARGS)

# The jars for s3a://, and an S3 server for tests.
.PHONY: .s3-install
.s3-install: install
	@$(SF_POLICE) install --s3
	@scripts/venv-install.sh --s3

.PHONY: .browser-install
.browser-install: install
	@scripts/venv-install.sh --browser
