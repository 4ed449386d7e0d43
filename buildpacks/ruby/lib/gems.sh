# The gems that the Gemfile names, installed by Bundler into vendor/bundle, in deployment mode and without those for development and tests.

# bundle_paths FOLDER: lines of shell with Bundler's settings; FOLDER is an expression for the app's folder.
bundle_paths() {
  local home="$1/vendor/bundle/ruby/$(ruby_api)"
  echo "export BUNDLE_GEMFILE=\"\${BUNDLE_GEMFILE:-$1/Gemfile}\""
  echo "export BUNDLE_WITHOUT=\"\${BUNDLE_WITHOUT-development:test}\" BUNDLE_BIN=\"$1/vendor/bundle/bin\""
  echo "export PATH=\"$1/bin:$1/vendor/bundle/bin:$home/bin:\$PATH\""
  if uses_distribution; then
    echo "export GEM_HOME=\"$home\" GEM_PATH=\"$home:$(distribution_gem_folders "$1")\" BUNDLE_PATH__SYSTEM=true BUNDLE_FROZEN=true BUNDLE_VERSION=system"
  else
    echo "export GEM_PATH=\"$home\" BUNDLE_PATH=\"$1/vendor/bundle\" BUNDLE_DEPLOYMENT=1 BUNDLE_GLOBAL_PATH_APPENDS_RUBY_SCOPE=1"
  fi
}

# bundler_settings: settings of this machine that no variable can have in its name go into Bundler's file of the user.
bundler_settings() {
  export BUNDLE_USER_CONFIG=$CACHE_DIR/ruby/bundle-config BUNDLE_USER_CACHE=$SLIPWAY_DOWNLOADS/ruby/bundler BUNDLE_SILENCE_ROOT_WARNING=1
  printf '%s\n' "---" "${SLIPWAY_BUNDLE_CONFIG:-}" >"$BUNDLE_USER_CONFIG"
}

# install_gems: vendor/bundle of the last build when nothing has changed, else what Bundler makes of it. Sets GEMS_KEY, which names what
# decides the gems.
install_gems() {
  local key version
  bundler_settings
  check_project
  # Bundler warns in each command of a Gemfile without a source.
  grep -qE '^[[:space:]]*source\b' Gemfile || export BUNDLE_SILENCE_DEPRECATIONS=true
  eval "$(BUNDLE_GEMFILE='' bundle_paths "$BUILD_DIR")"
  export BUNDLE_GEMFILE=$BUILD_DIR/Gemfile
  # shellcheck disable=SC2046
  key=$(fingerprint "$RUBY_VERSION $RUBY_SOURCE" "$(bundle_paths . | sort)" "$BUNDLE_WITHOUT" "$(ls vendor/cache 2>/dev/null || true)" \
    "$(cat "$BUILD_DIR/$DEBIAN_PREFIX/.packages" 2>/dev/null || true)" "$(fingerprint -- "$RUBY_PACK"/lib/*)" \
    -- Gemfile Gemfile.lock .ruby-version $(find . -maxdepth 1 -name '*.gemspec'))
  GEMS_KEY=$key
  if take_last vendor/bundle vendor/bundle/.key "$key"; then
    step "Installing dependencies using bundler $(cat vendor/bundle/.bundler 2>/dev/null)"
    [ -f Gemfile.lock ] || cp vendor/bundle/.Gemfile.lock Gemfile.lock
    detail "All gems are taken from the last build"
    return
  fi
  version=$(bundle --version 2>/dev/null | sed 's/[^0-9]*//') || true
  step "Installing dependencies using bundler ${version:-of Ruby $RUBY_VERSION}"
  reuse_gems
  if uses_distribution; then
    bundle_distribution || fail_gems
  else
    bundle_remote || fail_gems
  fi
  rm -rf vendor/bundle/ruby/*/cache
  mkdir -p vendor/bundle
  cp Gemfile.lock vendor/bundle/.Gemfile.lock
  printf '%s' "$version" >vendor/bundle/.bundler
  printf '%s' "$key" >vendor/bundle/.key
}

# check_project: what the platform refuses or removes before it installs gems.
check_project() {
  if [ -f .bundle/config ]; then
    warn 'You have the `.bundle/config` file checked into your repository.
It contains local state like the location of the installed bundle, and settings that should not be shared between machines.
It is not used here. Remove the folder .bundle from your repository and add it to .gitignore.'
    rm -f .bundle/config
  fi
  if [ -d vendor/bundle ]; then
    warn 'Removing vendor/bundle: gems that were installed on another machine do not run here. Add it to .gitignore.'
    rm -rf vendor/bundle
  fi
  [ -f Gemfile.lock ] || uses_distribution || fail 'Gemfile.lock required. Please check it in.'
}

# reuse_gems: with the same Ruby, gems of the last build are kept that are still asked for.
reuse_gems() {
  local last=${SLIPWAY_LAST_BUILD:-}
  [ -n "$last" ] && [ -d "$last/vendor/bundle/ruby/$(ruby_api)" ] || return 0
  [ "$(sed -n 1p "$CACHE_DIR/ruby/.used" 2>/dev/null)" = "$RUBY_VERSION $RUBY_SOURCE" ] || return 0
  mkdir -p vendor
  mv "$last/vendor/bundle" vendor/bundle && rm -f vendor/bundle/.key
}

bundle_remote() {
  detail "Running: BUNDLE_WITHOUT='$BUNDLE_WITHOUT' BUNDLE_PATH=vendor/bundle BUNDLE_BIN=vendor/bundle/bin BUNDLE_DEPLOYMENT=1 bundle install -j4"
  printf '%s\n' "$RUBY_VERSION $RUBY_SOURCE" >"$CACHE_DIR/ruby/.used"
  with_headers run_shown bundle install -j4 --retry 2 || with_headers bundle_kept || return 1
  keep_gems
  detail 'Cleaning up the bundler cache.'
  run_shown bundle clean || return 1
}

# kept_gems: folder with the gems that apps of the same sources have fetched.
kept_gems() {
  echo "$SLIPWAY_DOWNLOADS/ruby/gems/$(fingerprint "$(sed -n 's/^  remote: //p' Gemfile.lock | sort -u)")"
}

# keep_gems: gems that were fetched are there for later builds without a network.
keep_gems() {
  local kept file
  [ ! -d vendor/cache ] || return 0
  kept=$(kept_gems)
  mkdir -p "$kept"
  for file in vendor/bundle/ruby/*/cache/*.gem; do
    [ ! -f "$file" ] || [ -f "$kept/${file##*/}" ] || { cp "$file" "$kept/.${file##*/}.$$" && mv "$kept/.${file##*/}.$$" "$kept/${file##*/}"; }
  done
}

