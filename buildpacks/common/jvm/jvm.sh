# Java for the buildpacks of the JVM's languages: which version, where it comes from, and how builds and dynos find it.
# Sourced after common.sh.

JVM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=sources.sh
. "$JVM_DIR/sources.sh"
# shellcheck source=frameworks.sh
. "$JVM_DIR/frameworks.sh"

# Version for apps that name none: the newest long-term line.
JVM_DEFAULT=25

# Config vars that would change how builds' own Java programs run (reference: heroku-platform 2.3).
JVM_CONFIG_KEPT='^(JAVA_OPTS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|JAVA_HOME|CLASSPATH)$'

# system_property NAME: prints what the app's system.properties says.
system_property() {
  [ -f system.properties ] || return 0
  sed -n "s/^[[:space:]]*$(printf '%s' "$1" | sed 's/\./\\./g')[[:space:]]*[=:][[:space:]]*//p" system.properties | tr -d '\r' |
    sed 's/[[:space:]]*$//' | tail -n 1
}

# jvm_asked DEFAULT: sets JVM_ASKED, a version such as 21 or 21.0.5, and says where it is from.
jvm_asked() {
  local text vendor
  text=$(system_property java.runtime.version)
  JVM_ASKED=${text#openjdk-}
  for vendor in zulu azul heroku temurin; do JVM_ASKED=${JVM_ASKED#"$vendor"-}; done
  case "$JVM_ASKED" in
    '')
      JVM_ASKED=$1
      warn "No version of OpenJDK is named; $1 is taken. Pin it with a file system.properties: java.runtime.version=$1"
      ;;
    1.[0-9] | 1.[0-9].*) JVM_ASKED=${JVM_ASKED#1.} ;;
  esac
  [[ $JVM_ASKED =~ ^[0-9]+([._u][0-9]+)*$ ]] ||
    fail "java.runtime.version in system.properties is '$text', which is no version of OpenJDK.
Write one such as 21 or 25, and deploy again."
}

# jvm_install DEFAULT: puts a JDK into the slug as .jdk, for this build, later buildpacks and dynos. Sets JVM_KEY, which names it.
jvm_install() {
  local bundle
  need 'Reading jars and archives' unzip
  jvm_asked "$1"
  bundle=$(jvm_bundle)
  step "Installing OpenJDK $JVM_ASKED"
  jvm_find
  JVM_KEY=$(fingerprint "$JVM_FOLDER" -- "$bundle" "$JVM_DIR"/*)
  rm -rf "$BUILD_DIR/.jdk"
  if take_last .jdk .jdk/.installed "$JVM_KEY"; then
    detail "OpenJDK $JVM_VERSION is taken from the last build"
  else
    cp -Rp "$JVM_FOLDER" "$BUILD_DIR/.jdk"
    jvm_trust "$bundle"
    printf '%s' "$JVM_KEY" >"$BUILD_DIR/.jdk/.installed"
  fi
  write_profile jvm <"$JVM_DIR/runtime.sh"
  write_export jvm <<'END'
export JAVA_HOME="$BUILD_DIR/.jdk"
export PATH="$JAVA_HOME/bin:$PATH"
END
  unset JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS CLASSPATH
  export JAVA_HOME=$BUILD_DIR/.jdk
  export PATH=$JAVA_HOME/bin:$PATH
}

# jvm_bundle: prints the path of the authorities' certificates that this machine trusts.
jvm_bundle() {
  local file
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    [ -z "$file" ] || [ ! -f "$file" ] || break
  done
  echo "$file"
}

# jvm_trust BUNDLE: lets the slug's Java trust whom the machine trusts, instead of whom it came with.
jvm_trust() {
  local store security
  [ -f "$1" ] || return 0
  store=$(shared_folder "jvm/trust/$(fingerprint "$JVM_VERSION" -- "$1" "$JVM_DIR/Trust.java")" jvm_trust_fill "$1") ||
    fail "The certificates of this machine ($1) could not be made into Java's store of them. The lines above say why."
  security=$BUILD_DIR/.jdk/lib/security
  # Java 8 has its libraries one folder deeper.
  [ ! -d "$BUILD_DIR/.jdk/jre/lib/security" ] || security=$BUILD_DIR/.jdk/jre/lib/security
  rm -f "$security/cacerts"
  cp "$store/cacerts" "$security/cacerts"
}

# jvm_trust_fill BUNDLE FOLDER: Java 8 cannot run a source file, so it is compiled first.
jvm_trust_fill() {
  mkdir -p "$2/classes" || return 1
  "$BUILD_DIR/.jdk/bin/javac" -d "$2/classes" -encoding UTF-8 "$JVM_DIR/Trust.java" || return 1
  "$BUILD_DIR/.jdk/bin/java" -cp "$2/classes" Trust "$1" "$2/cacerts" || return 1
  rm -rf "$2/classes"
}

# has_file PATTERN: whether files of the app fit.
has_file() {
  compgen -G "$1" >/dev/null
}
