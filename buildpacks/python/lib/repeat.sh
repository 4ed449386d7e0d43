# Builds that would only take what the last one made: a whole build notes when the next one of the same is such a build, and that is
# done here, with few programs. The caller sets PYTHON_PACK, the buildpack's folder.

# shellcheck source=../../common/downloads.sh
. "$PYTHON_PACK/../common/downloads.sh"
# shellcheck source=../../common/last-build.sh
. "$PYTHON_PACK/../common/last-build.sh"

# repeat_fingerprint BUILD_DIR: names all that decides what this buildpack makes of a project without code that builds run; nothing for
# a project with such code. Call it in a subshell.
repeat_fingerprint() {
  local program
  shopt -s dotglob
  for program in "$1"/bin/{pre,post}_compile "$1"/{,*/,*/*/}manage.py; do
    [ ! -e "$program" ] || return 0
  done
  fingerprint -- "$1"/{runtime.txt,.python-version,Pipfile,Pipfile.lock,pyproject.toml,poetry.lock,pdm.lock,uv.lock,setup.py} \
    "$1"/requirements{,*}.txt "$PYTHON_PACK"/bin/* "$PYTHON_PACK"/lib/*
}

# repeat_last BUILD_DIR CACHE_DIR FINGERPRINT: moves what the last build made to BUILD_DIR and says what a whole build would; returns 1
# when this one is of something else, with nothing left behind.
repeat_last() {
  local BUILD_DIR=$1 note='' known='' key=''
  [ -n "$3" ] && [ -f "$2/python/repeat" ] || return 1
  note=$(<"$2/python/repeat")
  { read -r known && read -r key; } <<<"$note" || return 1
  [ "$known" = "$3" ] && take_last .heroku/python .heroku/python/.packages "$key" || return 1
  note_kept .heroku/python
  write_runtime
  printf '%s\n' "${note#*$'\n'*$'\n'}"
}

# repeat_note FINGERPRINT: the next build of the same project is a repetition, unless packages come from more files than the fingerprint
# has, or this build said something else than the next one will.
repeat_note() {
  local file
  [ -n "$1" ] && [ -n "$PYTHON_ASKED_IN" ] && ! installs_project && ! installs_in_place || return 0
  for file in $(package_files); do
    [[ $file =~ ^(requirements[^/]*\.txt|Pipfile|[^/]*\.(lock|toml))$ ]] || return 0
  done
  { printf '%s\n' "$1" "$(<"$BUILD_DIR/.heroku/python/.packages")" && step "$PYTHON_CHOICE" && say_restored && say_done; } >"$CACHE_DIR/python/repeat"
}

# repeat_forget: the next build is a whole one.
repeat_forget() {
  rm -f "$CACHE_DIR/python/repeat"
}

# write_runtime: what sets dynos up.
write_runtime() {
  mkdir -p "$BUILD_DIR/.profile.d"
  printf '%s\n' "$(<"$PYTHON_PACK/lib/runtime.sh")" >"$BUILD_DIR/.profile.d/python.sh"
  printf '%s\n' "$(<"$PYTHON_PACK/lib/gunicorn.sh")" >"$BUILD_DIR/.profile.d/python.gunicorn.sh"
}
