# sbt: its launcher from the registry of Java packages, which fetches the version that project/build.properties names.

SBT_LAUNCHER=1.13.1
SBT_LAUNCHER_SUM=b73aabc037a4b6e06b5d07d36edd026a97c3ac11c2f7e0d6f581d8efa47472e8

# sbt_prepare: sets SBT_COMMAND, the command without tasks, as a list.
sbt_prepare() {
  local version jar options
  version=$(sed -n 's/^[[:space:]]*sbt\.version[[:space:]]*=[[:space:]]*//p' project/build.properties 2>/dev/null | tr -d '\r ' | head -n 1) || true
  [ -n "$version" ] || fail "The project does not say which sbt it needs.
Write sbt.version=1.11.7 (or the version that you use) into project/build.properties, and deploy again."
  step "Installing sbt $version"
  [ -f "$SLIPWAY_DOWNLOADS/maven/sbt-launch-$SBT_LAUNCHER.jar" ] || maven_need "Fetching sbt"
  jar=$(maven_file "org/scala-sbt:sbt-launch:$SBT_LAUNCHER" .jar "$SBT_LAUNCHER_SUM" "sbt's launcher $SBT_LAUNCHER") ||
    fail "sbt's launcher could not be had (see above). Connect to the network once, and deploy again."
  mkdir -p "$CACHE_DIR/sbt"
  # Of all projects, before what they say themselves: what nobody runs is not made (as on the platform).
  printf '%s\n' 'Compile / packageDoc / publishArtifact := false' 'Compile / packageSrc / publishArtifact := false' >"$CACHE_DIR/sbt/global.sbt"
  options=${SBT_OPTS:--Xmx1536m -Xss4m}
  # shellcheck disable=SC2206
  SBT_COMMAND=("$JAVA_HOME/bin/java" $options "-Dsbt.global.base=$CACHE_DIR/sbt" "-Dsbt.boot.directory=$CACHE_DIR/sbt/boot"
    "-Dsbt.ivy.home=$CACHE_DIR/ivy2" "-Dsbt.coursier.home=$CACHE_DIR/coursier" -Dsbt.log.noformat=true -Dsbt.supershell=false
    -Dsbt.server.autostart=false -Dsbt.ci=true -Dfile.encoding=UTF-8)
  export COURSIER_CACHE=$CACHE_DIR/coursier
  sbt_mirror
  SBT_COMMAND+=(-jar "$jar")
}

# sbt_mirror: the mirror of the registry that this machine uses takes the place of the launcher's own list.
sbt_mirror() {
  [ -n "${MAVEN_MIRROR_URL:-}" ] || return 0
  printf '[repositories]\n  local\n  machine: %s\n' "$MAVEN_MIRROR_URL" >"$CACHE_DIR/sbt/repositories"
  SBT_COMMAND+=("-Dsbt.repository.config=$CACHE_DIR/sbt/repositories" -Dsbt.override.build.repos=true)
}

# sbt_floating: whether the build files name packages such that tomorrow's may be others: snapshots, ranges, the latest.
sbt_floating() {
  local named
  named=$(find . -path ./.jdk -prune -o \( -name '*.sbt' -o -path './project/*.scala' \) -exec grep -hvE 'version[[:space:]]*:=' {} + |
    grep -E 'SNAPSHOT|latest\.|\+"|"[[(][0-9]') || true
  [ -n "$named" ]
}

sbt_build() {
  local tasks=${SBT_TASKS:-compile stage}
  step "Running: sbt $tasks"
  # What sbt knows of the last build saves compiling it again.
  sbt_state "$CACHE_DIR/sbt-state" .
  # Words of a shell, as a person writes them.
  eval "set -- ${SBT_PRE_TASKS:-} $tasks"
  run_shown "${SBT_COMMAND[@]}" "$@" </dev/null ||
    fail "sbt could not build the app; the lines above say why.
Mend what they name, try \`sbt $tasks\` on your machine, and deploy again. The task stage comes with the plugin sbt-native-packager."
  rm -rf "$CACHE_DIR/sbt-state"
  sbt_state . "$CACHE_DIR/sbt-state"
  rm -rf project/target project/project target/streams target/scala-*/zinc target/resolution-cache
}

# sbt_state FROM TO: copies the folders in which sbt keeps what it made.
sbt_state() {
  local folder
  for folder in target project/target project/project; do
    [ -d "$1/$folder" ] || continue
    mkdir -p "$2/$folder"
    cp -Rp "$1/$folder/." "$2/$folder"
  done
}

# sbt_release: the script that sbt-native-packager made; Play is told its port.
sbt_release() {
  local script command=''
  script=$(find target/universal/stage/bin -maxdepth 1 -type f -not -name '*.bat' 2>/dev/null | sort | head -n 1)
  if [ -n "$script" ]; then
    command=$script
    ! has_file 'target/universal/stage/lib/*play-server*.jar' || command="$script -Dhttp.port=\$PORT"
  fi
  jvm_release_of scala "$command"
}
