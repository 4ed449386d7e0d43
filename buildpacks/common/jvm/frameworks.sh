# What a built app starts with when it has no Procfile, and the add-on that its drivers ask for (reference: heroku-platform 1.2).

# jvm_main_jar FOLDER: prints the path of the jar that a build left, not those with sources and the like.
jvm_main_jar() {
  find "$1" -maxdepth 1 -name '*.jar' -not -name '*-sources.jar' -not -name '*-javadoc.jar' -not -name '*-plain.jar' -not -name '*-tests.jar' \
    -not -name 'original-*.jar' 2>/dev/null | sort | head -n 1
}

# jar_manifest JAR: prints its manifest with long lines joined.
jar_manifest() {
  unzip -p "$1" META-INF/MANIFEST.MF 2>/dev/null | tr -d '\r' | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n //g'
}

# jvm_web_command FOLDER: prints the web command of an app that was built into FOLDER; nothing when its framework is not known.
jvm_web_command() {
  local jar manifest
  if [ -f "$1/quarkus-app/quarkus-run.jar" ]; then
    echo "java -Dquarkus.http.port=\$PORT \$JAVA_OPTS -jar $1/quarkus-app/quarkus-run.jar"
    return
  fi
  for jar in "$1"/*-runner.jar "$1"/*-thorntail.jar "$1"/*-swarm.jar; do
    case "$jar" in
      *\**) ;;
      *-runner.jar) echo "java -Dquarkus.http.port=\$PORT \$JAVA_OPTS -jar $jar" && return ;;
      *) echo "java -Dswarm.http.port=\$PORT \$JAVA_OPTS -jar $jar" && return ;;
    esac
  done
  jar=$(jvm_main_jar "$1")
  [ -n "$jar" ] || return 0
  manifest=$(jar_manifest "$jar")
  case "$manifest" in
    *Spring-Boot-Version*) echo "java -Dserver.port=\$PORT \$JAVA_OPTS -jar $jar" ;;
    *Main-Class*)
      if unzip -l "$jar" 2>/dev/null | grep -q ' io/micronaut/runtime/Micronaut.class'; then
        echo "java -Dmicronaut.server.port=\$PORT \$JAVA_OPTS -jar $jar"
      fi
      ;;
  esac
}

# jvm_uses_postgres: whether the build files name the driver of PostgreSQL.
jvm_uses_postgres() {
  grep -qsE 'org\.postgresql|<artifactId>(postgresql|quarkus-jdbc-postgresql|pgjdbc-ng)</artifactId>|quarkus-jdbc-postgresql' \
    pom.xml build.gradle build.gradle.kts build.sbt project.clj deps.edn
}

# jvm_release NAME FOLDER: what bin/release of the buildpack NAME says of an app that was built into FOLDER.
jvm_release() {
  jvm_release_of "$1" "$(jvm_web_command "$2")"
}

# jvm_release_of NAME [COMMAND]: the same with the web command that is known.
jvm_release_of() {
  {
    echo '---'
    ! jvm_uses_postgres || printf 'addons:\n  - heroku-postgresql\n'
    [ -z "${2:-}" ] || printf 'default_process_types:\n  web: %s\n' "'$(printf '%s' "$2" | sed "s/'/''/g")'"
    [ -n "${2:-}" ] || jvm_uses_postgres || echo '{}'
  } | write_release "$1"
}
