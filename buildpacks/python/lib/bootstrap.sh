# What this buildpack itself needs: a Python of the machine, pip without one, and uv.

UV_VERSION=0.13.9

# need_python: ends the build when the machine has no Python to build with, or no pip for it.
need_python() {
  need 'Building Python apps' python3
  [ -n "$(lacking apt-get)" ] || return 0
  python3 -c 'import pip' 2>/dev/null || fail "$(missing_text 'Building Python apps' 'pip for python3 (python3 -m pip)')"
}

# host_pip: prints the path of a wheel of pip that the machine's Python can run; nothing where only the Python's own pip is there.
host_pip() {
  local folder
  [ -z "$(lacking apt-get)" ] || return 0
  folder=$(debian_one pip-wheel python3-pip-whl './usr/share/python-wheels/pip-*.whl') || return 1
  echo "$folder"/usr/share/python-wheels/pip-*.whl
}

# pip_into FOLDER: installs a tool's packages there; called by shared_folder with the folder last.
pip_into() {
  local python=$1 folder=${*: -1} wheel
  set -- "${@:2:$#-2}"
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install --quiet --no-warn-script-location --target "$folder" "$@" 2>&1 | indent
  else
    wheel=$(host_pip) || return 1
    PYTHONPATH=$wheel "$python" -m pip install --quiet --no-warn-script-location --target "$folder" "$@" 2>&1 | indent
  fi
  return "${PIPESTATUS[0]}"
}

# uv_program: prints the path of uv, from the package registry and kept for all apps.
uv_program() {
  local version=${1:-$UV_VERSION} folder
  [ -d "$SLIPWAY_DOWNLOADS/python/tools/uv-$version" ] || detail "Downloading uv $version" >&2
  folder=$(shared_folder "python/tools/uv-$version" pip_into python3 "uv==$version") || return 1
  echo "$folder/bin/uv"
}
