# PHP, its extensions and the web servers, from packages of the distribution.

# What other packages depend on and nothing here uses.
DEBIAN_ASSUMED='perl systemd ucf iproute2 psmisc'
# Extensions that are there without being asked for.
# Composer of the distribution needs intl.
PHP_DEFAULTS='bz2 curl intl mbstring mysql opcache pgsql readline sqlite3 xml zip'

# php_package: the distribution's PHP, such as php8.4.
php_package() {
  local known=$CACHE_DIR/php/.package stamp name
  stamp=$(stat -c %Y "$(debian_root)/updated" 2>/dev/null || true)
  if [ -z "$stamp" ] || [ "$(sed -n 1p "$known" 2>/dev/null)" != "$stamp" ]; then
    name=$(debian_names '^php[0-9]+\.[0-9]+$' | tail -n 1) || return 1
    [ -n "$name" ] || return 1
    stamp=$(stat -c %Y "$(debian_root)/updated")
    printf '%s\n' "$stamp" "$name" $(debian_names "^$name-") >"$known"
  fi
  sed -n 2p "$known"
}

# extension_package NAME: the package with an extension; nothing when it comes with PHP itself or there is none.
extension_package() {
  local name=$1
  case "$name" in
    dom | simplexml | xml | xmlreader | xmlwriter | xsl) name=xml ;;
    mysqli | mysqlnd | pdo_mysql) name=mysql ;;
    pdo_pgsql) name=pgsql ;;
    pdo_sqlite) name=sqlite3 ;;
    pdo_odbc) name=odbc ;;
    pdo_dblib) name=sybase ;;
    pdo_firebird) name=interbase ;;
    zend-opcache) name=opcache ;;
  esac
  grep -qx "$PHP_NAME-$name" "$CACHE_DIR/php/.package" && echo "$PHP_NAME-$name"
}

# platform_packages: packages with PHP, its defaults, what the project asks for, and the servers.
platform_packages() {
  local name
  echo "$PHP_NAME-cli $PHP_NAME-fpm apache2-bin nginx"
  for name in $PHP_DEFAULTS $(wanted_extensions); do extension_package "$name" || true; done | sort -u
}

# install_platform: PHP in the app, with its settings and the commands that start web servers; as in the last build if nothing has changed.
install_platform() {
  local key name
  PHP_NAME=$(php_package) || fail 'The distribution has no packages with PHP; the lines above say why.'
  # shellcheck disable=SC2046
  debian_install $(platform_packages) || fail 'PHP could not be installed; the lines above say why.'
  PHP_USR=$BUILD_DIR/$DEBIAN_PREFIX/usr
  key=$(fingerprint "$(cat "$BUILD_DIR/$DEBIAN_PREFIX/.packages")" "$(fingerprint -- "$PHP_PACK"/lib/* "$PHP_PACK"/boot/*)")
  if ! take_last .heroku/php .heroku/php/.key "$key"; then
    ln -sfn "$PHP_NAME" "$PHP_USR/bin/php"
    ln -sfn "php-fpm${PHP_NAME#php}" "$PHP_USR/sbin/php-fpm"
    rm -rf "$BUILD_DIR/.heroku/php"
    mkdir -p "$BUILD_DIR/.heroku/php/etc/conf.d" "$BUILD_DIR/.heroku/php/bin"
    write_ini
    cp -R "$PHP_PACK/boot" "$BUILD_DIR/.heroku/php/boot"
    for name in heroku-php-apache2 heroku-php-nginx; do ln -sfn "../boot/$name" "$BUILD_DIR/.heroku/php/bin/$name"; done
    printf '%s' "$key" >"$BUILD_DIR/.heroku/php/.key"
  fi
  php_paths "\$HOME" | write_profile php
  php_paths "\$BUILD_DIR" | write_export php
  # shellcheck disable=SC1091
  . "$BUILD_DIR/.heroku/export/php.sh"
  detail "$(php -r 'echo "PHP ", PHP_VERSION;'), $(httpd_version apache2), $(httpd_version nginx)"
}

httpd_version() {
  "$1" -v 2>&1 | sed -nE 's|.*(Apache\|nginx)/([0-9.]+).*|\1 \2|p'
}

# php_paths FOLDER: lines of shell; FOLDER is an expression for the app's folder.
php_paths() {
  cat <<END
export PHP_HOME="$1/.heroku/php" PHP_USR="$1/$DEBIAN_PREFIX/usr"
export PHPRC="\$PHP_HOME/etc" PHP_INI_SCAN_DIR="\$PHP_HOME/etc/conf.d"
export PATH="\$PHP_HOME/bin:$1/vendor/bin:\$PATH"
END
}

# write_ini: the distribution's settings for production, errors into the log, and each extension with the place that its package gives it.
write_ini() {
  local etc=$BUILD_DIR/.heroku/php/etc ini library priority name
  cp "$PHP_USR/lib/php/${PHP_NAME#php}/php.ini-production" "$etc/php.ini"
  library=$(ls -d "$PHP_USR"/lib/php/20* | tail -n 1)
  printf '%s\n' "extension_dir = \"\${PHP_USR}/lib/php/${library##*/}\"" 'error_log = ' 'expose_php = Off' 'short_open_tag = Off' \
    'variables_order = "EGPCS"' 'memory_limit = 128M' 'opcache.validate_timestamps = 0' 'opcache.memory_consumption = 64' 'cgi.fix_pathinfo = 1' \
    >"$etc/conf.d/00-slipway.ini"
  for ini in "$PHP_USR/share/$PHP_NAME"-*/*/*.ini; do
    name=${ini##*/}
    [ -f "$library/${name%.ini}.so" ] || continue
    priority=$(sed -nE 's/^; priority=([0-9]+)$/\1/p' "$ini")
    cp "$ini" "$etc/conf.d/${priority:-20}-$name"
  done
}

# check_platform: whether PHP and its extensions are what the project and its packages require; says all that is not.
check_platform() {
  local problems
  [ -s "$COMPOSER_JSON" ] || return 0
  if ! problems=$(requirements | composer_php "$PHP_PACK/lib/platform.php"); then
    fail "The platform is not what the project requires:
$problems
There is PHP $(php -r 'echo PHP_VERSION;') with these extensions: $(php -m | grep -v '^\[' | tr 'A-Z' 'a-z' | grep . | paste -s -d ' ' -)
and packages for more: $(sed -nE "s/^$PHP_NAME-(.*)/\\1/p" "$CACHE_DIR/php/.package" | grep -vE '^(cli|fpm|cgi|common|dev|phpdbg)$' | paste -s -d ' ' -)
Change 'require' in $COMPOSER_JSON, run \`composer update\`, and deploy again."
  fi
}
