# Shared by the scripts that start and stop servers: what runs, what listens, how it is ended, and names that Java and ps
# read alike. To be sourced after lib.sh. A server has a folder, with its pid in KIND.pid and what it says in KIND.log; the
# libraries of the two kinds set KIND, and define is_server DIR ARGS and server_name DIR.
# shellcheck shell=bash

# Without ps, a server that runs would look dead.
ensure_ps() {
  ps -ww -o args= -p "$$" >/dev/null 2>&1 ||
    die "no \`ps\` that shows a process by its id: install procps (Debian: apt-get install procps); nothing was done"
}

port_answers() {
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
}

# has_ended PID: the process is gone, or a zombie. (Its command line disappears a moment earlier, while it still holds
# its ports.)
has_ended() {
  case "$(ps -o stat= -p "$1" 2>/dev/null)" in
    '' | Z*) return 0 ;;
    *) return 1 ;;
  esac
}

# A server outlives its caller, so it must not hold the caller's locks and pipes: it keeps only its own 0 to 2.
close_descriptors() {
  local path
  for path in {3..19} /dev/fd/*; do
    case "${path##*/}" in
      [0-2] | *[!0-9]*) ;;
      *) eval "exec ${path##*/}>&-" ;;
    esac
  done
}

# properties_value TEXT: prints it as a value of a Java .properties file, which is read as Latin-1, with \ for escapes:
# in ASCII, with \uXXXX for all but letters, digits and / . _ -. Fails if the text is not UTF-8.
properties_value() {
  printf '%s' "$1" | LC_ALL=C od -An -v -tu1 | LC_ALL=C awk '
    { for (i = 1; i <= NF; i++) byte[n++] = $i + 0 }
    END {
      for (i = 0; i < n; i++) {
        code = byte[i]
        more = 0
        if (code > 244 || (code > 127 && code < 194)) exit 1
        if (code > 239) { more = 3; code -= 240 }
        else if (code > 223) { more = 2; code -= 224 }
        else if (code > 127) { more = 1; code -= 192 }
        for (; more > 0; more--) {
          if (++i >= n || byte[i] < 128 || byte[i] > 191) exit 1
          code = code * 64 + byte[i] - 128
        }
        if ((code > 44 && code < 58) || (code > 64 && code < 91) || (code > 96 && code < 123) || code == 95)
          printf "%c", code
        else if (code < 65536)
          printf "\\u%04x", code
        else
          printf "\\u%04x\\u%04x", 55296 + int((code - 65536) / 1024), 56320 + code % 1024
      }
    }'
}

# running_server DIR: prints the pid of the server in DIR if it is running. A pid file alone proves nothing, as the pid
# may have been reused by another program.
running_server() {
  local pid
  [[ -f "$1/${KIND}.pid" ]] || return 1
  pid="$(cat "$1/${KIND}.pid")"
  is_number "${pid}" || return 1
  is_server "$1" "$(ps -ww -o args= -p "${pid}" 2>/dev/null)" || return 1
  printf '%s\n' "${pid}"
}

is_gone() {
  ! running_server "$1" >/dev/null
}

# mark_start DIR: what a server says from now on is of this start.
mark_start() {
  printf -- '--- started at %s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" >>"$1/${KIND}.log"
}

# errors_since_start DIR: prints the errors that a server's log has since it was started, and their causes.
errors_since_start() {
  tail -n 3000 "$1/${KIND}.log" | awk '
    /^--- started at / { n = 0 }
    / (ERROR|FATAL) |^Caused by: |^Exception in / { errors[n++] = $0 }
    END { for (i = 0; i < n; i++) print errors[i] }'
}

# fail DIR TEXT: shows the end of a server's log and its last errors, which may lie far before it, and ends with TEXT.
fail() {
  local errors
  printf '%s\n' "--- the last lines of $1/${KIND}.log" >&2
  tail -n 20 "$1/${KIND}.log" >&2
  errors="$(errors_since_start "$1" | tail -n 5)"
  [[ -z "${errors}" ]] || printf '%s\n' "--- its last errors" "${errors}" >&2
  if is_gone "$1"; then
    rm -f "$1/${KIND}.pid"
  fi
  die "$2"
}

# stop_servers TIMEOUT NONE DIR...: ends the servers in these folders, in this order, and waits until they have
# ended; says NONE if none is running.
stop_servers() {
  local timeout="$1" none="$2" dir pid stopping=() pids=() i
  shift 2
  for dir in "$@"; do
    if pid="$(running_server "${dir}")"; then
      say "stopping the $(server_name "${dir}") with pid ${pid}"
      kill -TERM "${pid}" 2>/dev/null || true
      stopping+=("${dir}")
      pids+=("${pid}")
    else
      rm -f "${dir}/${KIND}.pid"
    fi
  done
  # bash 3.2 treats an empty array as unset.
  if ((${#stopping[@]} == 0)); then
    say "${none}"
    return
  fi
  for ((i = 0; i < ${#stopping[@]}; i++)); do
    finish "${timeout}" "${stopping[i]}" "${pids[i]}"
  done
}

finish() {
  local timeout="$1" dir="$2" pid="$3" name
  name="$(server_name "${dir}")"
  if ! wait_until "${timeout}" has_ended "${pid}"; then
    # Checked again, so that we only ever kill what is ours.
    if running_server "${dir}" >/dev/null; then
      say "the ${name} with pid ${pid} did not stop within ${timeout} s: killing it"
      kill -KILL "${pid}" 2>/dev/null || true
    fi
    wait_until 30 has_ended "${pid}" || die "the ${name} with pid ${pid} cannot be killed"
  fi
  rm -f "${dir}/${KIND}.pid"
}
