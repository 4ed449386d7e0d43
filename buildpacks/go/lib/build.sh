# The app's programs: which they are, and how they are built.

# find_project: ends the build when there are no modules.
find_project() {
  [ -f go.mod ] && return
  fail 'The app has no go.mod. Go has given up the older tools for dependencies (dep, godep, govendor, glide, GOPATH).
Run "go mod init" and "go mod tidy" in the project, add go.mod and go.sum, and deploy again.'
}

# source_key: names the source and all that its programs depend on.
source_key() {
  fingerprint "$GO_ASKED" "${GO_INSTALL_PACKAGE_SPEC:-}" "${GO_LINKER_SYMBOL:-}" "${GO_LINKER_VALUE:-}" "${GOFLAGS:-}" "${CGO_ENABLED:-}" \
    "$(source_sums)"
}

# take_programs: takes bin/ of the last build when the source is the same.
take_programs() {
  SOURCE_KEY=$(source_key)
  take_last bin .heroku/go/programs "$SOURCE_KEY" || return 1
  step 'Restoring cache'
  detail "Nothing has changed: programs are taken from the last build: $(ls bin | paste -s -d ' ' -)"
  note_programs
}

note_programs() {
  mkdir -p .heroku/go
  printf '%s' "$SOURCE_KEY" >.heroku/go/programs
  write_profile go <<'END'
export PATH="$HOME/bin:$PATH"
END
}

# build_programs: installs the main packages that the project names, or all that it has, into bin/.
build_programs() {
  local packages flags='' vendored=''
  mkdir -p bin
  export GOBIN=$BUILD_DIR/bin
  run_hook bin/go-pre-compile
  if [ -f vendor/modules.txt ]; then
    vendored=' (packages of vendor/)'
  else
    step 'Fetching modules'
    run_shown go mod download || fail 'Modules could not be fetched (the lines above say why). Check the network and go.sum, and deploy again.'
  fi
  packages=${GO_INSTALL_PACKAGE_SPEC:-$(directive install)} || packages=$(main_packages) || fail "The module's packages could not be read:
$(cat "$CACHE_DIR/.go-list")"
  [ -n "$packages" ] || fail 'The module has no package main, so there is no program to build. Name what to build in go.mod:
// +heroku install ./cmd/web'
  [ -z "${GO_LINKER_SYMBOL:-}" ] || flags="-X $GO_LINKER_SYMBOL=${GO_LINKER_VALUE:-${SOURCE_VERSION:-}}"
  step "Running: go install -v -tags heroku ${flags:+-ldflags '$flags' }$packages$vendored"
  # shellcheck disable=SC2086
  go install -v -trimpath -buildvcs=false -tags heroku ${flags:+-ldflags "$flags"} $packages 2>&1 | without_library | indent ||
    fail 'The app could not be built (the lines above say why). Mend what they name, and deploy again.'
  run_hook bin/go-post-compile
  [ -n "$(ls bin)" ] || fail "None of the packages is a program: $packages"
  step 'Installed programs'
  detail "$(ls bin | sed 's|^|./bin/|' | paste -s -d ' ' -)"
  note_programs
}

# without_library: leaves the names of Go's own packages out.
without_library() {
  grep --line-buffered -vE '^(vendor/golang\.org/.*|[a-z0-9]+(/[a-z0-9._]+)*)$' || true
}

run_hook() {
  [ -f "$1" ] || return 0
  step "Running $1"
  chmod +x "$1"
  run_shown "$1" || fail "The project's $1 failed. Mend what it says above, and deploy again."
}

# main_packages: import paths of the module's programs, on one line.
main_packages() {
  go list -find -f '{{ if eq .Name "main" }}{{ .ImportPath }}{{ end }}' ./... 2>"$CACHE_DIR/.go-list" | sed '/^$/d' | paste -s -d ' ' -
}

# write_types: a Procfile for an app that has none and is one program (reference: heroku-platform 1.2).
write_types() {
  local programs
  [ ! -f Procfile ] || return 0
  programs=$(ls bin)
  [ "$(printf '%s\n' "$programs" | grep -c .)" = 1 ] || return 0
  echo "web: bin/$programs" >Procfile
  detail "There is no Procfile; written: web: bin/$programs"
}
