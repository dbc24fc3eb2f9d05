#!/usr/bin/env bash
# kafka-start.sh [--secured]: starts the local brokers that are not already running, and returns once all of them answer.
# --secured: with logins by password, token and certificate, and rights (ACLs), to try them out: see lib-secured.sh.
# Variables: KAFKA_PORT KAFKA_BROKERS KAFKA_HOME STATE_DIR JARS_DIR KAFKA_START_TIMEOUT KAFKA_HEAP_OPTS JAVA_HOME.
# Exit: 0 all are running, 1 one could not be started, 2 a setting is invalid.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-java.sh
source "${ROOT}/scripts/lib-java.sh"
# shellcheck source=scripts/lib-kafka.sh
source "${ROOT}/scripts/lib-kafka.sh"
# shellcheck source=scripts/lib-secured.sh
source "${ROOT}/scripts/lib-secured.sh"

main() {
  local i
  IS_SECURED="$(is_secured "$@")"
  check_settings
  check_paths
  use_utf8_locale
  JAVA="$(find_java)"
  compgen -G "${KAFKA_HOME}/libs/kafka_*.jar" >/dev/null ||
    die "no Kafka in '${KAFKA_HOME}': run \`make install\`, or set KAFKA_HOME to a Kafka installation"
  mkdir -p "${KAFKA_STATE}"
  ensure_same_brokers
  [[ -z "${IS_SECURED}" ]] || prepare_secured
  for ((i = 0; i < BROKERS; i++)); do
    launch "${i}"
  done
  for ((i = 0; i < BROKERS; i++)); do
    await "${i}"
  done
  if [[ -n "${IS_SECURED}" ]]; then
    add_scram_users
    say "logins, each a KAFKA_CLIENT_PROPERTIES: ${SECURED}/*-*.properties"
  fi
}

# is_secured [--secured]: prints something if so.
is_secured() {
  case "$*" in
    '') ;;
    --secured) printf 'secured\n' ;;
    *) usage_error "kafka-start.sh $*: expected nothing, or --secured" ;;
  esac
}

# Formatting writes the quorum into the data, so later starts need the same brokers.
ensure_same_brokers() {
  local file="${KAFKA_STATE}/brokers" voters
  voters="$(voters)"
  if [[ -f "${file}" && "$(cat "${file}")" != "${voters}" ]]; then
    die "the data in '${KAFKA_STATE}' belongs to brokers $(cat "${file}"), not ${voters}: set KAFKA_PORT and KAFKA_BROKERS as they were, or run \`make kafka-clean\`"
  fi
  printf '%s\n' "${voters}" >"${file}"
}

# What Kafka and Java read as a list, no escape helps.
check_paths() {
  case "${STATE_DIR}" in
    *[,$'\n']*) die "STATE_DIR=${STATE_DIR}: Kafka takes a comma for two folders; choose a folder without one" ;;
  esac
  case "${KAFKA_HOME}" in
    *:*) die "'${KAFKA_HOME}': Java takes a colon for two folders; set KAFKA_HOME or JARS_DIR to a folder without one" ;;
  esac
  properties_value "${STATE_DIR}" >/dev/null || die "STATE_DIR=${STATE_DIR} is not UTF-8, so Java cannot name it"
}

voters() {
  local i list=""
  for ((i = 0; i < BROKERS; i++)); do
    list="${list:+${list},}$((i + 1))@localhost:$((PORT + 2 * i + 1))"
  done
  printf '%s\n' "${list}"
}

launch() {
  local i="$1" dir port pid
  dir="$(broker_dir "${i}")"
  port="$(broker_port "${i}")"
  if pid="$(running_server "${dir}")"; then
    ensure_as_wanted "${dir}" "${port}"
    say "broker on localhost:${port} is already running (pid ${pid})"
    return
  fi
  if [[ -f "${dir}/kafka.pid" ]]; then
    say "removing the stale pid file of the broker on localhost:${port}"
    rm -f "${dir}/kafka.pid"
  fi
  for port in $(ports "${i}"); do
    ! port_answers "${port}" || die "port ${port} is in use by another program: stop it, or set KAFKA_PORT"
  done
  mkdir -p "${dir}/data"
  (umask 077 && render "${i}" "${dir}" >"${dir}/server.properties")
  # Log4j takes a path for a URL, so it gets a name, in the folder that the broker runs in.
  cp "${ROOT}/scripts/log4j2.properties" "${dir}/log4j2.properties"
  mark_start "${dir}"
  format "${dir}"
  # With exec, $! is the JVM itself.
  (
    close_descriptors
    cd "${dir}" # not where the caller is, which may be on a disk that is to be unmounted
    # shellcheck disable=SC2086 # split into options on purpose
    exec nohup "${JAVA}" ${KAFKA_HEAP_OPTS} "$(broker_mark "${dir}")" -Dlog4j2.configurationFile=log4j2.properties \
      -cp "${KAFKA_HOME}/libs/*" kafka.Kafka "${dir}/server.properties"
  ) >>"${dir}/kafka.log" 2>&1 </dev/null &
  pid="$!"
  printf '%s\n' "${pid}" >"${dir}/kafka.pid"
  # Until then, ps shows this script, and `await` would take the broker for one that has died.
  wait_until "${KAFKA_START_TIMEOUT}" is_java_or_ended "${dir}" "${pid}" || true # `await` says what has become of it
}

