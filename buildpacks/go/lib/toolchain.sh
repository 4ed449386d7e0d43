# Which Go builds the app, and where it comes from: the downloads that all apps share, the module proxy, the distribution.

# choose_version: sets GO_ASKED, a version or its first parts, and says where it is from.
choose_version() {
  local where
  if GO_ASKED=$(directive goVersion); then
    where='go.mod (+heroku goVersion)'
  elif [ -n "${GOVERSION:-}" ]; then
    GO_ASKED=$GOVERSION where='the config var GOVERSION'
  elif GO_ASKED=$(sed -n 's/^toolchain[[:space:]]*\(go[0-9][^[:space:]]*\).*/\1/p' go.mod | head -n 1) && [ -n "$GO_ASKED" ]; then
    where='go.mod (toolchain)'
  else
    GO_ASKED=$(sed -n 's/^go[[:space:]]*\([0-9][^[:space:]]*\).*/\1/p' go.mod | head -n 1)
    where='go.mod'
  fi
  GO_ASKED=${GO_ASKED#go}
  if [ -z "$GO_ASKED" ]; then
    warn 'go.mod says no version of Go; the newest is taken. Add a line such as: go 1.25'
    return
  fi
  [[ $GO_ASKED =~ ^[0-9]+(\.[0-9]+){0,2}((rc|beta)[0-9]+)?$ ]] ||
    fail "\"$GO_ASKED\" of $where is no version of Go. Write, for example, \"1.25\" or \"1.25.3\"."
  step "Using Go $GO_ASKED specified in $where"
}

# directive NAME: prints what a comment "+heroku NAME VALUE" of go.mod says; returns 1 when there is none.
directive() {
  local line said="^[[:space:]]*//[[:space:]]*[+]heroku[[:space:]]*$1[[:space:]]*([^[:space:]](.*[^[:space:]])?)[[:space:]]*\$"
  while IFS= read -r line || [ -n "$line" ]; do
    [[ $line =~ $said ]] || continue
    printf '%s\n' "${BASH_REMATCH[1]}"
    return
  done <go.mod
  return 1
}

# has_bootstrap: whether bootstrap_go has nothing to fetch.
has_bootstrap() {
  command -v go >/dev/null || [ -d "$SLIPWAY_DOWNLOADS/debian/go-bootstrap" ]
}

# bootstrap_go: prints the path of a Go that can fetch others: the machine's, or no more of the distribution's than that takes.
bootstrap_go() {
  local folder=$SLIPWAY_DOWNLOADS/debian/go-bootstrap package
  if command -v go; then return; fi
  if [ ! -d "$folder" ]; then
    debian_check || return 1
    package=$(debian_names '^golang-[0-9.]+-go$' | tail -n 1)
    debian_one go-bootstrap "${package:-golang}" './usr/lib/go-*/bin/go' './usr/lib/go-*/go.env' './usr/lib/go-*/VERSION' >/dev/null || return 1
    # By this folder Go knows where its own files are.
    mkdir -p "$(echo "$folder"/usr/lib/go-*)/pkg/tool"
  fi
  echo "$folder"/usr/lib/go-*/bin/go
}

go_machine() {
  local system processor
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case "$(uname -m)" in
    x86_64) processor=amd64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) processor=$(uname -m) ;;
  esac
  echo "$system-$processor"
}

# proxy_listing: prints the path of the module proxy's list of toolchains.
proxy_listing() {
  local proxy
  [ "${GOPROXY:-}" != off ] || return 1
  proxy=${GOPROXY:-$("$GO_BOOTSTRAP" env GOPROXY)}
  proxy=${proxy%%[,|]*}
  listing go-toolchains "${proxy%/}/golang.org/toolchain/@v/list"
}

# versions_of SOURCE: the versions of Go that a source has, oldest first.
versions_of() {
  case "$1" in
    shared) ls "$SLIPWAY_DOWNLOADS/go/toolchains" 2>/dev/null | grep '^[0-9]' ;;
    proxy) sed -n "s/^v0\.0\.1-go\(.*\)\.$(go_machine)$/\1/p" "$(proxy_listing)" ;;
    bootstrap) "$GO_BOOTSTRAP" env GOVERSION | sed 's/^go//' ;;
  esac 2>/dev/null | sort -V || true
}

# newest SOURCE: the newest version there of those that fit; release candidates only when they are asked for.
newest() {
  versions_of "$1" | grep -E "^${GO_ASKED//./\\.}(\$|\.[0-9]+\$)" | tail -n 1 || true
}

