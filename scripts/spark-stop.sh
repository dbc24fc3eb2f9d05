#!/usr/bin/env bash
# spark-stop.sh: stops the workers and the master that spark-start.sh started, if any are running, and returns once they
# have ended. What they have written stays. Variables: STATE_DIR SF_POLICE_SPARK_STOP_TIMEOUT.
# Exit: 0 none of ours is running, 1 one is, 2 a setting is invalid.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-spark.sh
source "${ROOT}/scripts/lib-spark.sh"

main() {
  local dir pid stopping=() pids=() i
  [[ $# -eq 0 ]] || usage_error "spark-stop.sh $*: expected nothing"
  check_timeouts
  ensure_ps
  # A worker ends the executors that it has started, so the workers go first.
  for dir in "${SPARK_STATE}"/worker-* "${SPARK_STATE}"/master; do
    if pid="$(running_server "${dir}")"; then
      say "stopping the ${dir##*/} with pid ${pid}"
      kill -TERM "${pid}" 2>/dev/null || true
      stopping+=("${dir}")
      pids+=("${pid}")
    else
      rm -f "${dir}/spark.pid"
    fi
  done
  # bash 3.2 treats an empty array as unset.
  if ((${#stopping[@]} == 0)); then
    say "no Spark master or worker is running"
    return
  fi
  for ((i = 0; i < ${#stopping[@]}; i++)); do
    finish "${stopping[i]}" "${pids[i]}"
  done
}

finish() {
  local dir="$1" pid="$2"
  if ! wait_until "${SPARK_STOP_TIMEOUT}" has_ended "${pid}"; then
    # Checked again, so that we only ever kill what is ours.
    if running_server "${dir}" >/dev/null; then
      say "the ${dir##*/} with pid ${pid} did not stop within ${SPARK_STOP_TIMEOUT} s: killing it"
      kill -KILL "${pid}" 2>/dev/null || true
    fi
    wait_until 30 has_ended "${pid}" || die "the ${dir##*/} with pid ${pid} cannot be killed"
  fi
  rm -f "${dir}/spark.pid"
}

main "$@"
