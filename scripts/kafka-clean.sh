#!/usr/bin/env bash
# kafka-clean.sh: deletes the data of the brokers that kafka-start.sh started here, once they are stopped. Only names that
# it and Kafka write are deleted, and only where the cluster id is ours; what is left is said.
# Variables: STATE_DIR. Exit: 0 nothing of ours is left, 1 a broker is running, or the data is not ours.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-kafka.sh
source "${ROOT}/scripts/lib-kafka.sh"

main() {
  local dir
  check_settings
  if [[ ! -d "${KAFKA_STATE}" ]]; then
    say "no broker's data in '${KAFKA_STATE}'"
    return
  fi
  for dir in "${KAFKA_STATE}"/broker-[0-9]; do
    [[ ! -d "${dir}" ]] || ensure_ours "${dir}"
  done
  for dir in "${KAFKA_STATE}"/broker-[0-9]; do
    [[ ! -d "${dir}" ]] || clean_broker "${dir}"
  done
  clean_secured "${KAFKA_STATE}/secured"
  remove_if "${KAFKA_STATE}/brokers" '^1@localhost:[0-9]+(,[2-9]@localhost:[0-9]+)*$'
  remove_if "${KAFKA_STATE}/cluster.id" '^[A-Za-z0-9_-]{22}$'
  remove_folder "${KAFKA_STATE}"
  say "deleted the brokers' data"
}

# A broker's folder is ours by its data's cluster id; if Kafka has written none, by the settings that we wrote.
ensure_ours() {
  local meta="$1/data/meta.properties" id
  ! running_server "$1" >/dev/null || die "a broker is running on '$1': run \`make kafka-stop\`"
  if [[ -f "${meta}" ]]; then
    id="$(cat "${KAFKA_STATE}/cluster.id" 2>/dev/null)" || die "'$1' is not provably ours, as there is no ${KAFKA_STATE}/cluster.id: nothing was deleted"
    grep -q -x -F -- "cluster.id=${id}" "${meta}" || die "'$1' is of another cluster than ${KAFKA_STATE}/cluster.id: nothing was deleted"
  elif [[ -e "$1/data" ]]; then
    [[ -z "$(find "$1/data/" -mindepth 1 ! -name '.lock' | head -n 1)" ]] ||
      grep -q -s -E '(Written|Rendered) by kafka-start.sh' "$1/server.properties" ||
      die "'$1' is not provably ours: nothing was deleted"
  fi
}

clean_broker() {
  local entry
  # Kafka's own names: a folder for each partition, and a few files.
  for entry in "$1/data"/* "$1/data"/.[!.]*; do
    case "${entry##*/}" in
      *-[0-9]* | *-delete | *-stray | *-future) [[ ! -d "${entry}" ]] || rm -rf "${entry}" ;;
      meta.properties | bootstrap.checkpoint | .lock | .kafka_cleanshutdown | *-offset-checkpoint | *.snapshot | *.tmp)
        rm -f "${entry}"
        ;;
    esac
  done
  remove_folder "$1/data"
  rm -f "$1/server.properties" "$1/log4j2.properties" "$1/kafka.log" "$1/kafka.pid"
  remove_folder "$1"
}

# clean_secured DIR: what `kafka-start.sh --secured` has made in it.
clean_secured() {
  local user
  [[ -f "$1/users" ]] || return 0
  while IFS= read -r user || [[ -n "${user}" ]]; do
    rm -f "$1/${user%%=*}.pem" "$1/${user%%=*}"-{scram-sha-256,scram-sha-512,plain,oauthbearer,mtls}.properties
  done <"$1/users"
  rm -f "$1"/{ca.pem,ca.key,ca.srl,broker.pem,openssl.log,users}
  remove_folder "$1"
}

# remove_if FILE PATTERN: removes the file if its one line is as we write it.
remove_if() {
  if [[ -f "$1" && "$(cat "$1")" =~ $2 ]]; then
    rm -f "$1"
  fi
}

# remove_folder DIR: removes it if it is empty, and says what is left if it is not.
remove_folder() {
  [[ -d "$1" ]] || return 0
  rmdir "$1" 2>/dev/null || say "left '$1', which has more than what Kafka wrote: $(find "$1/" -mindepth 1 -maxdepth 1 | head -n 3 | tr '\n' ' ')"
}

main "$@"
