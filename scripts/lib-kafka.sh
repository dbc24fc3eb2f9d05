# Shared by the scripts for the local brokers: their settings, folders and ports, and how to recognize them. To be
# sourced after lib.sh.
# shellcheck shell=bash

check_settings() {
  is_from_to "${PORT}" 1 65000 || usage_error "KAFKA_PORT=${PORT}: expected a port from 1 to 65000"
  is_from_to "${BROKERS}" 1 9 || usage_error "KAFKA_BROKERS=${BROKERS}: expected a number from 1 to 9"
  is_number "${KAFKA_START_TIMEOUT}" ||
    usage_error "KAFKA_START_TIMEOUT=${KAFKA_START_TIMEOUT}: expected a whole number of seconds"
  is_number "${KAFKA_STOP_TIMEOUT}" ||
    usage_error "KAFKA_STOP_TIMEOUT=${KAFKA_STOP_TIMEOUT}: expected a whole number of seconds"
  PORT=$((10#${PORT})) BROKERS=$((10#${BROKERS}))
  note_ignored KAFKA_PORT is_port
  note_ignored KAFKA_BROKERS is_broker_count
  # Without ps, a broker that runs would look dead.
  ps -ww -o args= -p "$$" >/dev/null 2>&1 ||
    die "no \`ps\` that shows a process by its id: install procps (Debian: apt-get install procps); nothing was done"
}

is_port() {
  is_from_to "$1" 1 65000
}

is_broker_count() {
  is_from_to "$1" 1 9
}

# Broker i keeps everything in its own folder and listens on KAFKA_PORT+2i; its controller listens on the next port.
broker_dir() {
  printf '%s/broker-%s\n' "${KAFKA_STATE}" "$1"
}

broker_port() {
  printf '%s\n' $((PORT + 2 * $1))
}

port_answers() {
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
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

# broker_mark DIR: the option by which the process of the broker in DIR is recognized. It is ASCII without spaces, as
# ps shows other characters by the locale.
broker_mark() {
  printf -- '-Dsf.police.broker=%s\n' "$(properties_value "$1")"
}

# running_pid DIR: prints the pid of the broker in DIR if it is running. A pid file alone proves nothing, as the pid may
# have been reused by another program.
running_pid() {
  local dir="$1" pid
  [[ -f "${dir}/kafka.pid" ]] || return 1
  pid="$(cat "${dir}/kafka.pid")"
  is_number "${pid}" || return 1
  case "$(ps -ww -o args= -p "${pid}" 2>/dev/null)" in
    *" $(broker_mark "${dir}") "*" kafka.Kafka "*) printf '%s\n' "${pid}" ;;
    *" kafka.Kafka ${dir}/server.properties") printf '%s\n' "${pid}" ;; # started by a version without the mark
    *) return 1 ;;
  esac
}

# has_ended PID: the process is gone, or a zombie. (Its command line disappears a moment earlier, while it still holds
# its ports.)
has_ended() {
  case "$(ps -o stat= -p "$1" 2>/dev/null)" in
    '' | Z*) return 0 ;;
    *) return 1 ;;
  esac
}

is_gone() {
  ! running_pid "$1" >/dev/null
}
