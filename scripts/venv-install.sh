#!/usr/bin/env bash
# venv-install.sh PYTHON: creates VENV with that Python and installs exactly what requirements.lock lists, by hash.
# Variables: VENV. Exit: 0 installed, 1 failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local base="$1" started="${SECONDS}"
  "${base}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "'${base}' is not Python 3.11 or newer: install one, or name it with \`make install BOOTSTRAP_PYTHON=python3.12\`"
  "${base}" -c 'import ensurepip, venv' 2>/dev/null ||
    die "'${base}' cannot create a venv: install its venv module (Debian: python3-venv)"
  say "installing Python packages into ${VENV} (once; about a minute)"
  "${base}" -m venv --clear "${VENV}"
  # The build tool comes first: pyspark is a source archive, and is built with what the lock lists, too.
  pip_install --require-hashes -r <(sed -n '/^setuptools==/,$p' "${ROOT}/requirements.lock")
  pip_install --require-hashes --no-build-isolation -r "${ROOT}/requirements.lock"
  pip_install --no-deps --no-build-isolation -e "${ROOT}"
  say "installed in $((SECONDS - started)) s"
}

pip_install() {
  "${VENV}/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

main "$@"
