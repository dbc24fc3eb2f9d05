#!/usr/bin/env bash
# kafka-install.sh [--write-sums]: fetches the jars of Kafka and of Spark's Kafka connector from Maven Central into
# JARS_DIR, with the Ivy that pyspark ships, and checks each against jars.sha256. If all are already installed, it does
# nothing and needs no network. --write-sums (for raising a version) rewrites jars.sha256, and s3.sha256 of the jars for
# s3a://, from what is fetched.
# Variables: JARS_DIR KAFKA_HOME (if your own: fetches only the connector) KAFKA_VERSION MAVEN_REPO PYTHON JAVA_HOME;
# https_proxy http_proxy no_proxy.
# Exit: 0 installed, 1 failed, leaving what was installed before untouched.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/lib-java.sh
source "${ROOT}/scripts/lib-java.sh"

readonly TOOLS="kafka-topics.sh kafka-console-consumer.sh kafka-console-producer.sh kafka-consumer-groups.sh kafka-configs.sh kafka-get-offsets.sh kafka-acls.sh"

main() {
  local pyspark wanted
  note_ignored JARS_DIR true
  note_ignored MAVEN_REPO is_url
  pyspark="$("${PYTHON}" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')" ||
    die "no pyspark for '${PYTHON}': run \`make install\`"
  SPARK_VERSION="$("${PYTHON}" -c 'from importlib.metadata import version; print(version("pyspark"))')"
  HADOOP_VERSION="$(echo "${pyspark}"/jars/hadoop-client-api-*.jar | sed 's/.*hadoop-client-api-//; s/\.jar$//')"
  wanted="connector-${SPARK_VERSION}"
  [[ "${KAFKA_HOME}" != "${JARS}/${KAFKA_DIST}" ]] || wanted="${KAFKA_DIST} ${wanted}"
  if [[ "${1:-}" == --write-sums ]]; then
    wanted="kafka_2.13-${KAFKA_VERSION:?which version of Kafka?} connector-${SPARK_VERSION} s3-${HADOOP_VERSION}"
  else
    wanted="$(missing "${wanted}")"
    [[ -n "${wanted}" ]] || return 0
  fi
  if ! { mkdir -p "${JARS}" && INCOMING="$(mktemp -d "${JARS}/incoming.XXXXXX")"; } 2>/dev/null; then
    die "cannot write to '${JARS}': set JARS_DIR to another folder"
  fi
  trap 'rm -rf "${INCOMING}"' EXIT
  fetch "${wanted}" "${pyspark}"
  if [[ "${1:-}" == --write-sums ]]; then
    write_sums "${SUMS}" "kafka_2.13-${KAFKA_VERSION}" "connector-${SPARK_VERSION}"
    write_sums "${ROOT}/sf_police/spark/s3.sha256" "s3-${HADOOP_VERSION}"
    return 0
  fi
  move_in "${wanted}"
}

# write_sums FILE DIST...: the checksums of what was fetched.
write_sums() {
  local file="$1"
  shift
  (cd "${INCOMING}" && find "$@" -name '*.jar' | LC_ALL=C sort | xargs "${SHA256[@]}") >"${file}.part"
  mv "${file}.part" "${file}"
}

is_url() {
  [[ "$1" == *://* ]]
}

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
    if ! is_intact "${JARS}" "${dist}"; then
      printf '%s ' "${dist}"
    elif [[ "${dist}" == kafka_* ]]; then
      copy_tools "${JARS}/${dist}"
    fi
  done
}

# copy_tools DIST: puts Kafka's tools in place, if they are not those of this clone.
copy_tools() {
  local tool target
  for tool in ${TOOLS}; do
    target="$1/bin/${tool}"
    cmp -s "${ROOT}/scripts/kafka-tool.sh" "${target}" && continue
    # By another name first: another clone may be running the tool.
    if ! { mkdir -p "$1/bin" && cp "${ROOT}/scripts/kafka-tool.sh" "${target}.$$" && mv "${target}.$$" "${target}"; } 2>/dev/null; then
      [[ -x "${target}" ]] || die "cannot write '${target}': set JARS_DIR to another folder"
      return 0 # somebody else's install, read-only: what it has works as well
    fi
  done
}

# fetch DISTS PYSPARK: Ivy retrieves each into INCOMING/DIST.
fetch() {
  local dist conf into java ivy=() repo started="${SECONDS}"
  setting repo MAVEN_REPO
  use_utf8_locale
  java="$(find_java)"
  java_proxy_options | java_arguments >"${INCOMING}/options" # in a file, as a password may be among them
  ivy=("${java}" @options "-Dspark.version=${SPARK_VERSION}" "-Dhadoop.version=${HADOOP_VERSION}")
  ivy+=("-Dkafka.version=${KAFKA_VERSION:-${KAFKA_DIST#*-}}")
  [[ -z "${repo}" ]] || ivy+=("-Dmaven.repo=${repo}")
  ivy+=(-jar "$2"/jars/ivy-*.jar -ivy "${ROOT}/sf_police/spark/ivy.xml" -cache cache -types jar bundle)
  [[ -z "${repo}" ]] || ivy+=(-settings "${ROOT}/sf_police/spark/ivysettings.xml")
  for dist in $1; do
    case "${dist}" in
      kafka_*) conf=kafka into="${dist}/libs" ;;
      s3-*) conf=s3 into="${dist}" ;;
      *) conf=connector into="${dist}" ;;
    esac
    say "fetching the jars of ${dist} into ${JARS} (once; about a minute)"
    # In INCOMING, as Ivy takes brackets in a folder's name for a pattern.
    if ! (cd "${INCOMING}" && "${ivy[@]}" -confs "${conf}" -retrieve "${into}/[artifact]-[revision](-[classifier]).[ext]" >ivy.log 2>&1); then
      grep -E 'UNRESOLVED|ERROR|FAILED|unknown host|refused' "${INCOMING}/ivy.log" | head -n 10 >&2 || true
      die "could not fetch the jars of ${dist}: check that Maven Central is reachable, or set MAVEN_REPO to a mirror"
    fi
  done
  say "fetched in $((SECONDS - started)) s"
}

move_in() {
  local dist
  for dist in $1; do
    is_intact "${INCOMING}" "${dist}" || die "the fetched jars of ${dist} do not match sf_police/spark/jars.sha256; nothing was installed"
    [[ "${dist}" != kafka_* ]] || copy_tools "${INCOMING}/${dist}"
    # Another `make install` may have been quicker, and a broker be running from what it installed.
    is_intact "${JARS}" "${dist}" && continue
    remove_damaged "${JARS}/${dist}"
    mv "${INCOMING}/${dist}" "${JARS}/${dist}"
  done
}

# remove_damaged DIST: JARS_DIR may have a Kafka of the user's own by this name; ours has nothing but jars and tools.
remove_damaged() {
  [[ -e "$1" ]] || return 0
  [[ -z "$(find "$1/" ! -type d ! -name '*.jar' ! -path '*/bin/kafka-*.sh' | head -n 1)" ]] ||
    die "'$1' is not of this project's making, and was left as it is: set JARS_DIR to another folder"
  rm -rf "$1"
}

main "$@"
