#!/usr/bin/env bash
# demo.sh: runs the whole job once: broker, data, topic, produce, stream to the end, answer. Run it with `make demo`.
# Variables: those of the README's table; QUESTION, the package whose question is asked. If KAFKA_BOOTSTRAP_SERVERS is
# set, that broker is used and none is started.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local started="${SECONDS}"
  cd "${ROOT}"
  # First, as a DATA that does not exist is an error.
  sf_police generate --if-missing
  start_or_use_broker
  sf_police create-topic
  sf_police produce
  sf_police stream --until-end
  say "done in $((SECONDS - started)) s"
  if [[ -z "${KAFKA_BOOTSTRAP_SERVERS}" ]]; then
    say "the broker is still running; stop it with \`make kafka-stop\`"
  fi
}

main "$@"
