# The app's programs: which they are, and how they are built.

# find_project: ends the build when there are no modules.
find_project() {
  [ -f go.mod ] && return
  fail 'The app has no go.mod. Go has given up the older tools for dependencies (dep, godep, govendor, glide, GOPATH).
Run "go mod init" and "go mod tidy" in the project, add go.mod and go.sum, and deploy again.'
}

# source_key: names the source and all that its programs depend on, but for the version of Go.
source_key() {
  {
    printf '%s\n' "${GO_INSTALL_PACKAGE_SPEC:-}" "$(linker_flags)" "${GOFLAGS:-}" "${CGO_ENABLED:-}"
    source_sums
  } | sums_of 256 -
}

# linker_flags: sets a variable of the app's to the commit, or to what a config var says.
linker_flags() {
  [ -z "${GO_LINKER_SYMBOL:-}" ] || printf '%s' "-X $GO_LINKER_SYMBOL=${GO_LINKER_VALUE:-${SOURCE_VERSION:-}}"
}

# take_programs: takes bin/ of the last build when the source is the same. Its key is read from file descriptor 3.
take_programs() {
  IFS= read -r SOURCE_KEY <&3 || return 1
  exec 3<&-
  SOURCE_KEY="$GO_ASKED ${SOURCE_KEY%% *}"
  take_last bin .heroku/go/programs "$SOURCE_KEY" || return 1
  step 'Restoring cache'
  detail "Nothing has changed: programs are taken from the last build: $(programs)"
  note_programs
}

# programs [PREFIX]: prints the names of what was built, on one line; nothing when there is none.
programs() {
  local all=(bin/*)
  [ -e "${all[0]}" ] || return 0
  all=("${all[@]#bin/}")
  echo "${all[@]/#/${1:-}}"
}

note_programs() {
  make_folders .heroku/go
  printf '%s' "$SOURCE_KEY" >.heroku/go/programs
  write_profile go <<'END'
export PATH="$HOME/bin:$PATH"
END
}

# build_programs: installs the main packages that the project names, or all that it has, into bin/.
build_programs() {
  local packages flags vendored=''
  flags=$(linker_flags)
  make_folders bin
  export GOBIN=$BUILD_DIR/bin
  run_hook bin/go-pre-compile
  if [ -f vendor/modules.txt ]; then
    vendored=' (packages of vendor/)'
  else
    fetch_modules
  fi
  packages=${GO_INSTALL_PACKAGE_SPEC:-$(directive install)} || packages=$(main_packages) || fail "The module's packages could not be read:
$(cat "$CACHE_DIR/.go-list")"
  [ -n "$packages" ] || fail 'The module has no package main, so there is no program to build. Name what to build in go.mod:
// +heroku install ./cmd/web'
  step "Running: go install -v -tags heroku ${flags:+-ldflags '$flags' }$packages$vendored"
  # shellcheck disable=SC2086
  { collect_seldom && go install -v -trimpath -buildvcs=false -tags heroku ${flags:+-ldflags "$flags"} $packages; } 2>&1 | without_library | indent ||
    fail 'The app could not be built (the lines above say why). Mend what they name, and deploy again.'
  run_hook bin/go-post-compile
  [ -n "$(programs)" ] || fail "None of the packages is a program: $packages"
  step 'Installed programs'
  detail "$(programs ./bin/)"
  note_programs
}

# fetch_modules: brings what go.mod and go.sum name, unless the last build of the same two has; `go install` fetches what is gone since.
fetch_modules() {
  local asked fetched=$CACHE_DIR/go/fetched
  asked=$(cat go.mod go.sum go.work go.work.sum 2>/dev/null) || true
  if [ -f "$fetched" ] && [ "$(<"$fetched")" = "$asked" ]; then return; fi
  step 'Fetching modules'
  run_shown go mod download || fail 'Modules could not be fetched (the lines above say why). Check the network and go.sum, and deploy again.'
  make_folders "$CACHE_DIR/go"
  printf '%s' "$asked" >"$fetched"
}

# A compiler or linker that may use less, in MiB, is left to collect garbage as it does by itself: it would do little else.
GO_MEMORY_MIN=512

# collect_seldom: lets Go's compiler and linker collect garbage less often, which takes a tenth of their time, as long as each has its share
# of half the memory, which is what a build may use; an app that sets GOGC has it its way.
collect_seldom() {
  local name kib share
  [ -z "${GOGC:-}" ] && [ -r /proc/meminfo ] || return 0
  while read -r name kib _; do [ "$name" != MemAvailable: ] || break; done </proc/meminfo
  [ "$name" = MemAvailable: ] || return 0
  share=$((kib / 2048 / $(nproc)))
  [ "$share" -lt "$GO_MEMORY_MIN" ] || export GOGC=400 GOMEMLIMIT=${share}MiB
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
  local only=(bin/*)
  [ ! -f Procfile ] && [ -e "${only[0]}" ] && [ ${#only[@]} = 1 ] || return 0
  echo "web: ${only[0]}" >Procfile
  detail "There is no Procfile; written: web: ${only[0]}"
}
