#!/usr/bin/env bash
# Starts a broker from the environment, as the official image does: KAFKA_A_B=c is the property a.b=c.
set -euo pipefail

main() {
  local properties=/tmp/server.properties name key
  for name in $(compgen -e KAFKA_); do
    key="$(printf '%s' "${name#KAFKA_}" | tr '[:upper:]_' '[:lower:].')"
    printf '%s=%s\n' "${key}" "${!name}"
  done >"${properties}"
  [[ -n "${KAFKA_LOG_DIRS:-}" ]] || printf 'log.dirs=/tmp/kafka\n' >>"${properties}"
  java -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --ignore-formatted -t "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22)" -c "${properties}"
  exec java -Xmx512m -Dlog4j2.level=WARN -cp '/opt/kafka/libs/*' kafka.Kafka "${properties}"
}

main "$@"
