# Where the app's Ruby comes from: the distribution, what was built for an earlier app, the source code of Ruby when there is a network,
# and outside of containers the machine's own.

# Ruby's own list of releases with their checksums. The setting is that of ruby-build, for mirrors.
RUBY_RELEASES=${RUBY_BUILD_MIRROR_URL:-https://cache.ruby-lang.org/pub/ruby}

# The first part of Ruby's version is that of its library: gems built for 3.3.1 work with 3.3.8.
ruby_api() {
  printf '%s.0' "${RUBY_VERSION%.*}"
}

# ruby_package: the distribution's Ruby, as package and version, such as "ruby3.3 3.3.8".
ruby_package() {
  local known=$CACHE_DIR/ruby/.distribution stamp name version
  command -v apt-get >/dev/null 2>&1 || return 0
  stamp=$(stat -c %Y "$(debian_root)/updated" 2>/dev/null || true)
  if [ -n "$stamp" ] && newer_than "$(debian_root)/updated" 86400 && [ "$(sed -n 1p "$known" 2>/dev/null)" = "$stamp" ]; then
    sed -n 2p "$known"
    return
  fi
  name=$(debian_names '^ruby[0-9]\.[0-9]+$' | tail -n 1) || return 0
  [ -n "$name" ] || return 0
  version=$(debian_version "$name" | sed 's/^[0-9]*://; s/[-+~].*//') || return 0
  printf '%s\n%s\n' "$(stat -c %Y "$(debian_root)/updated")" "$name $version" >"$known"
  echo "$name $version"
}

# ruby_releases: path of the list of releases; asked for again in a build only when ten minutes have passed since it could not be had.
ruby_releases() {
  local tried=$SLIPWAY_DOWNLOADS/listings/ruby-tried
  if [ ! -f "$SLIPWAY_DOWNLOADS/listings/ruby" ] && newer_than "$tried" 600; then return 1; fi
  listing ruby "$RUBY_RELEASES/index.txt" && return
  touch "$tried"
  return 1
}

# ruby_versions SOURCE: the versions that a source has, one a line.
ruby_versions() {
  local list
  case "$1" in
    distribution) set -- $RUBY_PACKAGE && [ $# -eq 0 ] || echo "$2" ;;
    shared) ls "$SLIPWAY_DOWNLOADS/ruby/$(ruby_machine)" 2>/dev/null | grep '^[0-9]' ;;
    upstream) list=$(ruby_releases) && sed -nE 's|^ruby-([0-9.]+)[[:space:]].*/ruby-[0-9.]+\.tar\.gz[[:space:]].*|\1|p' "$list" ;;
    machine) ! command -v ruby >/dev/null 2>&1 || ruby -e 'puts RUBY_VERSION' ;;
  esac || true
}

# Programs built on one distribution need not run on another.
ruby_machine() {
  echo "$(uname -s)-$(uname -m)-$(debian_codename 2>/dev/null || uname -r)"
}

source_title() {
  case "$1" in
    distribution) echo "packages of Debian $(debian_codename)" ;;
    shared) echo 'built for an earlier app' ;;
    upstream) echo "its source code at ${RUBY_RELEASES#*://}" ;;
    machine) echo 'this machine' ;;
  esac
}

# prepare_ruby: sets RUBY_VERSION and RUBY_SOURCE, and has the Ruby in the app.
prepare_ruby() {
  local source reasons=''
  RUBY_PACKAGE=$(ruby_package)
  find_ruby "$RUBY_LOCKED" || find_ruby "$RUBY_RULES" || fail_version
  if [ -n "$RUBY_LOCKED" ] && [ "$RUBY_VERSION" != "$RUBY_LOCKED" ]; then
    warn "Gemfile.lock was made with Ruby $RUBY_LOCKED, which cannot be had here; the Gemfile lets $RUBY_VERSION pass too."
  fi
  step "Using Ruby version: ruby-$RUBY_VERSION"
  detail "It comes from: $(source_title "$RUBY_SOURCE")"
  "ruby_from_$RUBY_SOURCE" || fail "Ruby $RUBY_VERSION could not be had from $(source_title "$RUBY_SOURCE"); the lines above say why."
  use_ruby
  [ -n "${DEBIAN_TAKEN:-}" ] || ruby -e 'exit' || fail "Ruby $RUBY_VERSION does not start; the lines above say why."
}

# find_ruby RULES: sets RUBY_SOURCE and RUBY_VERSION to the first source with a fitting version.
find_ruby() {
  [ -n "$1" ] || return 1
  for RUBY_SOURCE in distribution shared upstream machine; do
    RUBY_VERSION=$(ruby_versions $RUBY_SOURCE | pick_version "$1")
    [ -z "$RUBY_VERSION" ] || return 0
  done
  return 1
}

