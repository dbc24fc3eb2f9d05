#!/usr/bin/env bash
# make-secrets.sh: makes a password for the PostgreSQL of docker-compose.yml, as the two files that the containers read.
# Those that are there stay, as the database was made with their password.
# Variables: SECRETS_DIR (default: secrets, beside this script). Exit: 0 they are there, 1 they cannot be made.
set -euo pipefail
unset CDPATH

main() {
  local folder="${SECRETS_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/secrets}" password
  if [[ -e "${folder}/postgres_password" && -e "${folder}/pg_service.conf" ]]; then
    printf '==> %s has a password already\n' "${folder}" >&2
    return 0
  fi
  if [[ -e "${folder}/postgres_password" || -e "${folder}/pg_service.conf" ]]; then
    printf 'error: %s has one of postgres_password and pg_service.conf: write the other, with the same password\n' "${folder}" >&2
    return 1
  fi
  # The containers' users read the files as others. No other user of this machine does: the folder is closed to them.
  (umask 077 && mkdir -p "${folder}")
  password="$(LC_ALL=C tr -dc 'a-zA-Z0-9' </dev/urandom | head -c 32 || true)"
  [[ "${#password}" -eq 32 ]] || {
    printf 'error: no random password could be made\n' >&2
    return 1
  }
  printf '%s\n' "${password}" >"${folder}/postgres_password"
  printf '[sf-police]\nhost=postgres\ndbname=sf_police\nuser=sf_police\npassword=%s\n' "${password}" >"${folder}/pg_service.conf"
  chmod 0644 "${folder}/postgres_password" "${folder}/pg_service.conf"
  printf '==> made a password in %s\n' "${folder}" >&2
}

main "$@"
