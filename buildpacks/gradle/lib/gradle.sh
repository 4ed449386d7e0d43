# Gradle: the one that the project's wrapper names, when it can be had, else the distribution's.

# gradle_prepare: sets GRADLE_COMMAND, the path of the program, and GRADLE_VERSION.
gradle_prepare() {
  local url folder='' problem=$CACHE_DIR/.gradle-problem
  url=$(gradle_wrapper distributionUrl)
  if [ -n "$url" ]; then
    GRADLE_VERSION=$(printf '%s' "${url##*/}" | sed 's/^gradle-//; s/-\(bin\|all\)\.zip$//')
    step "Installing Gradle $GRADLE_VERSION"
    folder=$(shared_folder "gradle/tools/$GRADLE_VERSION" gradle_fill "$url" 2>"$problem") || folder=''
    if [ -n "$folder" ]; then
      GRADLE_COMMAND=$folder/bin/gradle
      return
    fi
    warn "Gradle $GRADLE_VERSION, which gradle/wrapper/gradle-wrapper.properties names, could not be had:
$(sed 's/^ !     //' "$problem" | tail -n 3)
The distribution's Gradle is taken in its place."
  else
    warn 'The project has no Gradle wrapper, so the version of Gradle is not pinned. Add one with: gradle wrapper'
  fi
  step 'Installing Gradle of the distribution'
  folder=$(gradle_of_distribution 2>"$problem") || fail "There is no Gradle to be had.
$(sed 's/^ !     //' "$problem" | tail -n 4)
Add a wrapper (gradle wrapper) whose distribution this machine reaches, and deploy again."
  GRADLE_COMMAND=$folder/gradle/bin/gradle
  GRADLE_VERSION=$(ls "$folder/gradle/lib" | sed -n 's/^gradle-core-\([0-9.]*\)\.jar$/\1/p' | head -n 1)
  detail "Gradle $GRADLE_VERSION comes from packages of Debian $(debian_codename)"
}

# gradle_of_distribution: prints the path of a shared folder with it. Its packages expect to be in /usr/share.
gradle_of_distribution() {
  local tool name
  tool=$(debian_tool gradle gradle) || return 1
  name=gradle/tools/${tool##*/}
  shared_folder "$name" gradle_relocate "$tool" "$SLIPWAY_DOWNLOADS/$name"
}

# gradle_relocate TOOL PLACE FOLDER: the same in FOLDER, with the place that it will have in the classes that look there.
gradle_relocate() {
  local jar name
  cp -Rp "$1/usr/share/." "$3" || return 1
  jar=$(readlink -f "$3/java/gradle-core-api.jar") || return 1
  for name in java gradle; do
    "$JAVA_HOME/bin/java" "$GRADLE_PACK/lib/Relocate.java" "$jar" "/usr/share/$name" "$2/$name" || return 1
  done
}

# gradle_wrapper NAME: prints what the wrapper's settings say.
gradle_wrapper() {
  [ -f gradle/wrapper/gradle-wrapper.properties ] || return 0
  sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" gradle/wrapper/gradle-wrapper.properties | tr -d '\r\\' | tail -n 1
}

# gradle_fill URL FOLDER: the checksum is the project's, else the one that lies beside the archive.
gradle_fill() {
  local sum file
  sum=$(gradle_wrapper distributionSha256Sum)
  if [ -z "$sum" ]; then
    file=$(listing "gradle-$GRADLE_VERSION.sha256" "$1.sha256" 315360000) || { listing_problem && return 1; }
    sum=$(tr -d ' \n' <"$file")
  fi
  file=$(download "gradle/${1##*/}" "$1" "$sum" "Gradle $GRADLE_VERSION") || return 1
  unzip -q "$file" -d "$2" || return 1
  mv "$2"/gradle-*/* "$2/"
}

# gradle_task: prints what to build: what the config var names, the project's task `stage`, else all without tests.
gradle_task() {
  local files
  files=$(ls build.gradle build.gradle.kts 2>/dev/null || true)
  if [ -n "${GRADLE_TASK:-}" ]; then
    echo "$GRADLE_TASK"
  elif [ -n "$files" ] && grep -qE "(task[ (]+['\"]?stage\b|tasks\.(register|create)[^(]*\(['\"]stage['\"]|val stage by tasks)" $files; then
    echo stage
  else
    echo 'build -x test'
  fi
}

# gradle_mirror: options for the mirror of the registry that this machine uses.
gradle_mirror() {
  [ -z "${MAVEN_MIRROR_URL:-}" ] || printf '%s\n' --init-script "$GRADLE_PACK/lib/mirror.gradle"
}

# gradle_floating: whether the build files name packages such that tomorrow's may be others: snapshots, ranges, the latest.
gradle_floating() {
  local named
  named=$(find . -path ./.jdk -prune -o \( -name '*.gradle' -o -name '*.gradle.kts' -o -name '*.versions.toml' -o -name gradle.properties \) \
    -exec grep -hvE '^[[:space:]]*version[[:space:]=]' {} + | grep -E "SNAPSHOT|latest\.|changing|\+['\"]|:[[(][0-9]") || true
  [ -n "$named" ]
}

gradle_build() {
  local task
  task=$(gradle_task)
  export GRADLE_USER_HOME=$CACHE_DIR/.gradle
  export GRADLE_OPTS=${GRADLE_OPTS:--Xmx1024m}
  step "Executing: gradle $task"
  # Tasks and options are words of a shell, as a person writes them.
  eval "set -- $task"
  # shellcheck disable=SC2046
  run_shown "$GRADLE_COMMAND" --no-daemon --console=plain --project-cache-dir "$CACHE_DIR/project" $(gradle_mirror) "$@" ||
    fail "Gradle could not build the app; the lines above say why.
Mend what they name, try \`./gradlew $task\` on your machine, and deploy again.
Another task is built with the config var GRADLE_TASK."
}
