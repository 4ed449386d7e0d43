# Leiningen of the distribution, whose jar holds all that it needs.

# lein_prepare: sets LEIN_JAR, and puts a program `lein` before the others.
lein_prepare() {
  local folder problem=$CACHE_DIR/.lein-problem
  step 'Installing Leiningen'
  [ -d "$SLIPWAY_DOWNLOADS/debian/leiningen" ] || need Leiningen apt-get
  folder=$(debian_one leiningen leiningen './usr/share/java/leiningen-*.jar' 2>"$problem") ||
    fail "There is no Leiningen to be had.
$(sed 's/^ !     //' "$problem" | tail -n 4)
Connect to the network once, and deploy again."
  LEIN_JAR=$(find "$folder" -type f -name 'leiningen-*.jar' | head -n 1)
  detail "Leiningen $(basename "$LEIN_JAR" .jar | sed 's/.*-//') comes from packages of Debian $(debian_codename)"
  export LEIN_HOME=$CACHE_DIR/.lein LEIN_LOCAL_REPO=$CACHE_DIR/.m2/repository LEIN_INIT=$CLOJURE_PACK/lib/lein.clj LEIN_JAR
  mkdir -p "$LEIN_HOME" "$CACHE_DIR/bin"
  rm -f "$LEIN_HOME/profiles.clj"
  cp "$CLOJURE_PACK/lib/lein" "$CACHE_DIR/bin/lein"
  chmod 755 "$CACHE_DIR/bin/lein"
  export PATH=$CACHE_DIR/bin:$PATH
}

# uberjar_name: prints :uberjar-name of project.clj.
uberjar_name() {
  sed -n 's/.*:uberjar-name[[:space:]]*"\([^"]*\)".*/\1/p' project.clj | head -n 1
}

# lein_build: the project's own bin/build, the task that the config var names, an uberjar when the project has one, else classes.
lein_build() {
  local task=${LEIN_BUILD_TASK:-}
  if [ -f bin/build ]; then
    step 'Running bin/build'
    chmod +x bin/build
    run_shown bin/build || lein_fail bin/build
    return
  fi
  if [ -z "$task" ]; then
    if [ -n "$(uberjar_name)" ]; then task=uberjar; else task='with-profile production compile :all'; fi
  fi
  step "Running: lein $task"
  # Words of a shell, as a person writes them.
  eval "set -- $task"
  run_shown lein "$@" || lein_fail "lein $task"
}

lein_fail() {
  fail "\`$1\` failed; the lines above say why.
Mend what they name, try it on your machine, and deploy again."
}

# lein_release: an uberjar runs by itself; else dynos run the project by Leiningen, which comes with the slug.
lein_release() {
  local name
  name=$(uberjar_name)
  if [ -n "$name" ] && [ -f "target/$name" ]; then
    jvm_release_of clojure "java \$JVM_OPTS -jar target/$name"
    return
  fi
  if [ -n "$name" ] && [ -f "target/uberjar/$name" ]; then
    jvm_release_of clojure "java \$JVM_OPTS -jar target/uberjar/$name"
    return
  fi
  mkdir -p .lein/bin .lein/jar .m2
  cp "$CLOJURE_PACK/lib/lein" .lein/bin/lein
  cp "$LEIN_JAR" .lein/jar/leiningen.jar
  cp "$LEIN_INIT" .lein/lein.clj
  cp -R "$CACHE_DIR/.m2/repository" .m2/
  chmod 755 .lein/bin/lein
  write_profile clojure <<'END'
export LEIN_HOME="$HOME/.lein"
export LEIN_JAR="$HOME/.lein/jar/leiningen.jar"
export LEIN_INIT="$HOME/.lein/lein.clj"
export LEIN_LOCAL_REPO="$HOME/.m2/repository"
export PATH="$HOME/.lein/bin:$PATH"
END
  jvm_release_of clojure 'lein with-profile production trampoline run'
}
