# The registry of Java packages; it also carries builds of other languages' runtimes.

# maven_registry: prints its address without a last slash: MAVEN_MIRROR_URL, or what the distribution's Maven goes to by itself.
maven_registry() {
  local folder jar
  if [ -n "${MAVEN_MIRROR_URL:-}" ]; then
    echo "${MAVEN_MIRROR_URL%/}"
    return
  fi
  folder=$(debian_one maven-defaults libmaven3-core-java './usr/share/java/maven3-model-builder*.jar') || return 1
  jar=$(find "$folder" -type f -o -type l | head -n 1)
  unzip -p "$jar" org/apache/maven/model/pom-4.0.0.xml | sed -n 's|.*<url>\(https:[^<]*\)</url>.*|\1|p' | head -n 1
}

# maven_need WHAT: ends the build when nothing says where the registry is that WHAT is fetched from.
maven_need() {
  [ -n "${MAVEN_MIRROR_URL:-}" ] || [ -d "$SLIPWAY_DOWNLOADS/debian/maven-defaults" ] || need "$1 (unless MAVEN_MIRROR_URL is set)" apt-get
}

# maven_file GROUP/PATH:ARTIFACT:VERSION SUFFIX SUM TITLE: prints the path of a file of the registry in the shared downloads.
maven_file() {
  local registry coordinates=$1 path artifact version
  path=${coordinates%%:*}
  version=${coordinates##*:}
  artifact=${coordinates#*:}
  artifact=${artifact%:*}
  registry=$(maven_registry) || return 1
  download "maven/$artifact-$version$2" "$registry/$path/$artifact/$version/$artifact-$version$2" "$3" "$4"
}

# maven_mirror_settings: prints settings of Maven with the mirror that this machine uses.
maven_mirror_settings() {
  printf '<settings><mirrors><mirror><id>machine</id><mirrorOf>central</mirrorOf><url>%s</url></mirror></mirrors></settings>\n' \
    "$(printf '%s' "$MAVEN_MIRROR_URL" | sed 's/&/\&amp;/g; s/</\&lt;/g')"
}

# maven_floating FOLDER: whether the packages in it are such that tomorrow's may be others: the registry was asked which versions there
# are, for a snapshot, a range or a version that nobody named.
maven_floating() {
  [ -n "$(find "$1" -name 'maven-metadata-*.xml' -not -name '*-local.xml' 2>/dev/null | head -n 1)" ]
}

# maven_sum PATH KIND: prints the checksum that the registry gives of a file; kept with the downloads.
maven_sum() {
  local registry file name
  registry=$(maven_registry) || return 1
  name=$(printf '%s' "$1.$2" | tr '/' '_')
  if ! file=$(listing "$name" "$registry/$1.$2" 315360000); then
    warn "The registry has no ${1##*/}: $(listing_problem)" >&2
    return 1
  fi
  cut -d ' ' -f 1 "$file" | head -n 1
}
