#!/usr/bin/env bash
# live.sh [OPTION...]: starts the local broker if no other is named, then runs `sf-police live` with these options. Run it
# with `make live`. Variables: as for demo.sh. Exit: that of the command; 0 after Ctrl-C.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  start_or_use_broker
  exec "${PYTHON}" -m "${QUESTION:-sf_police}" live "$@"
}

main "$@"
