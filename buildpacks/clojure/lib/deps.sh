# Clojure's own tools (deps.edn): the library tools.deps from the registry of Java packages, with a program `clojure` of ours before it.

TOOLS_DEPS=0.31.1646

# deps_prepare: sets CLOJURE_TOOLS and CLOJURE_HOME, and puts the programs `clojure` and `clj` before the others.
deps_prepare() {
  local problem=$CACHE_DIR/.deps-problem name
  step "Installing Clojure's tools.deps $TOOLS_DEPS"
  deps_settings
  CLOJURE_JARS=$(shared_folder "clojure/tools-deps-$TOOLS_DEPS" deps_fill 2>"$problem") || fail "tools.deps could not be had.
$(sed 's/^ !     //' "$problem" | tail -n 6)
Connect to the network once, and deploy again."
  deps_install "$CACHE_DIR/clojure"
  export CLOJURE_TOOLS=$CACHE_DIR/clojure/lib CLJ_CONFIG=$CLOJURE_HOME/.clojure GITLIBS=$CLOJURE_HOME/.gitlibs
  export PATH=$CACHE_DIR/clojure/bin:$PATH
}

# deps_settings: a home folder for builds: packages stay with the app, and the mirror of the registry that this machine uses counts
# also for the programs that a build starts.
deps_settings() {
  export CLOJURE_HOME=$CACHE_DIR/home
  mkdir -p "$CLOJURE_HOME/.m2"
  rm -f "$CLOJURE_HOME/.m2/settings.xml"
  [ -z "${MAVEN_MIRROR_URL:-}" ] || maven_mirror_settings >"$CLOJURE_HOME/.m2/settings.xml"
}

# deps_fill FOLDER: Leiningen fetches the library with all that it needs.
deps_fill() {
  local work=$CACHE_DIR/.tools-deps paths path
  lein_prepare || return 1
  mkdir -p "$work"
  printf '(defproject tools "1" :dependencies [[org.clojure/tools.deps "%s"] [org.slf4j/slf4j-nop "1.7.36"]])\n' "$TOOLS_DEPS" >"$work/project.clj"
  paths=$(cd "$work" && lein with-profile -dev,-base classpath) || return 1
  for path in $(printf '%s' "$paths" | tail -n 1 | tr ':' '\n' | grep '\.jar$'); do cp "$path" "$1/" || return 1; done
  rm -rf "$work"
  [ -n "$(find "$1" -name 'tools.deps-*.jar')" ]
}

# deps_install FOLDER: the tools in FOLDER, programs in its `bin`.
deps_install() {
  rm -rf "$1"
  mkdir -p "$1/bin" "$1/lib/exec"
  cp "$CLOJURE_JARS"/*.jar "$CLOJURE_PACK/lib/cli.clj" "$1/lib/"
  cp "$CLOJURE_PACK/lib/exec.clj" "$1/lib/exec/"
  cp "$CLOJURE_PACK/lib/clojure" "$1/bin/clojure"
  cp "$CLOJURE_PACK/lib/clojure" "$1/bin/clj"
  chmod 755 "$1/bin/clojure" "$1/bin/clj"
}

# deps_plan WHAT: what deps.edn and build.clj say: options of `clojure` that build the app, or that start it; nothing when there are none.
deps_plan() {
  "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -cp "$CLOJURE_TOOLS/*" clojure.main "$CLOJURE_PACK/lib/plan.clj" "$1"
}

# deps_build: the project's own bin/build, the command that the config var names, an alias that builds, else only the packages.
deps_build() {
  local options
  if [ -f bin/build ]; then
    deps_run bin/build
  elif [ -n "${CLJ_BUILD_CMD:-}" ]; then
    eval "deps_run $CLJ_BUILD_CMD"
  else
    options=$(deps_plan build 2>&1) || fail "deps.edn cannot be read: $options"
    if [ -n "$options" ]; then
      # shellcheck disable=SC2086
      deps_run clojure $options
    else
      deps_fetch
    fi
  fi
  rm -rf .cpcache
}

deps_run() {
  step "Running: $*"
  run_shown "$@" || fail "\`$*\` failed; the lines above say why.
Mend what they name, try it on your machine, and deploy again. Another command is run with the config var CLJ_BUILD_CMD, or as bin/build."
}

# deps_fetch: the packages of what the Procfile and the alias that starts the app run.
deps_fetch() {
  local options
  options=$({ grep -ohE -- '-[MX](:[^[:space:]]*|[[:space:]]|$)' Procfile 2>/dev/null; deps_plan run; } | tr -d ' ' | sort -u) || true
  for options in ${options:--M}; do deps_run clojure -P "$options"; done
}

# deps_jar: prints the path of the jar that runs by itself; nothing when there is none, or it would start a prompt.
deps_jar() {
  local jar
  for jar in target/*-standalone.jar target/*.jar target/*/*.jar; do
    [ -f "$jar" ] || continue
    case "$(jar_manifest "$jar")" in
      *'Main-Class: clojure.main'*) ;;
      *Main-Class:*) echo "$jar" && return ;;
    esac
  done
}

# deps_release: an uberjar runs by itself; else dynos run the sources by `clojure`, which comes with the slug.
deps_release() {
  local jar options
  jar=$(deps_jar)
  if [ -n "$jar" ]; then
    jvm_release_of clojure "java \$JVM_OPTS -jar $jar"
    return
  fi
  if [ -n "$(find target -name '*.jar' 2>/dev/null | head -n 1)" ]; then
    jvm_release_of clojure
    return
  fi
  options=$(deps_plan run)
  deps_install .clojure-tools
  mkdir -p .m2
  cp -R "$CLOJURE_HOME/.m2/repository" .m2/
  [ ! -d "$GITLIBS" ] || cp -R "$GITLIBS" .gitlibs
  write_profile clojure <<'END'
export CLOJURE_TOOLS="$HOME/.clojure-tools/lib"
export GITLIBS="$HOME/.gitlibs"
export PATH="$HOME/.clojure-tools/bin:$PATH"
END
  jvm_release_of clojure "${options:+clojure $options}"
}
