# The app's last build folder: what has not changed is moved out of it, so that its files keep their times and the slug's part with
# them is known.

# take_last FOLDER PROOF CONTENT: moves BUILD_DIR-relative FOLDER out of the last build when the file PROOF there says CONTENT.
take_last() {
  local last=${SLIPWAY_LAST_BUILD:-}
  [ -n "$last" ] && [ -d "$last/$1" ] && [ -f "$last/$2" ] || return 1
  [ "$(<"$last/$2")" = "$3" ] && [ ! -e "$BUILD_DIR/$1" ] || return 1
  set -- "$last/$1" "$BUILD_DIR/$1"
  mkdir -p "${2%/*}"
  mv "$1" "$2"
}

# note_kept FOLDER...: tells the slug compiler that nothing was written into these since they were moved out of the last build, so that it need
# not look for changes there. Only for builds that run no program which may write into them.
note_kept() {
  [ -z "${SLIPWAY_KEPT:-}" ] || printf '%s\n' "$@" >>"$SLIPWAY_KEPT"
}

# fingerprint WORD... [-- FILE...]: one line that names the words and the contents of the files; a missing file counts as such. Of a file
# with an absolute path only the name counts, as folders of the build and of buildpacks are elsewhere in the next build.
fingerprint() {
  local parts='' item
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    parts="$parts$1
"
    shift
  done
  shift || true
  for item in "$@"; do
    case "$item" in
      /*) parts="$parts${item##*/}" ;;
      *) parts="$parts$item" ;;
    esac
    [ -f "$item" ] || parts="$parts is missing"
    parts="$parts
"
  done
  parts=$({ printf '%s' "$parts" && contents_sums "$@"; } | sums_of 256 -)
  printf '%s\n' "${parts:0:32}"
}

# source_sums: checksums of the app's own files, by name; not of what buildpacks have put beside them.
source_sums() {
  find . \( -path ./.heroku -o -path ./.profile.d -o -path ./vendor/bundle \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum
}

# contents_sums FILE...: the checksums of those files that there are, one a line.
contents_sums() {
  local file sum
  for file in "$@"; do
    shift
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  [ $# -eq 0 ] || sums_of 256 "$@" | while IFS= read -r sum; do printf '%s\n' "${sum:0:64}"; done
}
