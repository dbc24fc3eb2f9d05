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
  local dir pid stopping=() pids=() i
  check_settings
  [[ $# -eq 0 ]] || is_from_to "$*" 0 8 || usage_error "kafka-stop.sh $*: expected nothing, or a broker's number from 0 to 8"
  for dir in "${KAFKA_STATE}"/broker-${1:-*}; do
    if pid="$(running_pid "${dir}")"; then
      say "stopping the broker with pid ${pid}"
      kill -TERM "${pid}" 2>/dev/null || true
      stopping+=("${dir}")
      pids+=("${pid}")
    else
      rm -f "${dir}/kafka.pid"
    fi
  done
  # bash 3.2 treats an empty array as unset.
  if ((${#stopping[@]} == 0)); then
    say "no broker is running"
    return
  fi
  for ((i = 0; i < ${#stopping[@]}; i++)); do
    finish "${stopping[i]}" "${pids[i]}"
  done
}

finish() {
  local dir="$1" pid="$2"
  if ! wait_until "${KAFKA_STOP_TIMEOUT}" has_ended "${pid}"; then
    # Checked again, so that we only ever kill our own broker.
    if running_pid "${dir}" >/dev/null; then
      say "the broker with pid ${pid} did not stop within ${KAFKA_STOP_TIMEOUT} s: killing it"
      kill -KILL "${pid}" 2>/dev/null || true
    fi
    wait_until 30 has_ended "${pid}" || die "the broker with pid ${pid} cannot be killed"
  fi
  rm -f "${dir}/kafka.pid"
}

main "$@"