# ensure_as_wanted DIR PORT: a broker that runs keeps the listeners that it was started with.
ensure_as_wanted() {
  [[ -z "${IS_SECURED}" ]] || grep -q SASL_SSL "$1/server.properties" ||
    die "the broker on localhost:$2 is running without logins: run \`make kafka-stop\` first"
}

is_java_or_ended() {
  running_server "$1" >/dev/null || has_ended "$2"
}

# ports I: on which broker I is about to listen.
ports() {
  local port
  port="$(broker_port "$1")"
  printf '%s\n' "${port}" "$((port + 1))"
  [[ -z "${IS_SECURED}" ]] || printf '%s\n' "$(sasl_port "$1")" "$(mtls_port "$1")"
}

render() {
  local replication="${BROKERS}" port
  port="$(broker_port "$1")"
  ((replication <= 3)) || replication=3
  cat "${ROOT}/scripts/server.properties.in"
  printf '%s=%s\n' node.id "$(($1 + 1))" controller.quorum.voters "$(voters)" \
    listeners "PLAINTEXT://localhost:${port},CONTROLLER://localhost:$((port + 1))" \
    advertised.listeners "PLAINTEXT://localhost:${port}" log.dirs "$(properties_value "$2/data")" \
    default.replication.factor "${replication}" min.insync.replicas "$(((replication + 1) / 2))" \
    offsets.topic.replication.factor "${replication}" transaction.state.log.replication.factor "${replication}" \
    transaction.state.log.min.isr "$(((replication + 1) / 2))"
  [[ -z "${IS_SECURED}" ]] || render_secured "$1"
}

# format DIR: formats the storage once; all brokers share one cluster id.
format() {
  local dir="$1" id_file="${KAFKA_STATE}/cluster.id"
  [[ ! -f "${dir}/data/meta.properties" ]] || return 0
  [[ -s "${id_file}" ]] || head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22 >"${id_file}"
  "${JAVA}" -cp "${KAFKA_HOME}/libs/*" -Dlog4j2.level=WARN \
    kafka.tools.StorageTool format "--cluster-id=$(cat "${id_file}")" -c "${dir}/server.properties" >>"${dir}/kafka.log" 2>&1 ||
    fail "${dir}" "could not format '${dir}/data'"
}

await() {
  local dir port
  dir="$(broker_dir "$1")"
  port="$(broker_port "$1")"
  wait_until "${KAFKA_START_TIMEOUT}" answers_or_died "${dir}" "${port}" ||
    fail "${dir}" "the broker on localhost:${port} did not answer within ${KAFKA_START_TIMEOUT} s"
  ! is_gone "${dir}" || fail "${dir}" "the broker on localhost:${port} died at start$(taken_meanwhile "${dir}")"
  # Another program may have taken the port first, so ask for the cluster id, which must be ours.
  wait_until "${KAFKA_START_TIMEOUT}" has_our_cluster_id "${port}" ||
    fail "${dir}" "what answers at localhost:${port} is not our broker, or it has no controller"
  say "broker on localhost:${port} is running (pid $(running_server "${dir}"))"
}

# taken_meanwhile DIR: a connection may hold a port at which nothing answers, so only the broker sees that it is taken.
taken_meanwhile() {
  errors_since_start "$1" | sed -n 's/.*failed to bind to [^ ]*:\([0-9]*\): Address already in use.*/\1/p' | tail -n 1 |
    sed 's/.*/: another program has taken port &: run it again, or set KAFKA_PORT/'
}

answers_or_died() {
  is_gone "$1" || port_answers "$2"
}

has_our_cluster_id() {
  "${JAVA}" -cp "${KAFKA_HOME}/libs/*" -Dlog4j2.level=OFF org.apache.kafka.tools.ClusterTool cluster-id \
    --bootstrap-server "localhost:$1" 2>/dev/null | grep -q -F -- "$(cat "${KAFKA_STATE}/cluster.id")"
}

main "$@"
