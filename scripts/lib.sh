# Shared by the scripts in this folder: settings, messages, waiting, Java, and recognizing our brokers. To be sourced;
# bash 3.2. Settings are environment variables with the defaults in the README's table; Make passes its own on.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly ROOT

: "${VENV:=${ROOT}/.venv}"
: "${PYTHON:=${VENV}/bin/python}"
: "${STATE_DIR:=.run}"
: "${JARS_DIR:=${HOME}/.cache/sf-police/jars}"
: "${KAFKA_PORT:=9092}"
: "${KAFKA_BROKERS:=1}"
: "${KAFKA_START_TIMEOUT:=60}"
: "${KAFKA_STOP_TIMEOUT:=30}"
: "${KAFKA_HEAP_OPTS:=-Xms256m -Xmx1g}"

# A relative STATE_DIR is relative to the repo, wherever the script is run from.
case "${STATE_DIR}" in
  /*) ;;
  *) STATE_DIR="${ROOT}/${STATE_DIR}" ;;
esac

readonly SUMS="${ROOT}/scripts/jars.sha256"
KAFKA_DIST="$(sed -n 's|^[0-9a-f]*  \(kafka_[^/]*\)/.*|\1|p' "${SUMS}" | head -n 1)"
readonly KAFKA_DIST
: "${KAFKA_HOME:=${JARS_DIR}/${KAFKA_DIST}}"
readonly KAFKA_STATE="${STATE_DIR}/kafka"

say() {
  printf '==> %s\n' "$*" >&2
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# wait_until TIMEOUT_S COMMAND...: runs the command every 0.2 s until it succeeds; fails if it has not succeeded after
# TIMEOUT_S. The last attempt is made when the time is up, so a last-moment success counts.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= deadline)); then
      "$@"
      return
    fi
    sleep 0.2
  done
}

# Prints the java to use; dies if there is none, or if it is too old for Kafka and Spark.
find_java() {
  local java=java version
  if [[ -n "${JAVA_HOME:-}" ]]; then
    java="${JAVA_HOME}/bin/java"
  fi
  # macOS has a /usr/bin/java that only reports that Java is not installed.
  if ! version="$("${java}" -version 2>&1)"; then
    die "no Java at '${java}': install Java 17 or 21, or set JAVA_HOME to one"
  fi
  version="$(printf '%s\n' "${version}" | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)"
  if [[ "${version:-0}" -lt 17 ]]; then
    die "'${java}' is Java ${version:-(version unknown)}: install Java 17 or 21, or set JAVA_HOME to one"
  fi
  printf '%s\n' "${java}"
}

is_number() {
  case "$1" in
    '' | *[!0-9]*) return 1 ;;
  esac
}

is_from_to() {
  is_number "$1" && [[ "$1" -ge "$2" && "$1" -le "$3" ]]
}

check_settings() {
  is_from_to "${KAFKA_PORT}" 1 65000 || usage_error "KAFKA_PORT=${KAFKA_PORT}: expected a port from 1 to 65000"
  is_from_to "${KAFKA_BROKERS}" 1 9 || usage_error "KAFKA_BROKERS=${KAFKA_BROKERS}: expected a number from 1 to 9"
  is_number "${KAFKA_START_TIMEOUT}" ||
    usage_error "KAFKA_START_TIMEOUT=${KAFKA_START_TIMEOUT}: expected a whole number of seconds"
  is_number "${KAFKA_STOP_TIMEOUT}" ||
    usage_error "KAFKA_STOP_TIMEOUT=${KAFKA_STOP_TIMEOUT}: expected a whole number of seconds"
}

usage_error() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# Broker i keeps everything in its own folder and listens on KAFKA_PORT+2i; its controller listens on the next port.
broker_dir() {
  printf '%s/broker-%s\n' "${KAFKA_STATE}" "$1"
}

broker_port() {
  printf '%s\n' $((KAFKA_PORT + 2 * $1))
}

port_answers() {
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
}

# running_pid DIR: prints the pid of the broker in DIR if it is running. A pid file alone proves nothing, as the pid may
# have been reused by another program; ours is the process whose command line ends with our server.properties.
running_pid() {
  local dir="$1" pid
  [[ -f "${dir}/kafka.pid" ]] || return 1
  pid="$(cat "${dir}/kafka.pid")"
  is_number "${pid}" || return 1
  case "$(ps -ww -o args= -p "${pid}" 2>/dev/null)" in
    *" kafka.Kafka ${dir}/server.properties") printf '%s\n' "${pid}" ;;
    *) return 1 ;;
  esac
}

# has_ended PID: the process is gone, or a zombie. (Its command line disappears a moment earlier, while it still holds
# its ports.)
has_ended() {
  case "$(ps -o stat= -p "$1" 2>/dev/null)" in
    '' | Z*) return 0 ;;
    *) return 1 ;;
  esac
}

is_gone() {
  ! running_pid "$1" >/dev/null
}
