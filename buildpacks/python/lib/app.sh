# What is done with the app once its packages are there.

# run_hook NAME: runs the project's own bin/NAME.
run_hook() {
  [ -f "bin/$1" ] || return 0
  step "Running bin/$1 hook"
  chmod +x "bin/$1"
  run_shown "bin/$1" || fail "The project's bin/$1 failed. Mend what it says above, and deploy again."
}

# setup_runtime: the environment of dynos, and the add-on that Django with a driver of PostgreSQL asks for.
setup_runtime() {
  write_runtime
  if [ -f manage.py ] && has_module django && { has_module psycopg2 || has_module psycopg; }; then
    printf -- '---\naddons:\n  - heroku-postgresql\n' | write_release python
  fi
}

say_done() {
  step 'Build succeeded!'
}

has_module() {
  python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)' "$1" 2>/dev/null
}

# collect_static: gathers the static files of a Django project that has them.
collect_static() {
  local manage output
  [ "${DISABLE_COLLECTSTATIC:-0}" = 0 ] || return 0
  manage=$(find . -maxdepth 3 -name manage.py -type f -not -path './.heroku/*' -printf '%d %P\n' 2>/dev/null | sort -n | head -n 1)
  manage=${manage#* }
  [ -n "$manage" ] && has_module django || return 0
  if ! output=$(python "$manage" help --commands 2>&1); then
    step "$ python $manage help --commands"
    printf '%s\n' "$output" | indent
    fail_static "$manage"
  fi
  if ! printf '%s\n' "$output" | grep -qx collectstatic; then
    detail "Skipping Django collectstatic: 'django.contrib.staticfiles' is not in INSTALLED_APPS"
    return 0
  fi
  step "\$ python $manage collectstatic --noinput"
  run_shown python "$manage" collectstatic --noinput --traceback || fail_static "$manage"
}

fail_static() {
  fail "\`python $1 collectstatic --noinput\` failed; the lines above say why.
Mend what they name. Settings that are there at run time only can be given as config vars, or collectstatic can be left out with the
config var DISABLE_COLLECTSTATIC=1."
}
