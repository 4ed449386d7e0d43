# The app's last build folder: what has not changed is moved out of it, so that its files keep their times and the slug's part with
# them is known.

# take_last FOLDER PROOF CONTENT: moves BUILD_DIR-relative FOLDER out of the last build when the file PROOF there says CONTENT.
take_last() {
  local last=${SLIPWAY_LAST_BUILD:-}
  [ -n "$last" ] && [ -d "$last/$1" ] && [ -f "$last/$2" ] || return 1
  [ "$(cat "$last/$2")" = "$3" ] || return 1
  mkdir -p "$(dirname "$BUILD_DIR/$1")"
  [ ! -e "$BUILD_DIR/$1" ] && mv "$last/$1" "$BUILD_DIR/$1"
}

# fingerprint WORD... [-- FILE...]: one line that names the words and the contents of the files; a missing file counts as such.
fingerprint() {
  local parts='' item
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    parts="$parts$1
"
    shift
  done
  shift || true
  for item in "$@"; do
    parts="$parts$item $([ -f "$item" ] && sum_of 256 "$item")
"
  done
  if command -v sha256sum >/dev/null 2>&1; then
    printf '%s' "$parts" | sha256sum | cut -c 1-32
  else
    printf '%s' "$parts" | shasum -a 256 | cut -c 1-32
  fi
}
