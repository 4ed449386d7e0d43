# Commands of this machine that a build cannot do without. The images of Docker have them; plain processes have what is installed.

# lacking COMMAND...: prints those of them that are not there, as `a`, `a and b` or `a, b and c`; nothing when all are.
lacking() {
  local name text='' last=''
  for name in "$@"; do
    ! command -v "$name" >/dev/null 2>&1 || continue
    [ "$name" != apt-get ] || name='apt-get (packages of Debian and Ubuntu)'
    [ -z "$last" ] || text="$text${text:+, }$last"
    last=$name
  done
  printf '%s' "$text${text:+ and }$last"
}

# missing_text WHAT NAMES: the sentence for WHAT, such as "Building PHP apps", that needs what is named, with the two ways out.
missing_text() {
  printf '%s' "$1 needs $2, which this machine does not have: install what is missing and deploy again, or let builds run in Docker (SLIPWAY_RUNTIME=docker)."
}

# need WHAT COMMAND...: ends the build when this machine lacks commands. Its words are for the build log: do not catch its output.
need() {
  local names
  names=$(lacking "${@:2}")
  [ -z "$names" ] || fail "$(missing_text "$1" "$names")"
}
