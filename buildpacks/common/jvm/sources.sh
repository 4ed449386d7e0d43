# Where a JDK comes from: the downloads that all apps share, the distribution (whose packages are signed and mended), the builds of
# Eclipse Temurin when there is a network, the machine's own.

JVM_UPSTREAM=https://api.adoptium.net/v3/assets

# jvm_fits VERSION: whether it is what is asked for.
jvm_fits() {
  case "$1." in "$JVM_ASKED".*) ;; *) return 1 ;; esac
}

jvm_versions() {
  case "$1" in
    shared) ls "$SLIPWAY_DOWNLOADS/jvm/jdk" 2>/dev/null | grep '^[0-9]' ;;
    distribution) [ -z "$(command -v apt-get)" ] || jvm_debian_versions ;;
    machine) jvm_machine_version ;;
  esac | sort -V || true
}

# jvm_debian_versions: one a line, such as 21.0.13; kept for a day.
jvm_debian_versions() {
  local name version file=$SLIPWAY_DOWNLOADS/jvm/debian-versions
  if ! newer_than "$file" 86400; then
    mkdir -p "$(dirname "$file")"
    for name in $(debian_names '^openjdk-[0-9]+-jdk-headless$' 2>/dev/null); do
      version=$(debian_version "$name" 2>/dev/null) || continue
      printf '%s\n' "$version" | sed 's/[~+-].*//; s/^8u/8.0./'
    done >"$file.$$"
    if [ -s "$file.$$" ]; then mv "$file.$$" "$file"; else rm -f "$file.$$"; fi
  fi
  cat "$file" 2>/dev/null
}

# jvm_machine_home: prints the folder of the JDK that is installed on this machine.
jvm_machine_home() {
  local program=''
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/javac" ]; then
    echo "$JAVA_HOME"
  elif [ -x /usr/libexec/java_home ]; then
    /usr/libexec/java_home 2>/dev/null
  elif program=$(command -v javac); then
    dirname "$(dirname "$(readlink -f "$program")")"
  fi
}

jvm_machine_version() {
  local home
  home=$(jvm_machine_home)
  [ -f "$home/release" ] && sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$home/release" | sed 's/^1\.//; s/_/./'
}

# jvm_find: sets JVM_VERSION and JVM_FOLDER, a shared folder with the JDK.
jvm_find() {
  local source version problem=$CACHE_DIR/.jvm-problem reasons=''
  for source in shared distribution upstream machine; do
    if [ "$source" = upstream ]; then
      version=$(jvm_upstream_version 2>"$problem") || { reasons="$reasons
$(cat "$problem")" && continue; }
    else
      version=$(for each in $(jvm_versions "$source"); do ! jvm_fits "$each" || echo "$each"; done | tail -n 1)
    fi
    # What lies in the shared downloads stays until the distribution has a newer one.
    if [ "$source" = shared ] && [ -n "$version" ] && jvm_outdated "$version"; then continue; fi
    [ -n "$version" ] || continue
    if [ "$source" != shared ]; then detail "OpenJDK $version comes from $(jvm_title $source)"; fi
    if JVM_FOLDER=$(shared_folder "jvm/jdk/$version" "jvm_from_$source" "$version" 2>"$problem"); then
      JVM_VERSION=$version
      return 0
    fi
    reasons="$reasons
$(last_words "$problem")"
  done
  jvm_missing "$reasons"
}

# jvm_outdated VERSION: whether the distribution has a newer one that fits.
jvm_outdated() {
  local each newest=$1
  for each in $(jvm_versions distribution); do ! jvm_fits "$each" || newest=$(printf '%s\n%s\n' "$newest" "$each" | sort -V | tail -n 1); done
  [ "$newest" != "$1" ]
}

jvm_title() {
  case "$1" in
    distribution) echo "packages of Debian $(debian_codename)" ;;
    upstream) echo 'Eclipse Temurin' ;;
    machine) echo 'this machine' ;;
  esac
}

jvm_missing() {
  local source versions available=''
  for source in distribution machine shared; do
    versions=$(jvm_versions "$source" | paste -s -d ' ' -)
    [ -z "$versions" ] || available="$available
  $(if [ "$source" = shared ]; then echo 'downloads of earlier builds'; else jvm_title "$source"; fi): $versions"
  done
  [ -n "$available" ] || [ -z "$(lacking apt-get javac)" ] ||
    fail "$(missing_text 'The build' "a JDK $JVM_ASKED (the command javac)")$1"
  fail "There is no OpenJDK $JVM_ASKED to be had.$(printf '%s' "$1" | sed 's/^ !     //')
Without the network there are:${available:- none}
Write java.runtime.version with one of them (21 is enough) into system.properties, or connect to the network, and deploy again."
}

