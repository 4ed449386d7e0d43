# Builds that would only take what the last one made: lib/repeat.mjs notes when the next build of the same is one, and that is done
# here, without starting Node.js and with few other programs. The caller sets `here`, the buildpack's folder.

# shellcheck source=../../common/downloads.sh
. "$here/../common/downloads.sh"
# shellcheck source=../../common/last-build.sh
. "$here/../common/last-build.sh"

# repeat_fingerprint BUILD_DIR ENV_DIR: names all that decides what this buildpack makes of a project that runs no scripts.
repeat_fingerprint() {
  local name settings=''
  for name in ${!npm_@} ${!NPM_@} ${!yarn_@} ${!YARN_@} ${!pnpm_@} ${!PNPM_@} ${!NODE_@} ${!USE_@}; do
    settings="$settings$name=${!name}
"
  done
  [ ! -e "$1/server.js" ] || settings="$settings server.js"
  fingerprint "$settings" -- \
    "$1"/{package.json,package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml} \
    "$1"/{.npmrc,.yarnrc,.yarnrc.yml,pnpm-workspace.yaml,.pnpmfile.cjs} \
    "$2"/* "$here"/bin/* "$here"/lib/*
}

# repeat_last BUILD_DIR CACHE_DIR FINGERPRINT: moves what the last build made to BUILD_DIR and says what a whole build would; returns 1
# when this one is of something else, with nothing left behind.
repeat_last() {
  local last=${SLIPWAY_LAST_BUILD:-} until='' key='' known='' proof='' release='' profile said=''
  [ -n "$last" ] && [ -d "$last/node_modules" ] && [ -d "$last/.heroku/node" ] || return 1
  [ ! -e "$1/node_modules" ] && [ ! -e "$1/.heroku/node" ] || return 1
  repeat_read said "$2/repeat" && repeat_read proof "$last/.heroku/node_modules.key" || return 1
  repeat_read release "$last/.profile.d/.node-release.yml" && repeat_read profile "$here/lib/runtime.sh" || return 1
  { read -r until && read -r key && read -r known; } <"$2/repeat" || return 1
  [ "$known" = "$3" ] && [ "$proof" = "$key" ] && [ "${EPOCHSECONDS:-$(date +%s)}" -lt "$until" ] || return 1
  mkdir -p "$1/.heroku" "$1/.profile.d"
  if ! { mv "$last/.heroku/node" "$1/.heroku/" && mv "$last/node_modules" "$1/"; }; then
    rm -rf "$1/.heroku/node" "$1/node_modules"
    return 1
  fi
  note_kept .heroku/node node_modules
  printf '%s' "$key" >"$1/.heroku/node_modules.key"
  printf '%s' "$release" >"$1/.profile.d/.node-release.yml"
  printf '%s' "$profile" >"$1/.profile.d/nodejs.sh"
  printf '%s' "${said#*$'\n'*$'\n'*$'\n'}"
}

# repeat_read VARIABLE FILE: sets the variable to all of the file; returns 1 when there is nothing.
repeat_read() {
  { IFS= read -r -d '' "$1" || [ -n "${!1}" ]; } 2>/dev/null <"$2"
}
