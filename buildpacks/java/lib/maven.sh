# Maven: the project's wrapper, the version that system.properties names, or ours.

MAVEN_VERSION=3.9.16
MAVEN_SUM=ed41650d42485cfc243fad22158caf9cbb5dc408ce7a09ddb94dd42a019de929ca43065bfa450612cf12bf78b5cafa3884b96c090de326ff590448c933454af3

# maven_prepare: sets MAVEN_COMMAND, the command without goals, as a list.
maven_prepare() {
  local version
  version=$(system_property maven.version)
  export MAVEN_USER_HOME=$CACHE_DIR/.m2
  export MAVEN_OPTS=${MAVEN_OPTS:-${MAVEN_JAVA_OPTS:--Xmx1024m}}
  if [ -z "$version" ] && [ -f mvnw ]; then
    [ -z "${MAVEN_MIRROR_URL:-}" ] || export MVNW_REPOURL=${MAVEN_MIRROR_URL%/}
    MAVEN_COMMAND=(./mvnw)
    return
  fi
  version=${version:-$MAVEN_VERSION}
  step "Installing Maven $version"
  [ -d "$SLIPWAY_DOWNLOADS/maven/tools/$version" ] || maven_need "Fetching Maven"
  MAVEN_COMMAND=("$(maven_folder "$version")/bin/mvn") || fail "There is no Maven $version to be had (see above).
Without the network there are: $(ls "$SLIPWAY_DOWNLOADS/maven/tools" 2>/dev/null | paste -s -d ' ' - | sed 's/^$/none/')
Write one into system.properties as maven.version, or connect to the network, and deploy again."
}

# maven_folder VERSION: prints the path of a shared folder with Maven.
maven_folder() {
  shared_folder "maven/tools/$1" maven_fill "$1"
}

# maven_fill VERSION FOLDER
maven_fill() {
  local file sum=$MAVEN_SUM
  if [ "$1" != "$MAVEN_VERSION" ]; then
    sum=$(maven_sum "org/apache/maven/apache-maven/$1/apache-maven-$1-bin.zip" sha512) || return 1
  fi
  file=$(maven_file "org/apache/maven:apache-maven:$1" -bin.zip "$sum" "Maven $1") || return 1
  unzip -q "$file" -d "$2" || return 1
  mv "$2/apache-maven-$1"/* "$2/"
  rmdir "$2/apache-maven-$1"
}

# maven_settings: options that name settings files: the project's own, and the mirror that this machine uses.
maven_settings() {
  local file=$CACHE_DIR/maven-settings.xml
  if [ -n "${MAVEN_SETTINGS_PATH:-}" ]; then
    [ -f "$MAVEN_SETTINGS_PATH" ] || fail "The config var MAVEN_SETTINGS_PATH names $MAVEN_SETTINGS_PATH, which the app does not have."
    printf '%s\n' -s "$MAVEN_SETTINGS_PATH"
  elif [ -n "${MAVEN_SETTINGS_URL:-}" ]; then
    fetch "$MAVEN_SETTINGS_URL" "$CACHE_DIR/maven-own-settings.xml" >&2 ||
      fail "The settings that the config var MAVEN_SETTINGS_URL names could not be fetched."
    printf '%s\n' -s "$CACHE_DIR/maven-own-settings.xml"
  elif [ -f settings.xml ]; then
    printf '%s\n' -s settings.xml
  fi
  [ -n "${MAVEN_MIRROR_URL:-}" ] || return 0
  maven_mirror_settings >"$file"
  printf '%s\n' -gs "$file"
}

maven_build() {
  local goals=${MAVEN_CUSTOM_GOALS:-clean install} options=${MAVEN_CUSTOM_OPTS:--DskipTests} settings shown
  settings=$(maven_settings) || { printf '%s\n' "$settings"; exit 1; }
  shown="${MAVEN_COMMAND[0]##*/}"
  [ "$shown" = mvn ] || shown=./mvnw
  step "Executing: $shown $options $goals"
  # Options and goals are words of a shell, as a person writes them.
  eval "set -- $options $goals"
  # shellcheck disable=SC2086
  run_shown "${MAVEN_COMMAND[@]}" --batch-mode $settings "-Dmaven.repo.local=$CACHE_DIR/.m2/repository" \
    -Dorg.slf4j.simpleLogger.log.org.apache.maven.cli.transfer.Slf4jMavenTransferListener=warn "$@" ||
    fail "Maven could not build the app; the lines above say why.
Mend what they name, try \`$shown $options $goals\` on your machine, and deploy again."
}