# bundle_kept: installs when the source does not answer, if all gems were fetched before.
bundle_kept() {
  local kept status=0
  kept=$(kept_gems)
  [ ! -d vendor/cache ] && [ -d "$kept" ] || return 1
  detail 'The source does not answer. Running: bundle install --local, with the gems that earlier builds fetched'
  mkdir -p vendor
  ln -s "$kept" vendor/cache
  run_shown bundle install -j4 --local || status=$?
  rm -f vendor/cache
  return "$status"
}

# bundle_distribution: gems that the distribution does not have come from the Gemfile's source, if it names one.
bundle_distribution() {
  local how=--local
  printf '%s\n' "$RUBY_VERSION $RUBY_SOURCE" >"$CACHE_DIR/ruby/.used"
  [ -f Gemfile.lock ] || export BUNDLE_FROZEN=false
  detail "Running: BUNDLE_WITHOUT='$BUNDLE_WITHOUT' BUNDLE_PATH__SYSTEM=true bundle install --local"
  if ! with_headers run_shown bundle install --local; then
    grep -qE '^[[:space:]]*source\b' Gemfile || return 1
    detail 'Not all of them are in the distribution. Running: bundle install --prefer-local'
    how=--prefer-local
    with_headers run_shown bundle install -j4 --prefer-local || return 1
  fi
  export BUNDLE_FROZEN=true
  [ "$how" = --local ] || detail 'Gems that the distribution does not have were installed from the source.'
}

# with_headers COMMAND...: runs it with the headers that gems in C are compiled with, which no dyno needs.
with_headers() {
  local usr=$BUILD_DIR/$DEBIAN_PREFIX/usr headers='' name library status=0
  if [ "$RUBY_SOURCE" = distribution ]; then
    headers=$(debian_one "ruby/headers-$(debian_codename)-$RUBY_VERSION" "${RUBY_PACKAGE% *}-dev" './usr/include/*') ||
      warn "The headers of Ruby $RUBY_VERSION could not be had; gems in C cannot be compiled."
  fi
  if [ -n "$headers" ]; then
    for name in "ruby-$(ruby_api)" "$(debian_triplet)/ruby-$(ruby_api)"; do
      mkdir -p "$usr/include/${name%ruby-*}"
      [ -d "$usr/include/$name" ] || ln -sfn "$headers/usr/include/$name" "$usr/include/$name"
    done
    for library in "$usr"/lib/*/libruby-*.so.*.*.*; do
      ln -sf "${library##*/}" "${library%%.so*}.so"
    done
  fi
  "$@" || status=$?
  [ -z "$headers" ] || find "$usr/include" -maxdepth 2 -type l -name 'ruby-*' -delete
  return "$status"
}

fail_gems() {
  local text='Failed to install gems via Bundler.'
  if uses_distribution && [ ! -f Gemfile.lock ]; then
    text="$text
The Gemfile names no source, so its gems are those of the distribution's packages: $(distribution_packages | paste -s -d ' ' -)
Gems that are not among them need a source in the Gemfile, or files in vendor/cache (made by \`bundle cache\`)."
  elif [ ! -d vendor/cache ]; then
    text="$text
Without the network of the Gemfile's source there are two ways: files in vendor/cache, made by \`bundle cache --all-platforms\`, or the gems
of the distribution's packages, used with the config var BUNDLE_PREFER_LOCAL=true."
  fi
  fail "$text"
}
