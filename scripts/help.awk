# Lists the targets of the Makefile, so that all of them fit on a screen: `##@ Group` starts a group of which each target
# has a line, `##- Group` one of which only the names are shown.
BEGIN { FS = ":.*## " }
/^##[@-] / {
  end_names()
  is_short = substr($0, 3, 1) == "-"
  if (seen++ && (!is_short || !was_short)) print ""
  was_short = is_short
  if (is_short) { names = sprintf("%-14s", substr($0, 5) ":") } else { print substr($0, 5) }
}
/^[a-zA-Z0-9_-]+:.*## / {
  if (!is_short) { printf "  %-14s %s\n", $1, $2; next }
  if (length(names) + length($1) + 1 > 79) { print names; names = sprintf("%-14s", "") }
  names = names " " $1
}
END { end_names() }
function end_names() {
  if (names != "") print names
  names = ""
}
