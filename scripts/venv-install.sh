#!/usr/bin/env bash
# venv-install.sh [--if-missing|--browser|--s3] [PYTHON]: makes VENV with that Python, with exactly what
# requirements.lock lists, by hash, unless it has it already. It is built beside the old one and replaces it when it is
# whole. --if-missing: one that is outdated is left as it is, and said; --browser: adds what drives a browser, for tests
# and pictures, if there is one; --s3: adds an S3 server for tests. Variables: VENV; pip's own for index, proxy and
# certificates. Exit: 0 installed, 1 failed, leaving what was installed before untouched.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-venv.sh
source "${ROOT}/scripts/lib-venv.sh"

main() {
  local mode=""
  case "${1:-}" in
    --*) mode="$1" && shift ;;
  esac
  resolve_link
  ensure_ours
  if [[ "${mode}" == --browser ]]; then
    add_browser
  elif [[ "${mode}" == --s3 ]]; then
    add s3 "the S3 server for tests"
  elif is_current; then
    [[ -n "${mode}" ]] || register "${VENV}"
  elif [[ "${mode}" == --if-missing ]] && is_whole; then
    say "${VENV} is older than requirements.lock: run \`make install\`"
  else
    build "${1:-python3}"
  fi
}

# build PYTHON: in a folder beside VENV, whose name has our pid, so that what a killed install left is known as such.
build() {
  local base="$1" started="${SECONDS}"
  "${base}" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "'${base}' is not Python 3.11 or newer: install one, or name it with \`make install BOOTSTRAP_PYTHON=python3.12\`"
  "${base}" -I -c 'import ensurepip, venv' 2>/dev/null ||
    die "'${base}' cannot create a venv: install its venv module (Debian: python3-venv)"
  remove_leftovers
  ! is_current || return 0
  say "installing Python packages into ${VENV} (once; about a minute)"
  NEW="${VENV}.incoming.$$"
  trap 'rm -rf "${VENV}.incoming.$$"' EXIT
  if ! { mkdir -p "${NEW}" && printf 'sf-police, not yet whole\n' >"${NEW}/.installed"; } 2>/dev/null; then
    die "cannot write to '$(dirname "${VENV}")': choose another folder with VENV"
  fi
  "${base}" -I -m venv "${NEW}" || failed
  # The build tool comes first: pyspark is a source archive, and is built with what the lock lists, too.
  sed -n '/^setuptools==/,$p' "${ROOT}/requirements.lock" >"${NEW}/build.txt"
  cd "${ROOT}"
  pip_install --require-hashes -r "${NEW}/build.txt" || failed
  pip_install --require-hashes --no-build-isolation -r requirements.lock || failed
  register "${NEW}"
  rename_within
  mark >"${NEW}/.installed"
  swap
  say "installed in $((SECONDS - started)) s"
}

# register VENV: makes the clone itself, with its commands, a package of the venv, where setup.cfg is another than then.
register() {
  local sum
  sum="$(registration)"
  [[ "$(cat "$1/.registered" 2>/dev/null)" != "${sum}" ]] || return 0
  NEW="$1"
  cd "${ROOT}"
  pip_install --no-deps --no-build-isolation -e . || failed
  printf '%s\n' "${sum}" >"$1/.registered"
}

failed() {
  if is_whole; then
    die "the Python packages could not be installed; ${VENV} is as it was"
  fi
  die "the Python packages could not be installed; nothing was changed"
}

# Scripts in bin/ name their Python by its path: by the one that the folder will have.
rename_within() {
  "${NEW}/bin/python" -I - "${NEW}" "${VENV}" <<'PYTHON'
import os, pathlib, sys

new, old = (os.fsencode(os.path.basename(path)) for path in sys.argv[1:])
for path in [pathlib.Path(sys.argv[1], "pyvenv.cfg"), *pathlib.Path(sys.argv[1], "bin").iterdir()]:
    if path.is_file() and not path.is_symlink() and new in (content := path.read_bytes()):
        path.write_bytes(content.replace(new, old))
PYTHON
}

swap() {
  trap '' INT TERM HUP
  if is_current; then
    return 0 # another `make install` was quicker
  fi
  [[ ! -e "${VENV}" ]] || mv "${VENV}" "${NEW}.old"
  mv "${NEW}" "${VENV}"
  rm -rf "${NEW}.old"
}

# Of an install that was killed: finished, if it was about to swap; else deleted.
remove_leftovers() {
  local left pid
  for left in "${VENV}".incoming.*; do
    pid="${left##*.incoming.}" pid="${pid%.old}"
    if is_number "${pid}" && ! kill -0 "${pid}" 2>/dev/null && has_our_mark "${left}"; then
      if [[ ! -e "${VENV}" && "$(cat "${left}/.installed")" == "$(mark)" ]]; then
        mv "${left}" "${VENV}"
      else
        rm -rf "${left}"
      fi
    fi
  done
}

add_browser() {
  if ! has_chromium; then
    say "there is no Chromium, so what drives one is not installed (Debian: apt-get install chromium)"
    return 0
  fi
  add browser "what drives a browser"
}

# add NAME WHAT: adds what tests/NAME.lock lists, by hash, unless it is there.
add() {
  local sum
  sum="$("${SHA256[@]}" <"${ROOT}/tests/$1.lock")"
  [[ "$(cat "${VENV}/.$1-installed" 2>/dev/null)" != "${sum}" ]] || return 0
  NEW="${VENV}"
  pip_install --require-hashes -r "${ROOT}/tests/$1.lock" || die "$2 could not be installed"
  printf '%s\n' "${sum}" >"${VENV}/.$1-installed"
}

pip_install() {
  "${NEW}/bin/python" -I "${ROOT}/scripts/pip_settings.py" install --quiet --disable-pip-version-check "$@"
}

main "$@"
