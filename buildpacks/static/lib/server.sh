# nginx in the slug: the program and its list of file types, from the distribution.

# install_server: puts both below .heroku/static; those of the last build when they are the same.
install_server() {
  local version program types known=$CACHE_DIR/static/version
  # Asked for once a day, so that an unchanged app is built at once.
  if newer_than "$known" 86400; then
    version=$(cat "$known")
  else
    version=$(debian_version nginx) || fail 'There is no nginx to serve the files with: packages of the distribution could not be had. Check the network, and deploy again.'
    mkdir -p "$CACHE_DIR/static"
    printf '%s' "$version" >"$known"
  fi
  if take_last .heroku/static .heroku/static/version "$version"; then
    step 'Restoring cache'
    detail "nginx ${version%%-*} is taken from the last build"
    return
  fi
  step 'Installing nginx'
  program=$(debian_one "nginx-$version" nginx './usr/sbin/nginx') && types=$(debian_one "nginx-common-$version" nginx-common './etc/nginx/mime.types') ||
    fail "nginx $version could not be downloaded. Check the network, and deploy again."
  mkdir -p .heroku/static
  cp -p "$program/usr/sbin/nginx" "$types/etc/nginx/mime.types" .heroku/static/
  printf '%s' "$version" >.heroku/static/version
  detail "nginx ${version%%-*} comes from packages of Debian $(debian_codename)"
}

# configure_server: writes nginx's settings by static.json, and the program that dynos start with.
configure_server() {
  local said
  step 'Configuring nginx'
  said=$(python3 "$STATIC_PACK/lib/configure.py" "$BUILD_DIR" .heroku/static/nginx.conf) || fail "$said"
  detail "$said"
  cp "$STATIC_PACK/lib/serve.sh" .heroku/static/serve
  chmod 755 .heroku/static/serve
}
