# Shared by the scripts that write or delete a venv: whether it is ours, and whether it is whole. To be sourced after
# lib.sh. Our mark is the file .installed, with the checksum of what was installed.
# shellcheck shell=bash

# A venv that is a link to another disk is replaced there.
resolve_link() {
  [[ ! -L "${VENV}" || ! -d "${VENV}" ]] || VENV="$(cd "${VENV}" >/dev/null && pwd -P)"
}

# mark: what .installed holds when the venv has the packages that this clone asks for.
mark() {
  printf 'sf-police %s\n' "$("${SHA256[@]}" <"${ROOT}/requirements.lock" | cut -c 1-64)"
}

# registration: what .registered holds when the clone is a package of the venv as it is. Tools' settings do not count.
registration() {
  sed '/^\[tool:/,$d' "${ROOT}/pyproject.toml" "${ROOT}/setup.cfg" | "${SHA256[@]}" | cut -c 1-64
}

# has_our_mark DIR: an install of ours has begun there. Of those before 2026-12 the mark is blank, but they hold us.
has_our_mark() {
  [[ -f "$1/.installed" && -f "$1/pyvenv.cfg" ]] || return 1
  case "$(cat "$1/.installed")" in
    sf-police*) ;;
    '') compgen -G "$1/lib/python*/site-packages/sf_police-*.dist-info" >/dev/null ;;
    *) return 1 ;;
  esac
}

# Whether the venv is ours, was installed to its end, and its Python still exists.
is_whole() {
  has_our_mark "${VENV}" && [[ "$(cat "${VENV}/.installed")" != *'not yet whole' ]] && "${VENV}/bin/python" -I -c '' 2>/dev/null
}

# Whether the venv has what this clone asks for. One with a blank mark is known by its time, and gets a mark.
is_current() {
  is_whole || return 1
  if [[ ! -s "${VENV}/.installed" && ! "${ROOT}/requirements.lock" -nt "${VENV}/.installed" ]]; then
    mark >"${VENV}/.installed"
  fi
  [[ "$(cat "${VENV}/.installed")" == "$(mark)" ]]
}

# Dies if there is something at VENV which is not a venv of ours, so that it is never replaced or deleted.
ensure_ours() {
  [[ -e "${VENV}" ]] || return 0
  if [[ -d "${VENV}" && -z "$(find "${VENV}/" -mindepth 1 | head -n 1)" ]]; then
    rmdir "${VENV}"
  elif ! has_our_mark "${VENV}"; then
    die "'${VENV}' was not made by \`make install\`, and is left as it is: delete it, or choose another folder (make VENV=…; an exported VENV counts, too)"
  fi
}
