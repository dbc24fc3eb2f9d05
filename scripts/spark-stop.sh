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
  [[ $# -eq 0 ]] || usage_error "spark-stop.sh $*: expected nothing"
  check_timeouts
  ensure_ps
  # A worker ends the executors that it has started, so the workers go first.
  stop_servers "${SPARK_STOP_TIMEOUT}" "no Spark master or worker is running" \
    "${SPARK_STATE}"/worker-* "${SPARK_STATE}"/master
}

main "$@"
