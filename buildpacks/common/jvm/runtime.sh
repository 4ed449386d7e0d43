# Environment of a dyno that runs Java.
export JAVA_HOME="$HOME/.jdk"
export PATH="$HOME/.jdk/bin:$PATH"

# Memory as the dyno's size has it; MEMORY_AVAILABLE is the quota in MiB.
slipway_java_memory() {
  local megabytes=${MEMORY_AVAILABLE:-}
  if [ -z "$megabytes" ]; then
    megabytes=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
    case "$megabytes" in
      '' | max | ????????????????*) megabytes=512 ;;
      *) megabytes=$((megabytes / 1048576)) ;;
    esac
  fi
  if [ "$megabytes" -le 512 ]; then
    echo "-Xmx$((megabytes * 300 / 512))m -Xss512k -XX:CICompilerCount=2"
  elif [ "$megabytes" -le 1024 ]; then
    echo "-Xmx$((megabytes * 671 / 1024))m -XX:CICompilerCount=2"
  elif [ "$megabytes" -le 2560 ]; then
    echo "-Xmx$((megabytes * 4 / 5))m"
  else
    echo "-Xmx$((megabytes * 6 / 7))m"
  fi
}

slipway_java_options() {
  local options='-Dfile.encoding=UTF-8' own=" ${JAVA_TOOL_OPTIONS:-} ${JAVA_OPTS:-} "
  case "$own" in
    *' -Xmx'* | *MaxRAMPercentage* | *MaxHeapSize*) ;;
    *) options="$(slipway_java_memory) $options" ;;
  esac
  export JAVA_TOOL_OPTIONS="$options${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}"
}

slipway_url_text() {
  printf '%b' "${1//%/\\x}"
}

# A database's address in the form of Java's drivers, from that of the config var. User and password go into the query, where a plus
# stands for a space.
slipway_jdbc() {
  local url=$1 prefix=$2 scheme rest login host query=''
  scheme=${url%%://*} rest=${url#*://}
  case "$scheme" in
    postgres | postgresql) scheme=postgresql ;;
    mysql) ;;
    *) return 0 ;;
  esac
  login='' host=$rest
  case "$rest" in *@*) login=${rest%@*} host=${rest##*@} ;; esac
  case "$host" in *\?*) query="&${host#*\?}" host=${host%%\?*} ;; esac
  local user=${login%%:*} password=''
  case "$login" in *:*) password=${login#*:} ;; esac
  export "${prefix}_URL=jdbc:$scheme://$host?user=${user//+/%2B}&password=${password//+/%2B}$query"
  export "${prefix}_USERNAME=$(slipway_url_text "$user")"
  export "${prefix}_PASSWORD=$(slipway_url_text "$password")"
}

slipway_java_databases() {
  local name
  if [ -n "${DATABASE_URL:-}" ]; then
    [ -n "${JDBC_DATABASE_URL:-}" ] || slipway_jdbc "$DATABASE_URL" JDBC_DATABASE
    if [ -z "${SPRING_DATASOURCE_URL:-}" ] && [ "${DISABLE_SPRING_DATASOURCE_URL:-}" != true ]; then
      slipway_jdbc "$DATABASE_URL" SPRING_DATASOURCE
    fi
  fi
  for name in $(compgen -v HEROKU_POSTGRESQL_ | grep '_URL$'); do
    slipway_jdbc "${!name}" "${name%_URL}_JDBC"
  done
}

slipway_java_options
slipway_java_databases
unset -f slipway_java_memory slipway_java_options slipway_url_text slipway_jdbc slipway_java_databases
