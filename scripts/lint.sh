#!/usr/bin/env bash
# lint.sh: runs every static check of the code; changes nothing. Variables: VENV. Exit: 0 clean.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  cd "${ROOT}"
  "${VENV}/bin/ruff" check .
  "${VENV}/bin/ruff" format --check .
  "${VENV}/bin/mypy"
  "${VENV}/bin/lint-imports"
  "${VENV}/bin/shellcheck" -x scripts/*.sh deploy/*.sh tests/deploy/postgres/*.sh tests/integration/image/*.sh .ci/run
  "${VENV}/bin/shfmt" -d -i 2 -ci scripts/*.sh deploy/*.sh tests/deploy/postgres/*.sh tests/integration/image/*.sh .ci/run
}

main "$@"
