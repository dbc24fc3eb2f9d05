#!/usr/bin/env bash
# kafka-install.sh [--write-sums]: fetches the jars of Kafka and of Spark's Kafka connector from Maven Central into
# JARS_DIR, with the Ivy that pyspark ships, and checks each against jars.sha256. If all are already installed, it does
# nothing and needs no network. --write-sums (for raising a version) rewrites jars.sha256 from what is fetched.
# Variables: JARS_DIR KAFKA_HOME (if your own: fetches only the connector) KAFKA_VERSION MAVEN_REPO PYTHON JAVA_HOME.
# Exit: 0 installed, 1 failed, leaving what was installed before untouched.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly TOOLS="kafka-topics.sh kafka-console-consumer.sh kafka-console-producer.sh kafka-consumer-groups.sh kafka-configs.sh kafka-get-offsets.sh"

main() {
  local pyspark wanted incoming
  pyspark="$("${PYTHON}" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')" ||
    die "no pyspark for '${PYTHON}': run \`make install\`"
  SPARK_VERSION="$("${PYTHON}" -c 'from importlib.metadata import version; print(version("pyspark"))')"
  wanted="connector-${SPARK_VERSION}"
  [[ "${KAFKA_HOME}" != "${JARS_DIR}/${KAFKA_DIST}" ]] || wanted="${KAFKA_DIST} ${wanted}"
  if [[ "${1:-}" == --write-sums ]]; then
    wanted="kafka_2.13-${KAFKA_VERSION:?which version of Kafka?} connector-${SPARK_VERSION}"
  else
    wanted="$(missing "${wanted}")"
    [[ -n "${wanted}" ]] || return 0
  fi
  mkdir -p "${JARS_DIR}"
  incoming="$(mktemp -d "${JARS_DIR}/incoming.XXXXXX")"
  # shellcheck disable=SC2064 # expand the folder now
  trap "rm -rf '${incoming}'" EXIT
  fetch "${wanted}" "${pyspark}" "${incoming}"
  if [[ "${1:-}" == --write-sums ]]; then
    (cd "${incoming}" && find "kafka_2.13-${KAFKA_VERSION}" "connector-${SPARK_VERSION}" -name '*.jar' | LC_ALL=C sort | xargs "${SHA256[@]}") >"${SUMS}.part"
    mv "${SUMS}.part" "${SUMS}"
    return 0
  fi
  move_in "${wanted}" "${incoming}"
}

if command -v sha256sum >/dev/null; then
  SHA256=(sha256sum)
else
  SHA256=(shasum -a 256)
fi

# is_intact ROOT DIST: the folder holds exactly the jars that jars.sha256 lists for it, unaltered.
is_intact() {
  local listed
  listed="$(grep -F "  $2/" "${SUMS}")" || die "jars.sha256 has no checksums for $2: this project was made for another version of pyspark"
  [[ -d "$1/$2" ]] || return 1
  [[ "$(find "$1/$2" -name '*.jar' | wc -l)" -eq "$(printf '%s\n' "${listed}" | wc -l)" ]] || return 1
  (cd "$1" && printf '%s\n' "${listed}" | "${SHA256[@]}" -c - >/dev/null 2>&1)
}

# missing DISTS: prints those that are not installed, or not intact.
missing() {
  local dist
  for dist in $1; do
    if ! is_intact "${JARS_DIR}" "${dist}"; then
      printf '%s ' "${dist}"
    elif [[ "${dist}" == kafka_* ]] && ! has_tools "${JARS_DIR}/${dist}"; then
      printf '%s ' "${dist}"
    fi
  done
}

has_tools() {
  local tool
  for tool in ${TOOLS}; do
    cmp -s "${ROOT}/scripts/kafka-tool.sh" "$1/bin/${tool}" || return 1
  done
}

# fetch DISTS PYSPARK INCOMING: Ivy retrieves each into INCOMING/DIST.
fetch() {
  local dist conf pattern java ivy=() started="${SECONDS}"
  java="$(find_java)"
  ivy=("${java}" "-Dspark.version=${SPARK_VERSION}" "-Dkafka.version=${KAFKA_VERSION:-${KAFKA_DIST#*-}}")
  if [[ -n "${MAVEN_REPO:-}" ]]; then
    ivy+=("-Dmaven.repo=${MAVEN_REPO}")
  fi
  ivy+=(-jar "$2"/jars/ivy-*.jar -ivy "${ROOT}/scripts/ivy.xml" -cache "$3/cache" -types jar bundle)
  if [[ -n "${MAVEN_REPO:-}" ]]; then
    ivy+=(-settings "${ROOT}/scripts/ivysettings.xml")
  fi
  for dist in $1; do
    case "${dist}" in
      kafka_*) conf=kafka pattern="$3/${dist}/libs/[artifact]-[revision](-[classifier]).[ext]" ;;
      *) conf=connector pattern="$3/${dist}/[artifact]-[revision](-[classifier]).[ext]" ;;
    esac
    say "fetching the jars of ${dist} into ${JARS_DIR} (once; about a minute)"
    if ! "${ivy[@]}" -confs "${conf}" -retrieve "${pattern}" >"$3/ivy.log" 2>&1; then
      grep -E 'UNRESOLVED|ERROR|FAILED|unknown host|refused' "$3/ivy.log" | head -n 10 >&2
      die "could not fetch the jars of ${dist}: check that Maven Central is reachable, or set MAVEN_REPO to a mirror"
    fi
  done
  say "fetched in $((SECONDS - started)) s"
}

move_in() {
  local dist tool
  for dist in $1; do
    is_intact "$2" "${dist}" || die "the fetched jars of ${dist} do not match scripts/jars.sha256; nothing was installed"
    if [[ "${dist}" == kafka_* ]]; then
      mkdir -p "$2/${dist}/bin"
      for tool in ${TOOLS}; do
        cp "${ROOT}/scripts/kafka-tool.sh" "$2/${dist}/bin/${tool}"
      done
    fi
    rm -rf "${JARS_DIR:?}/${dist}"
    mv "$2/${dist}" "${JARS_DIR}/${dist}"
  done
}

main "$@"
