#!/usr/bin/env bash
# kafka-stop.sh [I]: stops the brokers that kafka-start.sh started, if any are running, and returns once they have ended.
# I: only that broker, from 0; with kafka-start.sh after it, for each, a rolling restart.
# Variables: KAFKA_PORT STATE_DIR KAFKA_STOP_TIMEOUT. Exit: 0 none of ours is running, 1 one is, 2 a setting is invalid.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-kafka.sh
source "${ROOT}/scripts/lib-kafka.sh"

main() {
  check_settings
  [[ $# -eq 0 ]] || is_from_to "$*" 0 8 || usage_error "kafka-stop.sh $*: expected nothing, or a broker's number from 0 to 8"
  local dirs=("${KAFKA_STATE}"/broker-*)
  [[ $# -eq 0 ]] || dirs=("${KAFKA_STATE}/broker-$1")
  stop_servers "${KAFKA_STOP_TIMEOUT}" "no broker is running" "${dirs[@]}"
}

main "$@"
