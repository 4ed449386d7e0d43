# What both start commands do: options, PHP-FPM with as many workers as the memory allows, the web server beside it, one log.

usage() {
  cat <<END
Usage: ${0##*/} [options] [<document-root>]
  -C <file>   settings of the web server, included where the app is served
  -F <file>   settings of PHP-FPM, included in its pool
  -i <file>   php.ini instead of the one that comes with PHP
  -p <port>   port to listen on, instead of \$PORT
  -t          checks the settings and ends
  -v          says more
  -h          this text
The document root is relative to the app's folder. WEB_CONCURRENCY is the number of workers; without it as many as fit into the memory.
END
}

complain() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# existing FILE: its absolute path; ends when it is not there.
existing() {
  [ -r "$1" ] || complain "the file '$1' cannot be read. It has to be in the app, by its path from the app's folder."
  readlink -f "$1"
}

read_options() {
  local option
  PORT=${PORT:-8080} INCLUDED='' FPM_INCLUDED='' TEST_ONLY='' VERBOSE=''
  while getopts ':C:F:i:p:tvh' option; do
    case "$option" in
      C) INCLUDED=$(existing "$OPTARG") ;;
      F) FPM_INCLUDED=$(existing "$OPTARG") ;;
      i) PHPRC=$(existing "$OPTARG") && export PHPRC ;;
      p) PORT=$OPTARG ;;
      t) TEST_ONLY=yes ;;
      v) VERBOSE=yes ;;
      h) usage && exit ;;
      :) complain "the option -$OPTARG needs a value. See ${0##*/} -h." ;;
      *) complain "there is no option -$OPTARG. See ${0##*/} -h." ;;
    esac
  done
  shift $((OPTIND - 1))
  [ $# -le 1 ] || complain "too many arguments: $*. See ${0##*/} -h."
  ROOT=${1:-.}
  [ -d "$ROOT" ] || complain "the document root '$ROOT' is not there. It has to be a folder of the app, by its path from the app's folder."
  ROOT=$(readlink -f "$ROOT")
  # shellcheck disable=SC2034
  INCLUDED_DEFAULT=$([ -n "$INCLUDED" ] || echo 'location / { index index.php index.html index.htm; }')
}

# in_megabytes VALUE: a size of PHP's settings; no limit counts as its default.
in_megabytes() {
  case "$1" in
    -1 | '' | 0) echo 128 ;;
    *[gG]) echo $((${1%?} * 1024)) ;;
    *[mM]) echo "${1%?}" ;;
    *[kK]) echo $((${1%?} / 1024)) ;;
    *) echo $(($1 / 1048576)) ;;
  esac
}

# memory: what the dyno may use, in MB.
memory() {
  local bytes
  [ -z "${MEMORY_AVAILABLE:-}" ] || { echo "$MEMORY_AVAILABLE" && return; }
  bytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || echo max)
  case "$bytes" in
    max | ????????????????*) echo 512 ;;
    *) echo $((bytes / 1048576)) ;;
  esac
}

# choose_workers: sets WEB_CONCURRENCY from the memory and the memory limit of a request, which .user.ini may change.
choose_workers() {
  local limit per
  if [ -n "${WEB_CONCURRENCY:-}" ]; then
    [[ $WEB_CONCURRENCY =~ ^[1-9][0-9]*$ ]] || complain "WEB_CONCURRENCY has to be a number of at least 1; it is '$WEB_CONCURRENCY'."
    echo "Using WEB_CONCURRENCY=$WEB_CONCURRENCY"
    return
  fi
  limit=$(sed -nE 's/^[[:space:]]*memory_limit[[:space:]]*=[[:space:]]*"?([0-9]+[kKmMgG]?|-1)"?.*/\1/p' "$ROOT/.user.ini" 2>/dev/null | tail -n 1) || true
  limit=${limit:-$(php -r 'echo ini_get("memory_limit");')}
  per=$(in_megabytes "$limit")
  WEB_CONCURRENCY=$(($(memory) / (per > 0 ? per : 1)))
  [ "$WEB_CONCURRENCY" -ge 1 ] || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY
  echo "$(memory) MB of memory: $WEB_CONCURRENCY processes at ${per}MB memory limit."
}

fpm_config() {
  local start=$((WEB_CONCURRENCY < 2 ? WEB_CONCURRENCY : 2))
  cat <<END
[global]
daemonize = no
error_log = $WORK/log
log_level = ${VERBOSE:+notice}
[www]
listen = $WORK/fpm.sock
listen.backlog = 511
pm = dynamic
pm.max_children = $WEB_CONCURRENCY
pm.start_servers = $start
pm.min_spare_servers = 1
pm.max_spare_servers = $WEB_CONCURRENCY
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
php_admin_value[error_log] = /proc/self/fd/2
php_admin_flag[log_errors] = on
${FPM_INCLUDED:+include = $FPM_INCLUDED}
END
}

# end_all CODE: ends what runs and this script.
end_all() {
  trap - TERM INT
  kill -s "$SERVER_SIGNAL" "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
  kill -s QUIT "$FPM_PID" 2>/dev/null || true
  wait "$FPM_PID" 2>/dev/null || true
  exec 3>&-
  kill "$LOG_PID" 2>/dev/null || true
  rm -rf "$WORK"
  exit "$1"
}

wait_for_fpm() {
  local tries
  for tries in {1..200}; do
    [ ! -S "$WORK/fpm.sock" ] || return 0
    kill -0 "$FPM_PID" 2>/dev/null || return 1
    sleep 0.05
  done
}

boot() {
  read_options "$@"
  WORK=$(mktemp -d)
  choose_workers
  mkfifo "$WORK/log"
  # Open for reading and writing, so that it never ends while a server opens it anew.
  exec 3<>"$WORK/log"
  fpm_config | sed '/^log_level = $/s/$/warning/' >"$WORK/fpm.conf"
  server_config >"$WORK/server.conf"
  cat <&3 >&2 &
  LOG_PID=$!
  if [ -n "$TEST_ONLY" ]; then
    "$PHP_USR/sbin/php-fpm" -t -y "$WORK/fpm.conf" && server_test
    SERVER_PID='' FPM_PID='' end_all $?
  fi
  echo 'Starting php-fpm...'
  "$PHP_USR/sbin/php-fpm" -F -y "$WORK/fpm.conf" 2>&3 &
  FPM_PID=$!
  SERVER_PID=''
  trap 'end_all 0' TERM INT
  wait_for_fpm || end_all 1
  echo "Starting $SERVER..."
  server_start 2>&3 &
  SERVER_PID=$!
  echo "Application ready for connections on port $PORT."
  wait -n "$FPM_PID" "$SERVER_PID" || true
  echo 'A process has ended by itself, so the dyno ends.' >&2
  end_all 1
}
