# Shared by the scripts that start and stop servers: what runs, what listens, and names that Java and ps read alike. To be
# sourced after lib.sh.
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
