#!/usr/bin/env bash
# test-plan.sh: says what `make test` is about to run, how long that takes, and what this machine makes it leave out.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  say "lint, unit tests, integration tests and the quick part of the fault tests: some 20 minutes on two cores"
  say "not among them: the page in Chromium (make test-page), the slow tests of servers and installs (make test-servers), all faults"
  say "(make test-faults), Spark clusters (make test-cluster), the fuzzer (make fuzz), a broker in a container (make test-docker), benchmarks"
  if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
    say "left out here: the store in PostgreSQL, as there is no initdb (Debian: apt-get install postgresql)"
  fi
  [[ "$(id -u)" == 0 ]] || say "left out here: full disks and a machine without a name, which take root"
  [[ -n "${SF_POLICE_REAL_FILE:-}" ]] || say "left out here: the original file, as SF_POLICE_REAL_FILE does not name it"
  [[ -e /proc/net/tcp ]] || say "left out here: which addresses are listened on, which is read from Linux's /proc"
  say "each stage ends with the reasons of what it skipped"
}

main "$@"
