#!/usr/bin/env bash
# test-docker.sh [PYTEST ARGUMENT...]: builds, without an image registry, the images of a broker and of a PostgreSQL from
# Debian's packages and the verified jars, and our own from deploy/Dockerfile on the same base. Then it runs the tests of
# deploy/, and the integration tests and those of servers against a broker in a container. Needs a Docker engine
# (DOCKER_HOST), compose, debootstrap and root; the images are kept, so that the next run is quick.
# Variables: DOCKER_HOST KAFKA_IMAGE POSTGRES_IMAGE IMAGE (other images; then that one is not built) STATE_DIR JARS_DIR
# VENV. Exit: that of pytest.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly PACKAGES=openjdk-17-jre-headless,python3,python3-venv,libnss-wrapper,postgresql
readonly CONTEXT="${STATE_DIR}/image" WHEELS="${STATE_DIR}/wheels"

main() {
  docker info >/dev/null 2>&1 || die "no Docker engine answers: start one, or set DOCKER_HOST to its socket"
  if [[ -z "${KAFKA_IMAGE:-}" ]]; then
    export KAFKA_IMAGE=sf-police/kafka
    build kafka_context "${KAFKA_IMAGE}"
  fi
  if [[ -z "${POSTGRES_IMAGE:-}" ]]; then
    export POSTGRES_IMAGE=sf-police/postgres
    build postgres_context "${POSTGRES_IMAGE}"
  fi
  if [[ -z "${IMAGE:-}" ]]; then
    export IMAGE=sf-police/test
    # Without the network: all that is not in the base is in the context, and checked by its hash.
    build our_context "${IMAGE}" --network none --build-arg BASE=sf-police/debian -f "${CONTEXT}/deploy/Dockerfile"
  fi
  cd "${ROOT}"
  "${PYTHON}" -m pytest tests/deploy tests/integration tests/servers --kafka-by docker "$@"
}

# build FUNCTION IMAGE [OPTION...]: builds an image from what the function puts into CONTEXT.
build() {
  local context="$1" image="$2" started="${SECONDS}"
  shift 2
  ensure_base
  rm -rf "${CONTEXT:?}"
  mkdir -p "${CONTEXT}"
  "${context}"
  docker build -t "${image}" "$@" "${CONTEXT}" >"${STATE_DIR}/docker-build.log" 2>&1 ||
    die "${image} could not be built: see ${STATE_DIR}/docker-build.log"
  say "image ${image} is ready after $((SECONDS - started)) s"
}

ensure_base() {
  ! docker image inspect sf-police/debian >/dev/null 2>&1 || return 0
  command -v debootstrap >/dev/null || die "no debootstrap: run \`apt-get install debootstrap\`"
  say "building a Debian base image (once; a few minutes)"
  rm -rf "${CONTEXT:?}"
  mkdir -p "${CONTEXT}"
  debootstrap --variant=minbase "--include=${PACKAGES}" "$(debian_release)" "${CONTEXT}/root" >"${STATE_DIR}/debootstrap.log" ||
    die "debootstrap failed: see ${STATE_DIR}/debootstrap.log"
  tar -C "${CONTEXT}/root" -c . | docker import - sf-police/debian >/dev/null
}

# Prints the release of this machine if it is a Debian, else the newest one with this JRE.
debian_release() {
  local codename=""
  if [[ -r /etc/os-release ]]; then
    codename="$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)"
  fi
  printf '%s\n' "${codename:-bookworm}"
}

kafka_context() {
  cp -R "${KAFKA_HOME}/libs" "${CONTEXT}/libs"
  cp "${ROOT}"/tests/integration/image/* "${CONTEXT}/"
}

postgres_context() {
  cp "${ROOT}"/tests/deploy/postgres/* "${CONTEXT}/"
}

# What is needed of the clone, and what would be downloaded.
our_context() {
  local name offline="${CONTEXT}/deploy/offline"
  for name in .dockerignore LICENSE README.md pyproject.toml requirements.lock setup.cfg sf_police deploy; do
    cp -R "${ROOT}/${name}" "${CONTEXT}/"
  done
  fetch_wheels
  rm -rf "${offline}/wheels" "${offline}/jars"
  mkdir -p "${offline}/jars"
  cp -R "${WHEELS}" "${offline}/wheels"
  cp -R "${JARS}"/connector-* "${offline}/jars/"
}

# fetch_wheels: puts what the lock lists into WHEELS, unless it is there. The image's build checks the hashes again.
fetch_wheels() {
  local sum
  sum="$("${SHA256[@]}" <"${ROOT}/requirements.lock")"
  [[ "$(cat "${WHEELS}.sum" 2>/dev/null)" != "${sum}" ]] || return 0
  say "fetching what requirements.lock lists (once)"
  rm -rf "${WHEELS:?}"
  "${PYTHON}" -I "${ROOT}/scripts/pip_settings.py" download --quiet --disable-pip-version-check --require-hashes --no-deps \
    --no-build-isolation -d "${WHEELS}" -r "${ROOT}/requirements.lock"
  printf '%s\n' "${sum}" >"${WHEELS}.sum"
}

main "$@"
