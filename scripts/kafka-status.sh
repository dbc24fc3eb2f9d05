#!/usr/bin/env bash
# kafka-status.sh: shows which of our brokers are running. Variables: KAFKA_PORT KAFKA_BROKERS STATE_DIR.
# Exit: 0 all are running and listening, 2 a setting is invalid, 3 at least one broker is not running or not listening.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-kafka.sh
source "${ROOT}/scripts/lib-kafka.sh"

main() {
  local i pid port status=0
  check_settings
  for ((i = 0; i < BROKERS; i++)); do
    port="$(broker_port "${i}")"
    if ! pid="$(running_server "$(broker_dir "${i}")")"; then
      printf 'localhost:%s not running\n' "${port}"
      status=3
    elif ! port_answers "${port}"; then
      printf 'localhost:%s pid %s, not listening\n' "${port}" "${pid}"
      status=3
    else
      printf 'localhost:%s running, pid %s, log %s/kafka.log\n' "${port}" "${pid}" "$(broker_dir "${i}")"
    fi
  done
  return "${status}"
}

main "$@"
