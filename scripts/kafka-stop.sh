#!/usr/bin/env bash
# kafka-stop.sh: stops the brokers that kafka-start.sh started and returns when they are gone. Already stopped is fine.
# Variables: KAFKA_PORT STATE_DIR KAFKA_STOP_TIMEOUT. Exit: 0 none of ours is running.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local dir pid stopping=()
  check_settings
  for dir in "${KAFKA_STATE}"/broker-*; do
    if pid="$(running_pid "${dir}")"; then
      say "stopping the broker with pid ${pid}"
      kill -TERM "${pid}" 2>/dev/null || true
      stopping+=("${dir}")
    else
      rm -f "${dir}/kafka.pid"
    fi
  done
  # bash 3.2 takes an empty array for an unset one.
  if ((${#stopping[@]} == 0)); then
    say "no broker is running"
    return
  fi
  for dir in "${stopping[@]}"; do
    finish "${dir}"
  done
}

finish() {
  local dir="$1" pid
  if ! wait_until "${KAFKA_STOP_TIMEOUT}" is_gone "${dir}" && pid="$(running_pid "${dir}")"; then
    say "the broker with pid ${pid} did not stop within ${KAFKA_STOP_TIMEOUT} s: killing it"
    kill -KILL "${pid}" 2>/dev/null || true
    wait_until "${KAFKA_STOP_TIMEOUT}" is_gone "${dir}" || die "the broker with pid ${pid} cannot be killed"
  fi
  rm -f "${dir}/kafka.pid"
}

main "$@"
