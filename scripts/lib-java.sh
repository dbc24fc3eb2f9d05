# Shared by the scripts that run Java: which one, in which locale, behind which proxy. To be sourced after lib.sh.
# shellcheck shell=bash

readonly INSTALL_JAVA="install Java 17 or 21, or set JAVA_HOME to one"

# Prints the java to use; dies if there is none, if it does not start, or if it is too old for Kafka and Spark.
find_java() {
  local home java=java said version
  setting home JAVA_HOME
  [[ -z "${home}" ]] || java="$(absolute "${home}")/bin/java"
  command -v "${java}" >/dev/null || die "no Java at '${java}': ${INSTALL_JAVA}"
  # A failing agent in JAVA_TOOL_OPTIONS says why; so does macOS, whose /usr/bin/java only says that there is none.
  said="$("${java}" -version 2>&1)" || die "'${java}' does not start: $(first_words "${said}")$(java_remedy)"
  version="$(printf '%s\n' "${said}" | sed -n 's/^[a-z]* version "\([0-9]*\).*/\1/p' | head -n 1)"
  if [[ "${version:-0}" -lt 17 ]]; then
    die "'${java}' is Java ${version:-(version unknown)}: ${INSTALL_JAVA}"
  fi
  printf '%s\n' "${java}"
}

# first_words TEXT: the first line that Java says itself, after what it picked up from the environment.
first_words() {
  printf '%s\n' "$1" | sed -e '/^$/d' -e '/Picked up [A-Z_]*OPTIONS/d' -e '/^NOTE: /d' | head -n 1
}

java_remedy() {
  if [[ -n "${JAVA_TOOL_OPTIONS:-}${JDK_JAVA_OPTIONS:-}" ]]; then
    printf '%s' ": check JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS"
  else
    printf '%s' ": ${INSTALL_JAVA}"
  fi
}

# Java names files in the locale's encoding, so in the locale C it finds none with an accent in its path.
use_utf8_locale() {
  local found
  [[ "$(locale charmap 2>/dev/null || printf 'UTF-8')" != UTF-8 ]] || return 0
  found="$(locale -a 2>/dev/null | grep -i -E '^(C|en_US)\.utf-?8$' | head -n 1)" || true
  if [[ -n "${found}" ]]; then
    export LC_ALL="${found}"
  fi
}

# Prints the JVM's options for https_proxy, http_proxy and no_proxy, one a line: Java itself reads none of these.
java_proxy_options() {
  local scheme url
  case "${JAVA_TOOL_OPTIONS:-} ${JDK_JAVA_OPTIONS:-}" in
    *proxyHost=*) return 0 ;;
  esac
  for scheme in http https; do
    url="$(proxy_for "${scheme}")"
    case "${url}" in
      '' | socks*) ;;
      *) proxy_options "${scheme}" "${url}" ;;
    esac
  done
  non_proxy_hosts "${no_proxy:-${NO_PROXY:-}}"
}

proxy_for() {
  if [[ "$1" == https ]]; then
    printf '%s\n' "${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}"
  else
    printf '%s\n' "${http_proxy:-${HTTP_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}"
  fi
}

# proxy_options SCHEME URL: the options for one proxy, [http://][user:password@]host[:port][/].
proxy_options() {
  local scheme="$1" rest="${2#*://}" user="" port=80
  [[ "$2" != https://* ]] || port=443
  rest="${rest%%/*}"
  if [[ "${rest}" == *@* ]]; then
    user="${rest%@*}" rest="${rest##*@}"
  fi
  if [[ "${rest}" =~ :[0-9]+$ ]]; then
    port="${rest##*:}" rest="${rest%:*}"
  fi
  printf '%s\n' "-D${scheme}.proxyHost=${rest}" "-D${scheme}.proxyPort=${port}"
  if [[ -n "${user}" ]]; then
    # These are the names that Ivy asks for, whatever the scheme. Java refuses passwords to an HTTPS proxy by default.
    printf '%s\n' "-Dhttp.proxyUser=$(percent_decoded "${user%%:*}")" "-Djdk.http.auth.tunneling.disabledSchemes="
    printf '%s\n' "-Dhttp.proxyPassword=$(percent_decoded "${user#*:}")"
  fi
}

percent_decoded() {
  printf '%b' "${1//%/\\x}"
}

# non_proxy_hosts LIST: no_proxy's names stand for their subdomains, too; Java's do not.
non_proxy_hosts() {
  local hosts="localhost|127.*|[::1]" host names=()
  IFS=', ' read -r -a names <<<"$1"
  for host in ${names[@]+"${names[@]}"}; do
    host="${host#\*.}" host="${host#.}"
    [[ "${host}" == *:*:* ]] || host="${host%%:*}"
    case "${host}" in
      '') ;;
      '*' | *[!a-zA-Z0-9.-]*) hosts="${hosts}|${host}" ;;
      *[!0-9.]*) hosts="${hosts}|${host}|*.${host}" ;;
      *) hosts="${hosts}|${host}" ;;
    esac
  done
  printf '%s\n' "-Dhttp.nonProxyHosts=${hosts}"
}

# java_arguments: reads options, one a line, and prints them as a JVM's @file has them.
java_arguments() {
  local option
  while IFS= read -r option; do
    option="${option//\\/\\\\}"
    printf '"%s"\n' "${option//\"/\\\"}"
  done
}
