#!/usr/bin/env bash
# test-docker.sh [PYTEST ARGUMENT...]: builds a broker image from Debian's packages and the verified jars, without an
# image registry, and runs the integration tests and those of servers against a container of it. Needs a Docker engine (DOCKER_HOST),
# debootstrap and root; the image is kept, so that the next run is quick.
# Variables: DOCKER_HOST KAFKA_IMAGE (another image; then none is built) STATE_DIR JARS_DIR VENV. Exit: that of pytest.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  docker info >/dev/null 2>&1 || die "no Docker engine answers: start one, or set DOCKER_HOST to its socket"
  if [[ -z "${KAFKA_IMAGE:-}" ]]; then
    export KAFKA_IMAGE=sf-police/kafka
    build_image
  fi
  cd "${ROOT}"
  "${PYTHON}" -m pytest tests/integration tests/servers --kafka-by docker "$@"
}

build_image() {
  local context="${STATE_DIR}/image" started="${SECONDS}"
  if ! docker image inspect sf-police/debian-jre >/dev/null 2>&1; then
    command -v debootstrap >/dev/null || die "no debootstrap: run \`apt-get install debootstrap\`"
    say "building a Debian base image with a JRE (once; a few minutes)"
    debootstrap --variant=minbase --include=openjdk-17-jre-headless "$(debian_release)" "${context}/root" >"${STATE_DIR}/debootstrap.log" ||
      die "debootstrap failed: see ${STATE_DIR}/debootstrap.log"
    tar -C "${context}/root" -c . | docker import - sf-police/debian-jre >/dev/null
    rm -rf "${context:?}/root"
  fi
  mkdir -p "${context}"
  rm -rf "${context:?}/libs"
  cp -R "${KAFKA_HOME}/libs" "${context}/libs"
  cp "${ROOT}/tests/integration/image/Dockerfile" "${ROOT}/tests/integration/image/entrypoint.sh" "${context}/"
  docker build -q -t "${KAFKA_IMAGE}" "${context}" >/dev/null
  say "image ${KAFKA_IMAGE} is ready after $((SECONDS - started)) s"
}

# Prints the release of this machine if it is a Debian, else the newest one with this JRE.
debian_release() {
  local codename=""
  if [[ -r /etc/os-release ]]; then
    codename="$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)"
  fi
  printf '%s\n' "${codename:-bookworm}"
}

main "$@"
