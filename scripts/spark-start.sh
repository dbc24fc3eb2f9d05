#!/usr/bin/env bash
# spark-start.sh [--workers N] [--cores N] [--memory SIZE] [--port PORT]: starts a Spark master and its workers on
# loopback, from the venv's pyspark, and returns once all workers are registered. Prints the master's URL.
# Defaults: 2 workers of 1 core and 1g each; the master on port 7077, its page on the next, two ports for each worker.
# Variables: STATE_DIR JAVA_HOME SF_POLICE_SPARK_START_TIMEOUT. Exit: 0 all are running, 1 one could not be started,
# 2 an option is invalid.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-java.sh
source "${ROOT}/scripts/lib-java.sh"
# shellcheck source=scripts/lib-spark.sh
source "${ROOT}/scripts/lib-spark.sh"

WORKERS=2 CORES=1 MEMORY=1g SPARK_PORT=7077

main() {
  local i
  read_options "$@"
  check_timeouts
  ensure_ps
  case "${STATE_DIR}" in
    *$'\n'*) die "STATE_DIR=${STATE_DIR}: choose a folder without a line end in its name" ;;
  esac
  properties_value "${STATE_DIR}" >/dev/null || die "STATE_DIR=${STATE_DIR} is not UTF-8, so Java cannot name it"
  use_utf8_locale
  JAVA="$(find_java)"
  SPARK_HOME="$(find_spark)"
  settle_environment
  mkdir -p "${SPARK_STATE}"
  ensure_same_cluster
  launch master org.apache.spark.deploy.master.Master
  await_server master
  for ((i = 1; i <= WORKERS; i++)); do
    launch "worker-${i}" org.apache.spark.deploy.worker.Worker
  done
  for ((i = 1; i <= WORKERS; i++)); do
    await_server "worker-${i}"
  done
  say "workers: ${WORKERS}, cores each: ${CORES}, memory each: ${MEMORY}; their page: http://127.0.0.1:$((SPARK_PORT + 1))"
  printf '%s\n' "$(master_url)"
}

read_options() {
  while (($# > 0)); do
    (($# > 1)) || usage_error "spark-start.sh $1: expected a value behind it"
    case "$1" in
      --workers) WORKERS="$2" ;;
      --cores) CORES="$2" ;;
      --memory) MEMORY="$2" ;;
      --port) SPARK_PORT="$2" ;;
      *) usage_error "spark-start.sh $1: expected --workers N, --cores N, --memory SIZE or --port PORT" ;;
    esac
    shift 2
  done
  is_from_to "${WORKERS}" 1 "${MOST_WORKERS}" || usage_error "--workers ${WORKERS}: expected a number from 1 to ${MOST_WORKERS}"
  is_from_to "${CORES}" 1 1000 || usage_error "--cores ${CORES}: expected a number from 1 to 1000"
  is_from_to "${SPARK_PORT}" 1 65000 || usage_error "--port ${SPARK_PORT}: expected a port from 1 to 65000"
  [[ "${MEMORY}" =~ ^[1-9][0-9]*[mgMG]$ ]] ||
    usage_error "--memory ${MEMORY}: expected a whole number followed by m or g, such as 1g"
  WORKERS=$((10#${WORKERS})) CORES=$((10#${CORES})) SPARK_PORT=$((10#${SPARK_PORT}))
}

master_url() {
  printf 'spark://127.0.0.1:%s\n' "${SPARK_PORT}"
}

# Prints the folder of the venv's pyspark.
find_spark() {
  local found
  found="$("${PYTHON}" -I -c \
    'from importlib.util import find_spec; found = find_spec("pyspark"); print(*(found.submodule_search_locations if found else ()))' 2>/dev/null)" ||
    die "no Python at '${PYTHON}': run \`make install\`"
  [[ -d "${found}/jars" ]] || die "no pyspark in the venv of '${PYTHON}': run \`make install\`"
  case "${found}" in
    *:*) die "'${found}': Java takes a colon for two folders; set VENV to a folder without one" ;;
  esac
  printf '%s\n' "${found}"
}

# What another Spark's settings would change. Where its temporary files go is the user's to say.
settle_environment() {
  local name home
  for name in ${!SPARK_@}; do
    case "${name}" in
      SPARK_HOME | SPARK_STATE | SPARK_PORT | SPARK_START_TIMEOUT | SPARK_STOP_TIMEOUT | SPARK_LOCAL_DIRS) ;;
      *) unset "${name}" ;;
    esac
  done
  # Every page, too, is on loopback alone.
  export SPARK_HOME SPARK_SCALA_VERSION=2.13 SPARK_LOCAL_IP=127.0.0.1
  # The executors run the Java that their worker does.
  setting home JAVA_HOME
  unset JAVA_HOME
  if [[ -n "${home}" ]]; then
    JAVA_HOME="$(absolute "${home}")"
    export JAVA_HOME
  fi
}

