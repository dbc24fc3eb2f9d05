#!/bin/sh
# install.sh packages|project: the two steps of the image's build stage, run in a folder with the files that the Dockerfile
# copies there. `packages` installs what the project needs, in the versions and with the hashes of requirements.lock;
# `project` installs it and makes what it would make at its first start. What offline/ has is not downloaded.
set -eu

readonly TARGET=/opt/sf-police
# Of the lock, only what these extras need is in the image, and nothing that is there for tests.
readonly EXTRAS=dashboard,keystores,postgresql

main() {
  case "${1:-}" in
    packages) install_packages ;;
    project) install_project ;;
    *)
      printf 'usage: install.sh packages|project\n' >&2
      exit 2
      ;;
  esac
}

install_packages() {
  where=""
  [ ! -d offline/wheels ] || where="--no-index --find-links=offline/wheels"
  python3 -m venv "${TARGET}"
  # The build tool comes first: pyspark is a source archive.
  sed -n '/^setuptools==/,$p' requirements.lock >build.txt
  # shellcheck disable=SC2086 # options, or nothing
  pip install ${where} --require-hashes -r build.txt
  # All of the lock is fetched by its hashes, and then nothing can be installed but what has been fetched.
  # shellcheck disable=SC2086
  pip download ${where} --require-hashes --no-deps --no-build-isolation -d wheels -r requirements.lock
  install_from_wheels ".[${EXTRAS}]"
}

install_project() {
  install_from_wheels --no-deps --force-reinstall .
  mkdir -p "${TARGET}/jars"
  [ ! -d offline/jars ] || cp -R offline/jars/. "${TARGET}/jars/"
  export STATE_DIR=/tmp/state SF_POLICE_JARS_DIR="${TARGET}/jars"
  "${TARGET}/bin/sf-police" install
  "${TARGET}/bin/sf-police" make-page
  # Spark runs without it, only that every start takes twice as long.
  ls "${TARGET}"/share/sf-police/*.jsa
  pip uninstall -y setuptools pip
}

install_from_wheels() {
  pip install --no-index --find-links=wheels --no-build-isolation "$@"
}

pip() {
  "${TARGET}/bin/python" -I -m pip --quiet --no-cache-dir --disable-pip-version-check --no-input "$@"
}

main "$@"
