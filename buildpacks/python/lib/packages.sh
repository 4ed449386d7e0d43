# The packages that the project names, installed into the app's own Python by the tool that the project uses.

POETRY_VERSION=2.5.1
PIPENV_VERSION=2026.10.3
PDM_VERSION=2.29.4

# find_manager: prints which tool the project's files are for; nothing when it has no packages.
find_manager() {
  if [ -f Pipfile.lock ] || [ -f Pipfile ]; then
    echo pipenv
  elif [ -f requirements.txt ]; then
    echo pip
  elif [ -f poetry.lock ]; then
    echo poetry
  elif [ -f pdm.lock ]; then
    echo pdm
  elif [ -f uv.lock ]; then
    echo uv
  elif [ -f setup.py ] || grep -qs '^\[build-system\]' pyproject.toml; then
    echo project
  elif grep -qs '^\[project\]' pyproject.toml; then
    echo pyproject
  fi
}

# package_files: the files that say which packages, with those that requirements.txt includes.
package_files() {
  local file
  ls Pipfile Pipfile.lock pyproject.toml poetry.lock pdm.lock uv.lock 2>/dev/null || true
  for file in requirements.txt $(sed -n 's/^ *\(-r\|-c\|--requirement\|--constraint\)[ =]*\([^ #]*\).*/\2/p' requirements*.txt 2>/dev/null); do
    echo "$file"
  done
}

# installs_project: whether the project itself is among the packages; then its files decide them too.
installs_project() {
  [ "$PACKAGE_MANAGER" = project ] || grep -qsE '^ *(\.|file:)' requirements.txt
}

# installs_in_place: whether a package stays where the build has it; then packages are installed anew in each build.
installs_in_place() {
  grep -qsE '^ *(-e|--editable)' requirements.txt
}

# packages_key: names all that decides the interpreter and the packages.
packages_key() {
  # shellcheck disable=SC2046
  fingerprint "$PYTHON_RANGE" "$PACKAGE_MANAGER" "$PROJECT_SUMS" "$POETRY_VERSION $PIPENV_VERSION $PDM_VERSION $UV_VERSION" \
    "$(fingerprint -- "$PYTHON_PACK"/lib/*)" -- $(package_files)
}

# prepare_python: BUILD_DIR/.heroku/python with the interpreter and the packages; that of the last build when nothing has changed.
prepare_python() {
  local target=$BUILD_DIR/.heroku/python
  PROJECT_SUMS=$(! installs_project || source_sums)
  rm -rf "$target"
  if ! installs_in_place && take_last .heroku/python .heroku/python/.packages "$(packages_key)"; then
    use_python
    say_restored
    return
  fi
  step 'Installing Python'
  prepare_interpreter
  mkdir -p "$BUILD_DIR/.heroku" "$CACHE_DIR/python"
  cp -Rp "$PYTHON_FOLDER" "$target"
  printf '%s' "$PYTHON_VERSION" >"$CACHE_DIR/python/version"
  use_python
  if [ -n "$PACKAGE_MANAGER" ]; then
    "install_with_$PACKAGE_MANAGER" || fail "The packages could not be installed (the lines above say why).
Mend what they name, try it on your machine, and deploy again."
  else
    warn 'No requirements.txt, Pipfile, poetry.lock, pdm.lock or uv.lock was found: no packages are installed.'
  fi
  relocate "$target"
  # A project that names no version gets this one from now on.
  [ -n "$PYTHON_ASKED_IN" ] || PYTHON_RANGE="==$PYTHON_VERSION"
  packages_key >"$target/.packages"
}

say_restored() {
  step 'Restoring cache'
  detail "$(python --version) and all packages are taken from the last build"
}

use_python() {
  unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
  # shellcheck source=../export
  . "$PYTHON_PACK/export"
}

