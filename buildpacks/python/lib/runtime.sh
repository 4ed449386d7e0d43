# Environment of a dyno that runs Python.
export PATH="$HOME/.heroku/python/bin:$HOME/.heroku/python/local/bin:$PATH"
export LD_LIBRARY_PATH="$HOME/.heroku/python/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PYTHONUNBUFFERED="${PYTHONUNBUFFERED:-true}"
export LANG="${LANG:-C.UTF-8}"
export PYTHONPATH="${PYTHONPATH:-$HOME}"
# Requests come through the router, which says in headers whom they are from.
export FORWARDED_ALLOW_IPS="${FORWARDED_ALLOW_IPS:-*}"

# Processes that web servers start: as many as the processors and 256 MB for each allow.
slipway_processes() {
  local bytes megabytes processors
  bytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || echo max)
  case "$bytes" in
    max | ????????????????*) megabytes=512 ;;
    *) megabytes=$((bytes / 1048576)) ;;
  esac
  processors=$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
  export DYNO_RAM="${DYNO_RAM:-$megabytes}"
  local most=$((processors * 2 + 1)) fit=$((megabytes / 256))
  [ "$fit" -lt "$most" ] && most=$fit
  [ "$most" -ge 1 ] || most=1
  export WEB_CONCURRENCY="${WEB_CONCURRENCY:-$most}"
}
slipway_processes
unset -f slipway_processes
