# Composer, and the packages that it installs.

# prepare_composer: sets COMPOSER_FOLDER, a shared folder with Composer and its libraries.
prepare_composer() {
  local known=$CACHE_DIR/php/.composer stamp
  [ -s "$COMPOSER_JSON" ] || return 0
  stamp=$(stat -c %Y "$(debian_root)/updated")
  COMPOSER_FOLDER=$(sed -n 2p "$known" 2>/dev/null) || true
  if [ "$(sed -n 1p "$known" 2>/dev/null)" != "$stamp" ] || [ ! -d "$COMPOSER_FOLDER" ]; then
    COMPOSER_FOLDER=$(DEBIAN_ASSUMED="php-cli php-common php-json php-mbstring php-xml php-intl $DEBIAN_ASSUMED" debian_tool composer composer) ||
      fail 'Composer could not be had; the lines above say why.'
    # Its files name each other by where the packages would be installed.
    find "$COMPOSER_FOLDER/usr/share/php" -name autoload.php -exec sed -i "s|'/usr/share/php/|getenv('SLIPWAY_PHP_LIBRARY') . '/|" {} +
    printf '%s\n' "$stamp" "$COMPOSER_FOLDER" >"$known"
  fi
  export COMPOSER_HOME=$CACHE_DIR/php/composer COMPOSER_CACHE_DIR=$SLIPWAY_DOWNLOADS/php/composer COMPOSER_NO_INTERACTION=1 COMPOSER_PROCESS_TIMEOUT=0
  mkdir -p "$COMPOSER_HOME"
  # Mirrors that this machine's own Composer is set up with.
  local settings='{}'
  printf '%s\n' "${SLIPWAY_COMPOSER_CONFIG:-$settings}" >"$COMPOSER_HOME/config.json"
}

# composer_php ARGUMENT...: PHP with Composer's libraries.
composer_php() {
  local library=$COMPOSER_FOLDER/usr/share/php
  SLIPWAY_PHP_LIBRARY=$library php -d include_path="$library" -d memory_limit=-1 "$@"
}

composer_run() {
  composer_php "$COMPOSER_FOLDER/usr/bin/composer" --no-ansi "$@"
}

# vendor_folder: where the project has its packages.
vendor_folder() {
  jq -r '.config["vendor-dir"] // "vendor"' "$COMPOSER_JSON" 2>/dev/null || echo vendor
}

# install_packages: those that composer.lock names, without those for development. Those of the last build are there already when
# nothing has changed; Composer then finds nothing to do but its scripts.
install_packages() {
  local vendor key
  [ -n "$HAS_COMPOSER" ] || return 0
  vendor=$(vendor_folder)
  key=$(fingerprint "$PHP_NAME" -- "$COMPOSER_JSON" "$COMPOSER_LOCK")
  step 'Installing dependencies'
  detail "$(composer_run --version 2>/dev/null | grep -oE '^Composer version [0-9.]+')"
  [ -d "$vendor" ] || ! take_last "$vendor" "$vendor/.key" "$key" || detail 'Packages are taken from the last build'
  run_shown composer_run install --no-dev --prefer-dist --optimize-autoloader --no-interaction --no-progress ||
    fail "Dependency installation failed! The lines above say why.
Without the network of the packages' source Composer needs them in the folder $vendor or in a repository of the type artifact or path.
Try it on your machine with \`composer install --no-dev\`, and deploy again."
  if [ "$(jq '.scripts.compile != null' "$COMPOSER_JSON")" = true ]; then
    detail "Running the script 'compile'"
    run_shown composer_run run-script --no-dev compile || fail "The script 'compile' of $COMPOSER_JSON failed; the lines above say why."
  fi
  [ ! -d "$vendor" ] || [ "$(cat "$vendor/.key" 2>/dev/null)" = "$key" ] || printf '%s' "$key" >"$vendor/.key"
}

# write_boot: the commands that start web servers at their place among the project's programs, and the default process type (reference: heroku-platform 1.2).
write_boot() {
  local name bin
  bin=$(jq -r '.config["bin-dir"] // empty' "$COMPOSER_JSON" 2>/dev/null) || true
  bin=${bin:-$(vendor_folder)/bin}
  mkdir -p "$bin"
  for name in heroku-php-apache2 heroku-php-nginx; do
    [ -L "$bin/$name" ] || ln -sfnr "$BUILD_DIR/.heroku/php/boot/$name" "$bin/$name"
  done
  printf -- '---\ndefault_process_types:\n  web: heroku-php-apache2\n' | write_release php
  if [ ! -f Procfile ]; then
    warn "No Procfile, using 'web: heroku-php-apache2'."
    echo 'web: heroku-php-apache2' >Procfile
  fi
}
