#!/usr/bin/env bash
# Starts a PostgreSQL with a user and a database of the environment, as the official image does.
set -euo pipefail

main() {
  local data=/var/lib/postgresql/data
  export PATH
  PATH="$(echo /usr/lib/postgresql/*/bin):${PATH}"
  if [[ ! -e "${data}/PG_VERSION" ]]; then
    initdb -D "${data}" -U "${POSTGRES_USER}" -A scram-sha-256 --pwfile="${POSTGRES_PASSWORD_FILE}" -E UTF8 --locale=C.UTF-8
    printf 'host all all all scram-sha-256\n' >>"${data}/pg_hba.conf"
    printf 'CREATE DATABASE %s;\n' "${POSTGRES_DB}" | postgres --single -D "${data}" postgres
  fi
  exec postgres -D "${data}" -c listen_addresses='*'
}

main "$@"
