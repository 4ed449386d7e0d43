# Gems that the distribution has as packages, for apps that ask for them: a Gemfile without a source means gems that are on the machine
# already (Bundler: gemfile), and the setting BUNDLE_PREFER_LOCAL prefers those to the source's (Bundler: config, prefer_local).

asks_distribution() {
  case "${BUNDLE_PREFER_LOCAL:-}" in true | 1) return 0 ;; esac
  [ ! -d vendor/cache ] && ! grep -qE '^[[:space:]]*(source|gemspec|eval_gemfile)\b' Gemfile
}

# uses_distribution: whether the distribution's gems are there for this build.
uses_distribution() {
  [ "$RUBY_SOURCE" = distribution ] && asks_distribution
}

# gem_names: gems that the Gemfile names, but not those of groups for development and tests alone. Without a Gemfile.lock Bundler has
# to see all of them.
gem_names() {
  awk -v all="$([ -f Gemfile.lock ] || echo yes)" '
    { line = $0; sub(/#.*/, "", line) }
    skipped && line ~ /^[[:space:]]*end([^a-z_]|$)/ { skipped = 0; next }
    skipped { next }
    !all && line ~ /^[[:space:]]*group[[:space:](]/ && line ~ /:(development|test)/ && line !~ /:(production|default)/ { skipped = 1; next }
    !all && line ~ /group:.*:?(development|test)/ { next }
    line ~ /^[[:space:]]*gem[[:space:](]+["\047]/ { sub(/^[^"\047]*["\047]/, "", line); sub(/["\047].*/, "", line); print line }
  ' Gemfile | sort -u | grep -E '^[A-Za-z0-9_.-]+$'
}

# package_candidates: for the gem on each line of standard input a line with the names that a package with it may have.
package_candidates() {
  tr 'A-Z_' 'a-z-' | sed 's/.*/ruby-& ruby-rails-& &/'
}

# distribution_packages: packages of the distribution with the gems that the app names, if it asks for them, and what gems need besides.
distribution_packages() {
  local known=$CACHE_DIR/ruby/.packages key names
  if needs_node; then echo nodejs; fi
  asks_distribution || return 0
  names=$(gem_names) || return 0
  key=$(fingerprint "$names" "$(declare -f package_candidates first_packages)" "$(stat -c %Y "$(debian_root)/updated")")
  if [ "$(sed -n 1p "$known" 2>/dev/null)" != "$key" ]; then
    printf '%s\n%s\n' "$key" "$(printf '%s\n' "$names" | package_candidates | first_packages)" >"$known"
  fi
  sed 1d "$known"
}

# first_packages: of each line of standard input the first name that is a package with Ruby code.
first_packages() {
  local lines there
  lines=$(cat)
  # shellcheck disable=SC2086
  there=$(DEBIAN_STATUS=$(debian_status) debian_apt apt-cache show $lines 2>/dev/null |
    awk '/^Package: / { name = $2 } /^Depends: .*ruby/ || /^Ruby-Versions: / { print name }')
  printf '%s\n' "$lines" | awk -v there="$there" '
    BEGIN { count = split(there, names, "\n"); for (n = 1; n <= count; n++) known[names[n]] = 1 }
    { for (n = 1; n <= NF; n++) if ($n in known) { print $n; next } }' | sort -u
}

# needs_node: gems that run JavaScript need Node.js; not when an earlier buildpack has brought it.
needs_node() {
  grep -qsE '^    execjs \(' Gemfile.lock && ! command -v node >/dev/null 2>&1
}

# distribution_gem_folders FOLDER: where the packages have their gems, as a list for GEM_PATH; FOLDER is an expression for the app's folder.
distribution_gem_folders() {
  local usr="$1/$DEBIAN_PREFIX/usr"
  printf '%s' "$usr/share/rubygems-integration/all:$usr/share/rubygems-integration/$(ruby_api):$usr/lib/$(debian_triplet)/rubygems-integration/$(ruby_api):$usr/lib/ruby/gems/$(ruby_api)"
}
