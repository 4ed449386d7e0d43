# The build's folders and the app's config vars.

# compile_begin BUILD_DIR CACHE_DIR ENV_DIR: first call of a bin/compile. Sets the three, and SLIPWAY_DOWNLOADS, the folder for what
# all apps share; makes them.
compile_begin() {
  local from=$PWD
  unset GIT_DIR
  make_folders "$1" "$2"
  cd "$2" && CACHE_DIR=$PWD && cd "$from" && cd "$1" || exit 1
  BUILD_DIR=$PWD ENV_DIR=${3:-}
  export BUILD_DIR CACHE_DIR ENV_DIR
  export SLIPWAY_DOWNLOADS=${SLIPWAY_DOWNLOADS:-$CACHE_DIR/downloads}
  make_folders "$SLIPWAY_DOWNLOADS"
}

# make_folders FOLDER...: makes those that are not there. Mostly all are, and starting a program costs one to two milliseconds.
make_folders() {
  local folder
  for folder in "$@"; do [ -d "$folder" ] || mkdir -p "$folder"; done
}

# Config vars that would change how the build itself works (reference: heroku-platform 2.3).
ENV_KEPT='^(PATH|GIT_DIR|CPATH|CPPATH|LD_PRELOAD|LIBRARY_PATH|LD_LIBRARY_PATH|LANG|BUILD_DIR|CACHE_DIR|ENV_DIR|HOME|IFS|STACK|SLIPWAY_.*)$'

# export_config [PATTERN]: exports the app's config vars, but not those above and not those whose name fits PATTERN.
export_config() {
  local file name
  [ -d "$ENV_DIR" ] || return 0
  for file in "$ENV_DIR"/*; do
    name=${file##*/}
    [ -f "$file" ] || continue
    [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    [[ $name =~ $ENV_KEPT ]] && continue
    [ -n "${1:-}" ] && [[ $name =~ $1 ]] && continue
    export "$name=$(<"$file")"
  done
}