# relocate FOLDER: programs of packages start with the app's Python wherever the app is.
relocate() {
  local files=() file
  while IFS= read -r -d '' file; do
    files+=("$file")
  done < <(find "$1/bin" -type f -size -64k -exec grep -lI --null '^#!.*/python' {} +)
  [ ${#files[@]} = 0 ] || { sed -i.old '1s|^#!.*/python[0-9.]*.*$|#!/usr/bin/env python3|' "${files[@]}" && rm -f "${files[@]/%/.old}"; }
}

# python_tool NAME VERSION PACKAGE...: prints the path of a shared folder with a tool that is written in Python, and
# packages that it needs besides.
python_tool() {
  local minor
  minor=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ -d "$SLIPWAY_DOWNLOADS/python/tools/$1-$2-$minor" ] || detail "Downloading $1 $2" >&2
  shared_folder "python/tools/$1-$2-$minor" pip_into python "$1==$2" "${@:3}"
}

# run_tool FOLDER MODULE FUNCTION ARGUMENT...: runs it; programs that it starts do not see its packages.
run_tool() {
  local script='import sys; sys.path.insert(0, sys.argv.pop(1)); module, function = sys.argv.pop(1), sys.argv.pop(1)
import importlib; sys.argv[0] = module; sys.exit(getattr(importlib.import_module(module), function)())'
  run_shown python -c "$script" "$@"
}

install_with_pip() {
  local info
  step 'Installing dependencies using pip'
  for info in "$BUILD_DIR"/.heroku/python/lib/python3*/site-packages/pip-*.dist-info; do
    [ -d "$info" ] || continue
    info=${info##*/} && detail "pip ${info:4:${#info}-14}"
  done
  run_shown python -m pip install --no-warn-script-location --progress-bar off --exists-action w -r requirements.txt
}

install_with_project() {
  step 'Installing the project using pip'
  run_shown python -m pip install --no-warn-script-location --progress-bar off .
}

# A project that names no build system is an app and no package, as uv has it: only what it depends on is installed.
install_with_pyproject() {
  local list=$CACHE_DIR/python/requirements.txt
  step "Installing the project's dependencies using pip"
  run_shown python -c 'import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open("pyproject.toml", "rb") as file, open(sys.argv[1], "w") as list:
    list.writelines(f"{each}\n" for each in tomllib.load(file)["project"].get("dependencies", []))' "$list" || return 1
  run_shown python -m pip install --no-warn-script-location --progress-bar off -r "$list"
}

install_with_pipenv() {
  local tool
  step "Installing dependencies using Pipenv $PIPENV_VERSION"
  tool=$(python_tool pipenv "$PIPENV_VERSION") || return 1
  export PIPENV_NOSPIN=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_VERBOSITY=-1 PIPENV_YES=1
  if [ -f Pipfile.lock ]; then
    run_tool "$tool" pipenv cli install --deploy --system --extra-pip-args=--no-warn-script-location
  else
    run_tool "$tool" pipenv cli install --skip-lock --system
  fi
}

# Poetry and PDM say what their lock files hold, and pip installs it: so all tools go to the registry that pip's settings name.
install_with_poetry() {
  local tool list=$CACHE_DIR/python/requirements.txt
  step "Installing dependencies using Poetry $POETRY_VERSION"
  tool=$(python_tool poetry "$POETRY_VERSION" poetry-plugin-export) || return 1
  export POETRY_VIRTUALENVS_CREATE=false POETRY_CACHE_DIR=$CACHE_DIR/python/poetry POETRY_NO_INTERACTION=1
  run_tool "$tool" poetry.console.application main check --lock --quiet --no-ansi || return 1
  run_tool "$tool" poetry.console.application main export --only main --no-ansi --format requirements.txt --output "$list" || return 1
  install_list "$list"
}

install_with_pdm() {
  local tool list=$CACHE_DIR/python/requirements.txt
  step "Installing dependencies using PDM $PDM_VERSION"
  tool=$(python_tool pdm "$PDM_VERSION") || return 1
  run_tool "$tool" pdm.core main export --prod --format requirements --output "$list" || return 1
  install_list "$list"
}

# install_list FILE: installs all that a tool has resolved, and nothing else.
install_list() {
  run_shown python -m pip install --no-warn-script-location --progress-bar off --no-deps -r "$1"
}

install_with_uv() {
  local uv
  uv=$(uv_program) || return 1
  step "Installing dependencies using uv $UV_VERSION"
  UV_PROJECT_ENVIRONMENT=$BUILD_DIR/.heroku/python UV_PYTHON_DOWNLOADS=never UV_NO_MANAGED_PYTHON=1 UV_PYTHON=$BUILD_DIR/.heroku/python/bin/python3 \
    UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy \
    run_shown "$uv" sync --locked --no-default-groups --inexact --no-progress
}
