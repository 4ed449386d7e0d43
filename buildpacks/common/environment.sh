# The build's folders and the app's config vars.

# compile_begin BUILD_DIR CACHE_DIR ENV_DIR: first call of a bin/compile. Sets the three, and SLIPWAY_DOWNLOADS, the folder for what
# all apps share; makes them.
compile_begin() {
  unset GIT_DIR
  BUILD_DIR=$1 CACHE_DIR=$2 ENV_DIR=${3:-}
  mkdir -p "$BUILD_DIR" "$CACHE_DIR"
  BUILD_DIR=$(cd "$BUILD_DIR" && pwd)
  CACHE_DIR=$(cd "$CACHE_DIR" && pwd)
  export BUILD_DIR CACHE_DIR ENV_DIR
  export SLIPWAY_DOWNLOADS=${SLIPWAY_DOWNLOADS:-$CACHE_DIR/downloads}
  mkdir -p "$SLIPWAY_DOWNLOADS"
  cd "$BUILD_DIR" || exit 1
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
    export "$name=$(cat "$file")"
  done
}

# config_var NAME: prints one config var, also one that is not exported; nothing when it is not set.
config_var() {
  [ ! -f "$ENV_DIR/$1" ] || cat "$ENV_DIR/$1"
}
