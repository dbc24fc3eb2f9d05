# Shared by the scripts for the local brokers: their settings, folders and ports, and how to recognize them. To be
# sourced after lib.sh.
# shellcheck shell=bash

# Used by lib-process.sh.
# shellcheck disable=SC2034
readonly KIND=kafka
# shellcheck source=scripts/lib-process.sh
source "${ROOT}/scripts/lib-process.sh"

check_settings() {
  is_from_to "${PORT}" 1 65000 || usage_error "KAFKA_PORT=${PORT}: expected a port from 1 to 65000"
  is_from_to "${BROKERS}" 1 9 || usage_error "KAFKA_BROKERS=${BROKERS}: expected a number from 1 to 9"
  is_number "${KAFKA_START_TIMEOUT}" ||
    usage_error "KAFKA_START_TIMEOUT=${KAFKA_START_TIMEOUT}: expected a whole number of seconds"
  is_number "${KAFKA_STOP_TIMEOUT}" ||
    usage_error "KAFKA_STOP_TIMEOUT=${KAFKA_STOP_TIMEOUT}: expected a whole number of seconds"
  PORT=$((10#${PORT})) BROKERS=$((10#${BROKERS}))
  note_ignored KAFKA_PORT is_port
  note_ignored KAFKA_BROKERS is_broker_count
  ensure_ps
}

is_port() {
  is_from_to "$1" 1 65000
}

is_broker_count() {
  is_from_to "$1" 1 9
}

# Broker i keeps everything in its own folder and listens on KAFKA_PORT+2i; its controller listens on the next port.
broker_dir() {
  printf '%s/broker-%s\n' "${KAFKA_STATE}" "$1"
}

broker_port() {
  printf '%s\n' $((PORT + 2 * $1))
}

# broker_mark DIR: the option by which the process of the broker in DIR is recognized. It is ASCII without spaces, as
# ps shows other characters by the locale.
broker_mark() {
  printf -- '-Dsf.police.broker=%s\n' "$(properties_value "$1")"
}

# is_server DIR ARGS: whether this is the command line of the broker in DIR.
is_server() {
  case "$2" in
    *" $(broker_mark "$1") "*" kafka.Kafka "*) ;;
    *" kafka.Kafka $1/server.properties") ;; # started by a version without the mark
    *) return 1 ;;
  esac
}

# server_name DIR: what the server in DIR is called.
server_name() {
  printf 'broker\n'
}
