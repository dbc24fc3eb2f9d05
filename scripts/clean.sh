#!/usr/bin/env bash
# clean.sh: deletes the venv, if it is ours, and what tools left in the clone. Variables: VENV. Exit: 1 it is not ours.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-venv.sh
source "${ROOT}/scripts/lib-venv.sh"

main() {
  resolve_link
  ensure_ours
  rm -rf "${VENV}"
  cd "${ROOT}"
  rm -rf build dist ./*.egg-info .mypy_cache .ruff_cache .hypothesis spark-warehouse .import_linter_cache
}

main "$@"
