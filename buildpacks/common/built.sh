# Builds of sources that have not changed: what the last one made is moved out of its folder, and no tool runs. Between `built_begin`
# and `built_note` is all that makes files; a build that changes or removes one of the sources is not noted.

# Folders that the engine removes after the build.
BUILT_REMOVED='^\./(tmp|log)(/|$)'

# built_begin NAME FOLDER WORD...: takes down what the build depends on: the files in BUILD_DIR, config vars, the stack, the commit,
# the registry, the buildpack NAME in FOLDER, and words such as versions of tools.
built_begin() {
  local name=$1 pack=$2
  shift 2
  BUILT_NOTE=.heroku/built/$name
  BUILT_BEFORE=$CACHE_DIR/.built-before
  mkdir -p .heroku/built
  built_find -print | LC_ALL=C sort >"$BUILT_BEFORE"
  # Buildpacks are in another folder each time.
  BUILT_KEY=$(fingerprint "$@" "${STACK:-}" "${SOURCE_VERSION:-}" "${MAVEN_MIRROR_URL:-}" "$(built_config)" "$(built_sources)" \
    "$(cat "$BUILT_BEFORE" "$pack"/bin/* "$pack"/lib/* "$COMMON_DIR"/*.sh)")
}

# built_find EXPRESSION...: find in BUILD_DIR, but not in the JDK, which is known by its version, and in .git.
built_find() {
  find . -mindepth 1 \( -path ./.jdk -o -path ./.git \) -prune -o "$@"
}

# built_sources: prints the checksums of all files, which of them are programs, and where links lead. What cannot be read counts as changed.
built_sources() {
  local sum='sha256sum'
  command -v sha256sum >/dev/null 2>&1 || sum='shasum -a 256'
  # shellcheck disable=SC2086
  built_find -type f -print0 | LC_ALL=C sort -z | xargs -0 $sum || date
  built_find -type f -perm -u+x -print | LC_ALL=C sort
  built_find -type l -print -exec readlink {} \; | LC_ALL=C sort
}

# built_config: prints all config vars.
built_config() {
  local file
  for file in "$ENV_DIR"/*; do
    [ ! -f "$file" ] || printf '%s=%s\n' "${file##*/}" "$(cat "$file")"
  done
}

# built_take: moves what the last build made to BUILD_DIR; returns 1 when it was one of something else.
built_take() {
  local last=${SLIPWAY_LAST_BUILD:-} made=$CACHE_DIR/.built-note path
  [ -n "$last" ] && [ -f "$last/$BUILT_NOTE" ] && [ "$(head -n 1 "$last/$BUILT_NOTE")" = "$BUILT_KEY" ] || return 1
  built_intact "$last" || return 1
  # It counts no more when this build ends in the middle.
  mv "$last/$BUILT_NOTE" "$made"
  while IFS= read -r path; do
    mv "$last/$path" "$path" && continue
    tail -n +2 "$made" | while IFS= read -r path; do rm -rf "${BUILD_DIR:?}/$path"; done
    return 1
  done < <(tail -n +2 "$made")
  mv "$made" "$BUILT_NOTE"
  step 'Sources, settings and tools are those of the last build'
  detail 'What it made is taken again. To build from scratch: slipway builds:cache:purge'
}

# built_intact LAST: whether all that was made is there as it was, not changed by a later buildpack.
built_intact() {
  local path
  while IFS= read -r path; do
    [ -e "$1/$path" ] || [ -L "$1/$path" ] || return 1
    [ -z "$(find "$1/$path" -newer "$1/$BUILT_NOTE" | head -n 1)" ] || return 1
  done < <(tail -n +2 "$1/$BUILT_NOTE")
}

# built_note: takes down what was made since `built_begin`, the outermost files and folders that are new.
built_note() {
  local after=$CACHE_DIR/.built-after
  built_find -print | LC_ALL=C sort >"$after"
  [ -z "$(LC_ALL=C comm -23 "$BUILT_BEFORE" "$after")" ] || return 0
  [ -z "$(built_find -type f -cnewer "$BUILT_BEFORE" -print | LC_ALL=C sort | LC_ALL=C comm -12 "$BUILT_BEFORE" -)" ] || return 0
  # Whole or not at all: a list that breaks off would leave files out.
  {
    echo "$BUILT_KEY"
    LC_ALL=C comm -13 "$BUILT_BEFORE" "$after" | awk -v known="$BUILT_BEFORE" '
      BEGIN { while ((getline line < known) > 0) before[line] = 1 }
      { parent = $0; sub(/\/[^\/]*$/, "", parent); if (parent == "." || parent in before) print }' | { grep -vE "$BUILT_REMOVED" || true; }
  } >"$after.note" && mv "$after.note" "$BUILT_NOTE"
}