# prepare_toolchain: sets GO_VERSION and puts that Go first into PATH.
prepare_toolchain() {
  local folder reason=''
  [ -n "$GO_ASKED" ] || GO_ASKED='[0-9]+\.[0-9]+'
  fresh_choice
  if [ -z "$GO_VERSION" ]; then
    step 'Installing Go'
    has_bootstrap || detail 'Fetching the Go of the distribution, which can fetch others'
    GO_BOOTSTRAP=$(bootstrap_go 2>"$CACHE_DIR/.go-problem") ||
      fail "$(missing_text 'Building Go apps' 'the command go')$([ -n "$(lacking apt-get)" ] || printf '\n%s' "$(last_words "$CACHE_DIR/.go-problem")")"
    GO_VERSION=$(newest proxy)
    if [ -n "$GO_VERSION" ]; then
      detail "Go $GO_VERSION comes from the module proxy"
      [ -d "$SLIPWAY_DOWNLOADS/go/toolchains/$GO_VERSION" ] || detail 'It is downloaded, and at hand for later builds of all apps'
      folder=$(shared_folder "go/toolchains/$GO_VERSION" go_from_proxy "$GO_VERSION" 2>"$CACHE_DIR/.go-problem") ||
        reason=$(tail -n 3 "$CACHE_DIR/.go-problem") GO_VERSION=''
    fi
    [ -n "$GO_VERSION" ] || GO_VERSION=$(newest shared)
    [ -n "$GO_VERSION" ] || use_bootstrap "$reason"
  fi
  folder=$SLIPWAY_DOWNLOADS/go/toolchains/$GO_VERSION
  [ ! -d "$folder" ] || export PATH="$folder/bin:$PATH" GOROOT=$folder
  export GOTOOLCHAIN=local
}

# fresh_choice: sets GO_VERSION to the shared Go for an exact version, or for a part of one when it was the newest within the last day;
# to nothing when there is none.
fresh_choice() {
  local known=$SLIPWAY_DOWNLOADS/listings/go-toolchains found=$GO_ASKED
  GO_VERSION=''
  [[ $found =~ ^[0-9]+[.][0-9]+[.][0-9]+$ ]] && [ -d "$SLIPWAY_DOWNLOADS/go/toolchains/$found" ] || found=$(newest shared)
  [ -n "$found" ] || return 0
  if [ "$found" = "$GO_ASKED" ] || { newer_than "$known" 86400 && grep -q "^v0\.0\.1-go$found\." "$known" &&
    [ "$(sed -n "s/^v0\.0\.1-go\(.*\)\.$(go_machine)$/\1/p" "$known" | sort -V | grep -E "^${GO_ASKED//./\\.}(\$|\.[0-9]+\$)" | tail -n 1)" = "$found" ]; }; then
    detail "Go $found is at hand from an earlier build"
    GO_VERSION=$found
  fi
}

# go_from_proxy VERSION FOLDER: Go fetches another Go by itself, and checks it by the checksum database.
go_from_proxy() {
  local modules=$2/modules
  GOFLAGS=-modcacherw GOMODCACHE=$modules GOTOOLCHAIN=go$1 GOPATH=$2/path patiently 150 "$GO_BOOTSTRAP" version || return 1
  chmod -R u+w "$modules"
  mv "$modules"/golang.org/toolchain@*/* "$2" || return 1
  rm -rf "$modules" "$2/path" "$2/test" "$2/api" "$2/doc"
}

# use_bootstrap REASON: the Go that fetches others, when it is of the version that is asked for.
use_bootstrap() {
  local folder
  GO_VERSION=$(newest bootstrap)
  if [ -n "$GO_VERSION" ]; then
    if command -v go >/dev/null; then
      detail "Go $GO_VERSION comes from this machine"
      return
    fi
    detail "Go $GO_VERSION comes from packages of Debian $(debian_codename)"
    folder=$(debian_tool go golang-go) || fail "Go $GO_VERSION could not be downloaded. Check the network, and deploy again."
    PATH="$(dirname "$folder"/usr/lib/go-*/bin/go):$PATH"
    return
  fi
  fail "There is no Go $GO_ASKED to be had.${1:+
$1}
The module proxy has: $(versions_of proxy | grep -E '^[0-9.]+$' | sed 's/\.[0-9]*$//' | sort -Vu | paste -s -d ' ' -) (each with its newest patch version)
The distribution has: $(versions_of bootstrap)
Name one of them in go.mod, and deploy again."
}
