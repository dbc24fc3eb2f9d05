# Shared by the scripts for the local Spark cluster: its folders and ports, and how to recognize its processes. To be
# sourced after lib.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this

# Used by lib-process.sh.
# shellcheck disable=SC2034
readonly KIND=spark
# shellcheck source=scripts/lib-process.sh
source "${ROOT}/scripts/lib-process.sh"

readonly SPARK_STATE="${STATE_DIR}/spark"
readonly MOST_WORKERS=9
SPARK_START_TIMEOUT="${SF_POLICE_SPARK_START_TIMEOUT:-60}"
SPARK_STOP_TIMEOUT="${SF_POLICE_SPARK_STOP_TIMEOUT:-30}"

check_timeouts() {
  is_number "${SPARK_START_TIMEOUT}" ||
    usage_error "SF_POLICE_SPARK_START_TIMEOUT=${SPARK_START_TIMEOUT}: expected a whole number of seconds"
  is_number "${SPARK_STOP_TIMEOUT}" ||
    usage_error "SF_POLICE_SPARK_STOP_TIMEOUT=${SPARK_STOP_TIMEOUT}: expected a whole number of seconds"
}

# The master and each worker keep everything in a folder of their own.
server_dir() {
  printf '%s/%s\n' "${SPARK_STATE}" "$1"
}

# The master listens on PORT, its page is on the next port; worker i, from 1, has the two after those before it.
server_port() {
  case "$1" in
    master) printf '%s\n' "${SPARK_PORT}" ;;
    *) printf '%s\n' $((SPARK_PORT + 2 * ${1#worker-})) ;;
  esac
}

# server_mark DIR: the option by which the process of the server in DIR is recognized.
server_mark() {
  printf -- '-Dsf.police.spark=%s\n' "$(properties_value "$1")"
}

# is_server DIR ARGS: whether this is the command line of the server in DIR.
is_server() {
  [[ "$2" == *" $(server_mark "$1") "*" org.apache.spark.deploy."* ]]
}

# server_name DIR: what the server in DIR is called.
server_name() {
  printf '%s\n' "${1##*/}"
}