# What runs keeps the options that it was started with.
ensure_same_cluster() {
  local file="${SPARK_STATE}/options" wanted dir
  wanted="--workers ${WORKERS} --cores ${CORES} --memory ${MEMORY} --port ${SPARK_PORT}"
  for dir in "${SPARK_STATE}"/master "${SPARK_STATE}"/worker-*; do
    if running_server "${dir}" >/dev/null && [[ "$(cat "${file}" 2>/dev/null)" != "${wanted}" ]]; then
      die "a cluster with $(cat "${file}") is running in '${SPARK_STATE}': run \`make spark-stop\` first, or say the same"
    fi
  done
  printf '%s\n' "${wanted}" >"${file}"
}

# launch NAME CLASS
launch() {
  local name="$1" class="$2" dir port pid
  dir="$(server_dir "${name}")"
  port="$(server_port "${name}")"
  if pid="$(running_server "${dir}")"; then
    say "the ${name} on 127.0.0.1:${port} is already running (pid ${pid})"
    return
  fi
  for port in "${port}" "$((port + 1))"; do
    ! port_answers "${port}" ||
      die "port ${port} is in use by another program: stop it, or choose another by \`make spark-start ARGS=\"--port PORT\"\`"
  done
  port="$(server_port "${name}")"
  mkdir -p "${dir}"
  # A port that is taken is an error, not a reason to take the next one; a page must not end what others run; and what
  # applications leave in the workers' folders goes after a day.
  printf '%s\n' spark.port.maxRetries=0 spark.master.rest.enabled=false spark.ui.killEnabled=false \
    spark.worker.cleanup.enabled=true spark.worker.cleanup.appDataTtl=86400 >"${dir}/spark.properties"
  mark_start "${dir}"
  # With exec, $! is the JVM itself.
  (
    close_descriptors
    cd "${dir}" # not where the caller is, which may be on a disk that is to be unmounted
    set -- --properties-file "${dir}/spark.properties" --host 127.0.0.1 --port "${port}" --webui-port "$((port + 1))"
    if [[ "${name}" != master ]]; then
      set -- "$@" --cores "${CORES}" --memory "${MEMORY}" --work-dir "${dir}/work" "$(master_url)"
    fi
    exec nohup "${JAVA}" -Xmx512m "$(server_mark "${dir}")" -cp "${SPARK_HOME}/jars/*" "${class}" "$@"
  ) >>"${dir}/spark.log" 2>&1 </dev/null &
  pid="$!"
  printf '%s\n' "${pid}" >"${dir}/spark.pid"
  # Until then, ps shows this script, and `await_server` would take the server for one that has died.
  wait_until "${SPARK_START_TIMEOUT}" is_java_or_ended "${dir}" "${pid}" || true # `await_server` says what became of it
}

is_java_or_ended() {
  running_server "$1" >/dev/null || has_ended "$2"
}

await_server() {
  local name="$1" dir port
  dir="$(server_dir "${name}")"
  port="$(server_port "${name}")"
  wait_until "${SPARK_START_TIMEOUT}" is_known_or_died "${name}" ||
    fail "${dir}" "the ${name} on 127.0.0.1:${port} was not known to the master within ${SPARK_START_TIMEOUT} s"
  ! is_gone "${dir}" || fail "${dir}" "the ${name} on 127.0.0.1:${port} died at start"
  say "the ${name} on 127.0.0.1:${port} is running (pid $(running_server "${dir}"), log ${dir}/spark.log)"
}

is_known_or_died() {
  is_gone "$(server_dir "$1")" || is_known "$1"
}

# is_known NAME: the master says on its page that it is ours, or that this worker has registered.
is_known() {
  local said
  said="$("${PYTHON}" -I "${ROOT}/scripts/spark_master.py" "$((SPARK_PORT + 1))" 2>/dev/null)" || return 1
  case "$1" in
    master) [[ "${said%%$'\n'*}" == "$(master_url)" ]] ;;
    *) grep -q -x -F "127.0.0.1:$(server_port "$1")" <<<"${said}" ;;
  esac
}

main "$@"
