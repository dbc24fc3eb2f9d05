#!/usr/bin/env bash
# demo.sh: runs the whole job once: broker, data, topic, produce, stream to the end, answer. Run it with `make demo`.
# Variables: those of docs/settings.md; QUESTION, the package whose question is asked. If KAFKA_BOOTSTRAP_SERVERS or
# KAFKA_CLIENT_PROPERTIES names brokers, these are used and none is started.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Enough micro-batches to see the windows fill.
readonly RECORDS_PER_BATCH=22500

main() {
  local started="${SECONDS}" cap
  cd "${ROOT}"
  setting cap MAX_OFFSETS_PER_TRIGGER
  # The data first, as a DATA that does not exist is an error.
  say "1/5 data"
  sf_police generate --if-missing
  say "2/5 broker"
  start_or_use_broker
  say "3/5 topic"
  sf_police create-topic
  say "4/5 sending"
  sf_police produce
  say "5/5 streaming, and the answer"
  sf_police stream --until-end --max-offsets-per-trigger "${cap:-${RECORDS_PER_BATCH}}"
  say "done in $((SECONDS - started)) s"
  if is_broker_local; then
    say "the broker is still running; stop it with \`make kafka-stop\`"
  fi
  say "to watch a stream at a pace: \`make live\`"
}

main "$@"
