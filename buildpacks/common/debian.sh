# Packages of the stack's distribution in the slug: fetched by apt with folders of its own (no root needed, signatures checked by
# apt), unpacked below a prefix. Maintainer scripts do not run. Packages are shared by all apps and there without a network later.

# Written last when the run image is made: what dpkg noted after it belongs to the build image alone.
DEBIAN_RUN_MARK=/usr/local/libexec/slipway-dyno
# Where they are in the slug: .heroku/debian/NAME, a folder for each buildpack, which sets this.
DEBIAN_PREFIX=.heroku/debian/packages
# Packages that are taken as installed: dpkg's file with the status of each.
DEBIAN_STATUS=/var/lib/dpkg/status

# debian_check: returns 1 after saying why, when the distribution of this machine has no packages for us.
debian_check() {
  local names
  names=$(lacking apt-get)
  [ -n "$names" ] || return 0
  warn "$(missing_text 'What this build takes from the distribution' "$names")" >&2
  return 1
}

debian_codename() {
  (. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
}

debian_root() {
  echo "$SLIPWAY_DOWNLOADS/debian/$(debian_codename)-$(dpkg --print-architecture)"
}

# debian_apt PROGRAM ARGUMENT...: apt-get or apt-cache on our folders, which `debian_locked` guards, with the packages of DEBIAN_STATUS
debian_apt() {
  local root program=$1
  root=$(debian_root)
  shift
  "$program" -qq -o Dir::State="$root/state" -o Dir::State::status="$DEBIAN_STATUS" -o Dir::Cache="$root/cache" \
    -o Dir::Log=/dev/null -o Debug::NoLocking=true -o Dir::Etc::netrcparts=/dev/null -o APT::Sandbox::User= \
    -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::http::Pipeline-Depth=0 \
    -o Acquire::Languages=none -o APT::Install-Recommends=false "$@"
}

# debian_status: prints the path of dpkg's status as dynos have it: in the build image without what is there for builds only, and with
# the packages that DEBIAN_ASSUMED names, which apps do without although others depend on them.
debian_status() {
  local file=$CACHE_DIR/.debian-status name
  if [ ! -e "$DEBIAN_RUN_MARK" ]; then
    [ -n "${DEBIAN_ASSUMED:-}" ] || { echo /var/lib/dpkg/status && return; }
    cp /var/lib/dpkg/status "$file"
  else
    find /var/lib/dpkg/info -name '*.list' ! -newer "$DEBIAN_RUN_MARK" | sed 's|.*/||; s|\.list$||; s|:.*||' |
      awk 'NR == FNR { kept[$1] = 1; next } { name = $0; sub(/\n.*/, "", name); sub(/^Package: /, "", name) } name in kept' \
        - RS= ORS='\n\n' /var/lib/dpkg/status >"$file"
  fi
  for name in ${DEBIAN_ASSUMED:-}; do
    printf 'Package: %s\nStatus: install ok installed\nVersion: 9:9\nArchitecture: %s\nMulti-Arch: allowed\n\n' "$name" "$(dpkg --print-architecture)"
  done >>"$file"
  echo "$file"
}

# debian_update: brings the lists of packages up to date, at most once a day; old ones count without a network.
# Called with the lock held.
debian_update() {
  local root reason
  root=$(debian_root)
  mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
  newer_than "$root/updated" 86400 && return
  if reason=$(debian_apt apt-get update 2>&1); then
    touch "$root/updated"
  elif [ ! -f "$root/updated" ]; then
    warn "The lists of the distribution's packages could not be fetched:" "$reason" >&2
    return 1
  fi
}

# debian_locked FUNCTION ARGUMENT...: runs it while no other build touches the shared packages.
debian_locked() {
  mkdir -p "$(debian_root)"
  (
    flock 9
    "$@"
  ) 9>"$(debian_root)/lock"
}

# debian_version PACKAGE: prints the version that there is of a package; nothing when there is none.
debian_version() {
  debian_check || return 1
  DEBIAN_STATUS=$(debian_status)
  debian_locked debian_update || return 1
  debian_apt apt-cache policy "$1" | sed -n 's/^  Candidate: //p' | grep -v '(none)'
}

# debian_names PATTERN: names of packages that fit a regular expression, one a line.
debian_names() {
  debian_check || return 1
  DEBIAN_STATUS=$(debian_status)
  debian_locked debian_update || return 1
  debian_apt apt-cache pkgnames | grep -E "$1" | sort -V
}

# debian_files PACKAGE...: names of the files with the packages and what they need, in the order of apt. An empty folder for archives
# makes apt name those too that are there already.
debian_files() {
  local empty uris
  empty=$(debian_root)/empty
  mkdir -p "$empty/partial"
  if ! uris=$(debian_apt apt-get install --yes --reinstall --print-uris -o Dir::Cache::archives="$empty" "$@" 2>&1); then
    warn "The distribution cannot give $*:" "$uris" >&2
    return 1
  fi
  printf '%s\n' "$uris" | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p"
}

# debian_fetch PACKAGE...: downloads the packages and what they need, and prints the paths of the files.
debian_fetch() {
  local archives names name reason missing=''
  archives=$(debian_root)/cache/archives
  debian_update || return 1
  names=$(debian_files "$@") || return 1
  for name in $names; do [ -f "$archives/$name" ] || missing=yes; done
  if [ -n "$missing" ] && ! reason=$(debian_apt apt-get install --yes --reinstall --download-only "$@" 2>&1); then
    # Lists that are a day old may name files that have gone.
    rm -f "$(debian_root)/updated"
    warn "Packages of the distribution could not be downloaded ($*):" "$reason" >&2
    return 1
  fi
  for name in $names; do echo "$archives/$name"; done
}

# debian_unpack FILE... FOLDER
debian_unpack() {
  local folder=${*: -1}
  while [ $# -gt 1 ]; do
    dpkg-deb --extract "$1" "$folder" || return 1
    shift
  done
  chmod -R u+w "$folder"
  rm -rf "$folder/usr/share/doc" "$folder/usr/share/man" "$folder/usr/share/lintian" "$folder/usr/share/bug" "$folder/var"
  debian_relink "$folder"
}

# debian_relink FOLDER: links that name an absolute path follow the folder to where it is moved.
debian_relink() {
  local link target
  find "$1" -type l -lname '/*' | while read -r link; do
    target=$(readlink "$link")
    [ ! -e "$1$target" ] && [ ! -L "$1$target" ] || ln -sfnr "$1$target" "$link"
  done
}

# debian_install PACKAGE...: puts packages, and what they need and the run image does not have, into the slug below DEBIAN_PREFIX;
# one call a build. Says which; the same as in the last build are taken from there. Programs and libraries are found by the rest of
# the build and by dynos.
debian_install() {
  local files name folder key asked
  debian_check || return 1
  DEBIAN_STATUS=$(debian_status)
  debian_locked debian_update || return 1
  asked=$(fingerprint "$*" "$(debian_root)" "$(stat -c %Y "$(debian_root)/updated")" -- "$DEBIAN_STATUS")
  if take_last "$DEBIAN_PREFIX" "$DEBIAN_PREFIX/.asked" "$asked"; then
    debian_taken "$@"
    return
  fi
  files=$(debian_locked debian_fetch "$@") || return 1
  key=$(fingerprint $files)
  if take_last "$DEBIAN_PREFIX" "$DEBIAN_PREFIX/.packages" "$key"; then
    debian_taken "$@"
  else
    detail "Installing packages of Debian $(debian_codename):"
    for name in $files; do
      name=${name##*/}
      detail "  $(printf '%s' "${name%_*}" | sed 's/_/ /; s/%3a/:/')"
    done
    # shellcheck disable=SC2086
    folder=$(shared_folder "debian/trees/$key" debian_unpack $files) || return 1
    mkdir -p "$BUILD_DIR/${DEBIAN_PREFIX%/*}"
    rm -rf "${BUILD_DIR:?}/$DEBIAN_PREFIX"
    cp -Rp "$folder" "$BUILD_DIR/$DEBIAN_PREFIX"
    printf '%s' "$key" >"$BUILD_DIR/$DEBIAN_PREFIX/.packages"
    debian_setup
  fi
  printf '%s' "$asked" >"$BUILD_DIR/$DEBIAN_PREFIX/.asked"
}

# debian_taken PACKAGE...: says so, and sets DEBIAN_TAKEN.
debian_taken() {
  DEBIAN_TAKEN=yes
  detail "Packages of Debian $(debian_codename) are taken from the last build: $*"
  debian_setup
}

# debian_paths FOLDER: lines of shell that make programs and libraries below FOLDER (an expression) found.
debian_paths() {
  local libraries folder
  libraries=$(cd "$BUILD_DIR/$DEBIAN_PREFIX" && find . -name 'lib*.so*' -path './*lib/*' | sed 's|^\./||; s|/[^/]*$||' | sort -u |
    grep -E '^(usr/)?lib(/[a-z0-9_]+-linux-gnu[a-z0-9]*(/(blas|lapack|pulseaudio))?)?$')
  echo "export PATH=\"$1/usr/local/bin:$1/usr/bin:$1/usr/sbin:$1/bin:$1/sbin:\$PATH\""
  [ -z "$libraries" ] || printf 'export LD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n' \
    "$(for folder in $libraries; do printf '%s' "$1/$folder:"; done | sed 's/:$//')"
}

# debian_setup: what is installed is found, now and by dynos and later buildpacks.
debian_setup() {
  local name=debian-${DEBIAN_PREFIX##*/}
  debian_paths "\$HOME/$DEBIAN_PREFIX" | write_profile "000-$name"
  debian_paths "\$BUILD_DIR/$DEBIAN_PREFIX" | write_export "$name"
  # shellcheck disable=SC1090
  . "$BUILD_DIR/.heroku/export/$name.sh"
}

# debian_tool NAME PACKAGE...: prints the path of a shared folder with packages that only builds need, together with all that the
# build image does not have.
debian_tool() {
  local files name=$1
  shift
  debian_check || return 1
  DEBIAN_STATUS=/var/lib/dpkg/status
  [ -z "${DEBIAN_ASSUMED:-}" ] || DEBIAN_STATUS=$(debian_status)
  files=$(debian_locked debian_fetch "$@") || return 1
  # shellcheck disable=SC2086
  shared_folder "debian/tools/$name-$(fingerprint $files)" debian_unpack $files
}

# debian_file PACKAGE PATTERN... FOLDER: puts the files of one package that fit a pattern into FOLDER, without what the package needs.
debian_file() {
  (
    cd "${*: -1}" || exit 1
    debian_apt apt-get download "$1" >/dev/null 2>&1 || exit 1
    dpkg-deb --fsys-tarfile ./*.deb | tar -xf - --wildcards "${@:2:$#-2}" || exit 1
    rm -f ./*.deb
  )
}

# debian_one NAME PACKAGE PATTERN...: prints the path of a shared folder with the files of one package that fit a pattern.
debian_one() {
  if [ -d "$SLIPWAY_DOWNLOADS/debian/$1" ]; then
    echo "$SLIPWAY_DOWNLOADS/debian/$1"
    return
  fi
  debian_check || return 1
  DEBIAN_STATUS=/var/lib/dpkg/status
  debian_locked debian_update || return 1
  shared_folder "debian/$1" debian_file "${@:2}"
}
