#!/usr/bin/env bash
# fuzz.sh [ARGUMENT...]: fuzzes the file reader for FUZZ_SECONDS, in STATE_DIR/fuzz. Variables: STATE_DIR VENV.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  cd "${ROOT}"
  "${PYTHON}" -I scripts/pip_settings.py install --quiet --disable-pip-version-check -e '.[fuzz]'
  "${PYTHON}" -m tests.fuzz.json_files "${STATE_DIR}/fuzz" "-max_total_time=${FUZZ_SECONDS:-60}" "-artifact_prefix=${STATE_DIR}/" "$@"
}

main "$@"