fail_version() {
  local source versions text='' reason=''
  for source in distribution shared machine upstream; do
    versions=$(ruby_versions $source | sort -V | tail -n 40 | paste -s -d ' ' -)
    [ -z "$versions" ] || text="$text
  $(source_title $source): $versions"
  done
  ruby_releases >/dev/null || reason="
The source code of other versions could not be had: $(listing_problem | tail -n 1)"
  [ -n "$text" ] || [ -z "$(lacking apt-get ruby)" ] || fail "$(missing_text 'Building Ruby apps' 'the command ruby')$reason"
  fail "There is no Ruby $RUBY_RULES to be had. There are:${text:- none.}$reason
Write one of them into the Gemfile, such as: ruby \"~> 3.3\""
}

ruby_from_distribution() {
  # shellcheck disable=SC2086
  set -- $RUBY_PACKAGE
  # shellcheck disable=SC2046
  debian_install "$1" ruby ruby-bundler $(distribution_packages) || return 1
  ruby_in_place "$BUILD_DIR/$DEBIAN_PREFIX/usr"
}

# ruby_in_place FOLDER: programs start with this Ruby, and gems go before its standard library. Files that are so already keep their times.
ruby_in_place() {
  local file defaults=$1/lib/ruby/vendor_ruby/rubygems/defaults/operating_system.rb
  ! cmp -s "$RUBY_PACK/lib/operating_system.rb" "$defaults" || return 0
  for file in "$1"/bin/*; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    case "$(head -c 11 "$file" | tr -d '\0')" in
      '#!/usr/bin/'*) sed -i '1s|^#!/usr/bin/ruby[0-9.]*|#!/usr/bin/env ruby|' "$file" ;;
    esac
  done
  cp "$RUBY_PACK/lib/operating_system.rb" "$defaults"
}

ruby_from_shared() {
  take_last .heroku/ruby .heroku/ruby/.version "$RUBY_VERSION" && return
  mkdir -p "$BUILD_DIR/.heroku"
  cp -Rp "$SLIPWAY_DOWNLOADS/ruby/$(ruby_machine)/$RUBY_VERSION" "$BUILD_DIR/.heroku/ruby"
}

ruby_from_upstream() {
  need "Compiling Ruby $RUBY_VERSION" make cc
  detail "Building it takes some minutes; it is kept for all apps."
  shared_folder "ruby/$(ruby_machine)/$RUBY_VERSION" ruby_build "$RUBY_VERSION" >/dev/null || return 1
  ruby_from_shared
}

# ruby_build VERSION FOLDER: compiles a release, so that it runs wherever it lies.
ruby_build() {
  local line archive work
  line=$(awk -v name="ruby-$1" '$1 == name && $2 ~ /\.tar\.gz$/ { print $2, $4 }' "$SLIPWAY_DOWNLOADS/listings/ruby" | head -n 1)
  archive=$(download "ruby/source/ruby-$1.tar.gz" "$RUBY_RELEASES/${1%.*}/ruby-$1.tar.gz" "${line##* }" "the source code of Ruby $1") || return 1
  work=$(mktemp -d)
  tar -xzf "$archive" -C "$work" --strip-components 1 || return 1
  (
    cd "$work" || exit 1
    ./configure --prefix="$2" --enable-load-relative --enable-shared --disable-install-doc &&
      make -j "$(getconf _NPROCESSORS_ONLN)" && make install
  ) >"$work/log" 2>&1 || {
    tail -n 30 "$work/log"
    rm -rf "$work"
    return 1
  }
  rm -rf "$work" "$2"/lib/*.a
  printf '%s' "$1" >"$2/.version"
}

ruby_from_machine() {
  need "Ruby of this machine" bundle
  RUBY_FOLDER=$(dirname "$(command -v ruby)")
}

# debian_triplet: the distribution's name for this machine, in the paths of its libraries.
debian_triplet() {
  basename "$(dirname "$(ls -d "$BUILD_DIR/$DEBIAN_PREFIX"/usr/lib/*/ruby | head -n 1)")"
}

# ruby_paths FOLDER: lines of shell that make the Ruby found; FOLDER is an expression for the app's folder.
ruby_paths() {
  local usr arch
  case "$RUBY_SOURCE" in
    distribution)
      usr="$1/$DEBIAN_PREFIX/usr" arch=$(debian_triplet)
      echo "export RUBYLIB=\"\${RUBYLIB:+\$RUBYLIB:}$usr/lib/ruby/vendor_ruby:$usr/lib/$arch/ruby/vendor_ruby/$(ruby_api):$usr/lib/ruby/$(ruby_api):$usr/lib/$arch/ruby/$(ruby_api)\""
      ;;
    machine) echo "export PATH=\"$RUBY_FOLDER:\$PATH\"" ;;
    *) echo "export PATH=\"$1/.heroku/ruby/bin:\$PATH\"" ;;
  esac
}

use_ruby() {
  unset RUBYLIB
  eval "$(ruby_paths "$BUILD_DIR")"
}
