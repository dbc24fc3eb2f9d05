#!/usr/bin/env bash
# with-broker.sh COMMAND [OPTION...]: starts the local broker if no other is named, then runs `sf-police COMMAND` with these
# options. `make live`, `make drill` and `make film` run it. Variables: as for demo.sh. Exit: that of the command.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  start_or_use_broker
  exec "${PYTHON}" -m "${QUESTION:-sf_police}" "$@"
}

main "$@"
