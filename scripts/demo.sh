#!/usr/bin/env bash
# demo.sh: runs the whole job once: broker, data, topic, produce, stream to the end, answer. Run it with `make demo`.
# Variables: those of the README's table; QUESTION, the package whose question is asked. If KAFKA_BOOTSTRAP_SERVERS is
# set, that broker is used and none is started.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local started="${SECONDS}"
  if [[ -z "${KAFKA_BOOTSTRAP_SERVERS:-}" ]]; then
    "${ROOT}/scripts/kafka-start.sh"
  else
    say "using the broker at ${KAFKA_BOOTSTRAP_SERVERS}"
  fi
  if [[ -z "${DATA:-}" ]]; then
    "${PYTHON}" -m "${QUESTION:-sf_police}" generate --if-missing
  fi
  "${PYTHON}" -m "${QUESTION:-sf_police}" create-topic
  "${PYTHON}" -m "${QUESTION:-sf_police}" produce
  "${PYTHON}" -m "${QUESTION:-sf_police}" stream --until-end
  say "done in $((SECONDS - started)) s"
  if [[ -z "${KAFKA_BOOTSTRAP_SERVERS:-}" ]]; then
    say "the broker is still running; stop it with \`make kafka-stop\`"
  fi
}

main "$@"
