# What is done with the app once its gems are there.

# has_gem NAME: whether Gemfile.lock has the gem.
has_gem() {
  grep -qsE "^    $1 \(" Gemfile.lock
}

# kind_of_app: what the build log and the default process types go by.
kind_of_app() {
  if has_gem railties || { [ ! -f Gemfile.lock ] && grep -qE "^[[:space:]]*gem[[:space:](]+[\"'](rails|railties)[\"']" Gemfile; }; then
    echo Rails
  elif [ -f config.ru ]; then
    echo Rack
  else
    echo App
  fi
}

# secret_key: made for an app once.
secret_key() {
  local file=$CACHE_DIR/ruby/secret_key_base
  [ -s "$file" ] || (umask 077 && od -An -v -tx1 -N64 /dev/urandom | tr -d ' \n' >"$file")
  cat "$file"
}

# app_variables: lines of shell with the defaults of Rails and Rack; config vars come first.
app_variables() {
  echo 'export LANG="${LANG:-C.UTF-8}" RACK_ENV="${RACK_ENV:-production}" MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}" PUMA_PERSISTENT_TIMEOUT="${PUMA_PERSISTENT_TIMEOUT:-95}"'
  [ "$(kind_of_app)" = Rails ] || return 0
  echo 'export RAILS_ENV="${RAILS_ENV:-production}" RAILS_SERVE_STATIC_FILES="${RAILS_SERVE_STATIC_FILES:-enabled}" RAILS_LOG_TO_STDOUT="${RAILS_LOG_TO_STDOUT:-enabled}"'
  echo 'export DISABLE_SPRING="${DISABLE_SPRING:-1}"'
  echo "export SECRET_KEY_BASE=\"\${SECRET_KEY_BASE:-$(secret_key)}\""
}

# write_runtime: the environment of dynos, and of what the build still runs.
write_runtime() {
  { ruby_paths "\$HOME" && bundle_paths "\$HOME" && app_variables; } | write_profile ruby
  { ruby_paths "\$BUILD_DIR" && bundle_paths "\$BUILD_DIR"; } | write_export ruby
  eval "$(app_variables)"
}

# bundled COMMAND...: runs it with the app's gems; also those that the Gemfile does not name (rake).
bundled() {
  if has_gem "$1"; then bundle exec "$@"; else "$@"; fi
}

# rake_task NAME: whether the Rakefile defines it; ends the build when the Rakefile cannot be read in a Rails app.
rake_task() {
  printf '%s\n' "$RAKE_TASKS" | grep -qE "^rake $1(\[.*)?$"
}

# precompile_assets: as the platform does when the Rakefile has the task and the app does not bring its assets. Where the app's files, its
# commit, its gems and its config vars are those of the last build, so are the assets; unless the tasks write elsewhere too.
precompile_assets() {
  local key before known=$CACHE_DIR/ruby/.assets
  [ -f Rakefile ] || [ -f rakefile ] || [ -f Rakefile.rb ] || return 0
  has_gem rake || return 0
  key=$(fingerprint "$GEMS_KEY" "${SOURCE_VERSION:-}" "$(source_sums)" -- "$ENV_DIR"/*)
  if [ "$(cat "$known" 2>/dev/null)" = "$key" ]; then
    restore_assets
    detail 'Nothing has changed: assets are taken from the last build'
    return
  fi
  rm -f "$known"
  before=$(sums_beside_assets)
  ASSETS_COMPILED=''
  compile_assets
  [ -n "$ASSETS_COMPILED" ] || rm -rf "$CACHE_DIR/ruby/assets"
  [ "$(sums_beside_assets)" != "$before" ] || printf '%s' "$key" >"$known"
}

# sums_beside_assets: what a build that takes its assets from the last one would miss.
sums_beside_assets() {
  source_sums | grep -vE ' \./(public/assets|tmp|log)/'
}

# compile_assets: runs those of the tasks that the Rakefile has. Sets ASSETS_COMPILED when it did.
compile_assets() {
  local output public
  step 'Detecting rake tasks'
  if ! output=$(bundle exec rake -P --trace 2>&1); then
    printf '%s\n' "$output" | tail -n 40 | indent
    [ "$(kind_of_app)" != Rails ] || fail 'Could not detect rake tasks: `bundle exec rake -P` failed; the lines above say why.
Ensure that it works with RAILS_ENV=production and without a database. The database is not there while an app is built.'
    warn 'The tasks of the Rakefile could not be listed, so none is run.'
    return 0
  fi
  RAKE_TASKS=$output
  rake_task assets:precompile || return 0
  public=$(ls public/assets/.sprockets-manifest-*.json public/assets/manifest-*.json public/assets/.manifest.json 2>/dev/null | head -n 1) || true
  if [ -n "$public" ]; then
    detail "Detected manifest file, assuming assets were compiled locally ($public)"
    return 0
  fi
  restore_assets
  step 'Preparing app for Rails asset pipeline'
  detail 'Running: rake assets:precompile'
  run_shown bundle exec rake assets:precompile || fail 'Precompiling assets failed; the lines above say why.
Attempted to run `rake assets:precompile` with RAILS_ENV='"${RAILS_ENV:-$RACK_ENV}"'. The database is not there while an app is built.'
  if rake_task assets:clean; then
    detail 'Cleaning assets'
    detail 'Running: rake assets:clean'
    run_shown bundle exec rake assets:clean || fail '`rake assets:clean` failed; the lines above say why.'
  fi
  keep_assets
  ASSETS_COMPILED=yes
}

# Compiled assets and what the compiler remembers are there in the next build.
restore_assets() {
  [ ! -d "$CACHE_DIR/ruby/assets" ] || cp -Rp "$CACHE_DIR/ruby/assets/." .
}

keep_assets() {
  local folder
  rm -rf "$CACHE_DIR/ruby/assets"
  for folder in public/assets tmp/cache/assets; do
    [ -d "$folder" ] || continue
    mkdir -p "$CACHE_DIR/ruby/assets/$(dirname "$folder")"
    cp -Rp "$folder" "$CACHE_DIR/ruby/assets/$folder"
  done
}

# write_types: default process types and the add-on that a driver asks for (reference: heroku-platform 1.2).
write_types() {
  local web=''
  {
    echo '---'
    if has_gem pg; then printf 'addons:\n  - heroku-postgresql\n'; fi
    echo 'default_process_types:'
    if has_gem rake; then echo '  rake: bundle exec rake'; fi
    case "$(kind_of_app)" in
      Rails)
        if [ -f bin/rails ]; then web='bin/rails'; else web='bundle exec rails'; fi
        echo "  console: $web console"
        echo "  web: $web server -p \${PORT:-5000} -e \$RAILS_ENV"
        ;;
      Rack)
        echo '  console: bundle exec irb'
        echo '  web: bundle exec rackup config.ru -p ${PORT:-5000}'
        ;;
      *) echo '  console: bundle exec irb' ;;
    esac
  } | write_release ruby
}

# warn_app: what the platform's buildpack tells at the end.
warn_app() {
  if [ -z "$RUBY_DECLARED" ]; then
    step 'WARNING'
    warn "You have not declared a Ruby version in your Gemfile.
To declare a Ruby version add this line to your Gemfile:
ruby \"~> ${RUBY_VERSION%.*}.0\""
  fi
  if [ ! -f Procfile ] && [ "$(kind_of_app)" != App ]; then
    step 'WARNING'
    warn "No Procfile detected, using the default web server$(has_gem puma || has_gem thin || has_gem unicorn || has_gem falcon || echo ' (webrick)').
We recommend explicitly declaring how to boot your server process via a Procfile."
  fi
}
