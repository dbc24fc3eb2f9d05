# Shared by the scripts in this folder: what they inherit, settings, messages, waiting. To be sourced; bash 3.2.
# lib-java.sh and lib-kafka.sh build on it. Settings are those of docs/settings.md, by one rule: see `setting`.
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for the scripts that source this
# shellcheck disable=SC2088 # ~ is expanded by `absolute`

# What a shell inherits changes nothing: functions named like commands, noclobber, where `cd` goes, another Python's.
for name in $(compgen -A function); do
  unset -f "${name}"
done
set +o noclobber +o posix
unset name BASH_ENV ENV CDPATH GREP_OPTIONS
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT PYTHONWARNINGS PYTHONSAFEPATH PYTHONOPTIMIZE
if [[ -z "${HOME:-}" ]]; then
  unset HOME
  HOME=~ # without HOME, bash looks the user up
fi

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)"
readonly ROOT

say() {
  printf '==> %s\n' "$*" >&2
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

# Whether there is a browser for tests and pictures, by the names that tests/support/browser.py looks for.
has_chromium() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

is_blank() {
  [[ -z "${1//[[:space:]]/}" ]]
}

# setting VARIABLE NAME [DEFAULT]: VARIABLE becomes SF_POLICE_NAME; else NAME, if that name is everybody's; else the
# default. Blank is as not given. Other names are other programs': Kubernetes sets KAFKA_PORT=tcp://10.0.0.1:9092.
setting() {
  local prefixed="SF_POLICE_$2" value
  value="${!prefixed:-}"
  case "$2" in
    KAFKA_BOOTSTRAP_SERVERS | KAFKA_TOPIC | KAFKA_CLIENT_PROPERTIES | KAFKA_HOME | STATE_DIR | JAVA_HOME | NO_COLOR)
      ! is_blank "${value}" || value="${!2:-}"
      ;;
  esac
  ! is_blank "${value}" || value="${3:-}"
  [[ "$1" == "$2" ]] || unset "$1" # it may be exported, with another meaning
  printf -v "$1" '%s' "${value}"
}

# note_ignored NAME TEST...: says that NAME in the environment does not count, where it would be valid.
note_ignored() {
  local name="$1" prefixed="SF_POLICE_$1"
  shift
  if ! is_blank "${!name:-}" && is_blank "${!prefixed:-}" && "$@" "${!name}"; then
    say "${name}=${!name} in the environment does not count: set ${prefixed}, or say \`make TARGET ${name}=…\`"
  fi
}

# absolute PATH: prints it with ~ as Python reads it, and relative to the repo, wherever the script is run from.
absolute() {
  local path="$1" user="${1%%/*}"
  case "${path}" in
    '~' | '~/'*) path="${HOME}${path#\~}" ;;
    '~'*[!a-zA-Z0-9._/-]*) ;;
    '~'*) eval "path=${user}" && path="${path}${1#"${user}"}" ;;
  esac
  case "${path}" in
    /*) printf '%s\n' "${path}" ;;
    *) printf '%s\n' "${ROOT}/${path}" ;;
  esac
}

is_number() {
  case "$1" in
    '' | *[!0-9]* | ??????????*) return 1 ;;
  esac
}

is_from_to() {
  is_number "$1" && ((10#$1 >= $2 && 10#$1 <= $3))
}

setting KAFKA_BOOTSTRAP_SERVERS KAFKA_BOOTSTRAP_SERVERS
setting KAFKA_CLIENT_PROPERTIES KAFKA_CLIENT_PROPERTIES
setting STATE_DIR STATE_DIR .run
setting JARS JARS_DIR "~/.cache/sf-police/jars"
setting PORT KAFKA_PORT 9092
setting BROKERS KAFKA_BROKERS 1
setting KAFKA_HOME KAFKA_HOME
STATE_DIR="$(absolute "${STATE_DIR}")"
JARS="$(absolute "${JARS}")"

# These are no settings of a run: where its Python is, and how long the scripts wait.
: "${VENV:=${SF_POLICE_VENV:-.venv}}"
VENV="$(absolute "${VENV%/}")"
: "${PYTHON:=${VENV}/bin/python}"
case "${PYTHON}" in
  /*) ;;
  */*) PYTHON="${ROOT}/${PYTHON}" ;;
esac
KAFKA_START_TIMEOUT="${SF_POLICE_KAFKA_START_TIMEOUT:-${KAFKA_START_TIMEOUT:-60}}"
KAFKA_STOP_TIMEOUT="${SF_POLICE_KAFKA_STOP_TIMEOUT:-${KAFKA_STOP_TIMEOUT:-30}}"
: "${KAFKA_HEAP_OPTS:=-Xms256m -Xmx1g}"

readonly SUMS="${ROOT}/sf_police/spark/jars.sha256"
KAFKA_DIST="$(sed -n 's|^[0-9a-f]*  \(kafka_[^/]*\)/.*|\1|p' "${SUMS}" | head -n 1)"
readonly KAFKA_DIST
: "${KAFKA_HOME:=${JARS}/${KAFKA_DIST}}"
KAFKA_HOME="$(absolute "${KAFKA_HOME}")"
readonly KAFKA_STATE="${STATE_DIR}/kafka"

if command -v sha256sum >/dev/null; then
  SHA256=(sha256sum)
else
  SHA256=(shasum -a 256)
fi
readonly SHA256

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

# sf_police COMMAND...: runs a command on the question.
sf_police() {
  "${PYTHON}" -m "${QUESTION:-sf_police}" "$@"
}

# Starts the local broker, unless a setting names others.
start_or_use_broker() {
  if is_broker_local; then
    "${ROOT}/scripts/kafka-start.sh"
  else
    say "using the broker at ${KAFKA_BOOTSTRAP_SERVERS:-the servers that ${KAFKA_CLIENT_PROPERTIES} names}"
  fi
}

# is_broker_local: no setting names brokers, so they are those that kafka-start.sh starts.
is_broker_local() {
  [[ -z "${KAFKA_BOOTSTRAP_SERVERS}" ]] || return 1
  [[ -z "${KAFKA_CLIENT_PROPERTIES}" ]] ||
    ! grep -q '^[[:space:]]*bootstrap\.servers[[:space:]]*[=:]' "$(absolute "${KAFKA_CLIENT_PROPERTIES}")" 2>/dev/null
}
