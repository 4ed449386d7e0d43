# Environment of a dyno that runs Node.js.
export PATH="$HOME/.heroku/node/bin:$HOME/node_modules/.bin:$PATH"
export NODE_HOME="$HOME/.heroku/node"
export NODE_ENV="${NODE_ENV:-production}"

# Memory of the dyno in MB, from the control group (version 2, then 1).
slipway_memory() {
  local bytes
  bytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || echo max)
  case "$bytes" in
    max | ????????????????*) echo 512 ;;
    *) echo $((bytes / 1048576)) ;;
  esac
}
export MEMORY_AVAILABLE="${MEMORY_AVAILABLE:-$(slipway_memory)}"
export WEB_MEMORY="${WEB_MEMORY:-512}"
if [ -z "${WEB_CONCURRENCY:-}" ]; then
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / WEB_MEMORY))
  [ "$WEB_CONCURRENCY" -ge 1 ] || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY
fi
unset -f slipway_memory