# jvm_from_distribution VERSION FOLDER
jvm_from_distribution() {
  local files library tree=$2/tree major=${1%%.*}
  DEBIAN_STATUS=$(debian_status)
  files=$(debian_locked debian_fetch "openjdk-$major-jdk-headless" libharfbuzz0b libfreetype6 libfontconfig1) || return 1
  # shellcheck disable=SC2086
  debian_unpack $files "$tree" || return 1
  rm -rf "$tree"/usr/lib/jvm/java-*/{docs,man,demo,src.zip,lib/src.zip,jmods}
  # Settings are links into /etc.
  cp -RpL "$(find "$tree/usr/lib/jvm" -maxdepth 1 -type d -name 'java-*')"/. "$2" 2>"$2/.links" || true
  rm -f "$2/.links" "$2/lib/security/cacerts"
  # Java's own libraries look for others beside themselves.
  for library in "$tree"/usr/lib/*-linux-gnu/*.so*; do cp -pP "$library" "$2/lib/"; done
  rm -rf "$tree" "$2"/lib/server/classes_nocoops*.jsa "$2"/lib/{libnss*,libnspr4,libplc4,libplds4,libsmime3,libssl3,libsoftokn3,libfreebl*}.so*
  "$2/bin/java" -version
}

# jvm_machine: processor and system as Temurin names them.
jvm_machine() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo 'architecture=x64&os=linux' ;;
    Linux-aarch64) echo 'architecture=aarch64&os=linux' ;;
    Darwin-arm64) echo 'architecture=aarch64&os=mac' ;;
    Darwin-x86_64) echo 'architecture=x64&os=mac' ;;
  esac
}

# jvm_upstream_listing: prints the path of what Temurin's list says of the version asked for, newest first.
jvm_upstream_listing() {
  local major=${JVM_ASKED%%.*} query
  query="$(jvm_machine)&image_type=jdk"
  if [ "$major" = "$JVM_ASKED" ]; then
    listing "temurin-$JVM_ASKED.json" "$JVM_UPSTREAM/latest/$major/hotspot?vendor=eclipse&$query"
  else
    listing "temurin-$JVM_ASKED.json" \
      "$JVM_UPSTREAM/version/%5B$JVM_ASKED,$JVM_ASKED.99%5D?release_type=ga&sort_order=DESC&page_size=1&project=jdk&heap_size=normal&jvm_impl=hotspot&vendor=eclipse&$query"
  fi
}

# jvm_upstream_field NAME: the first value of a name in the listing.
jvm_upstream_field() {
  tr ',{}' '\n\n\n' <"$(jvm_upstream_listing)" | sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\(.*\)\"[[:space:]]*$/\1/p"
}

jvm_upstream_version() {
  local version
  if ! jvm_upstream_listing >/dev/null; then
    echo "The list of Eclipse Temurin could not be fetched: $(listing_problem | tail -n 1)" >&2
    return 1
  fi
  version=$(jvm_upstream_field openjdk_version | head -n 1 | sed 's/[+-].*//; s/^1\.//; s/_/./')
  if [ -z "$version" ]; then
    echo "Eclipse Temurin has no $JVM_ASKED for this machine." >&2
    return 1
  fi
  echo "$version"
}

# jvm_from_upstream VERSION FOLDER
jvm_from_upstream() {
  local link sum file
  link=$(jvm_upstream_field link | grep -E '\.tar\.gz$' | head -n 1)
  sum=$(jvm_upstream_field checksum | head -n 1)
  file=$(download "jvm/${link##*/}" "$link" "$sum" "OpenJDK $1") || return 1
  tar -xzf "$file" -C "$2" --strip-components 1 || return 1
  # On macOS the JDK is inside a bundle.
  if [ -d "$2/Contents/Home" ]; then mv "$2/Contents/Home"/* "$2/" && rm -rf "$2/Contents"; fi
  rm -rf "$2"/{jmods,man,demo,sample,src.zip,lib/src.zip}
  "$2/bin/java" -version
}

# jvm_from_machine VERSION FOLDER
jvm_from_machine() {
  cp -RpL "$(jvm_machine_home)"/. "$2" 2>/dev/null || true
  chmod -R u+w "$2"
  rm -rf "$2"/{jmods,man,demo,docs,src.zip,lib/src.zip}
  "$2/bin/java" -version
}
