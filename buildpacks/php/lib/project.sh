# What composer.json and composer.lock say.

# Where the composer files are; COMPOSER names another, as with Composer itself.
project_files() {
  COMPOSER_JSON=${COMPOSER:-composer.json}
  COMPOSER_LOCK=${COMPOSER_JSON%.json}.lock
}

# read_project: checks the two files. HAS_COMPOSER is empty for an app without packages and scripts.
read_project() {
  local problem
  project_files
  HAS_COMPOSER=''
  [ -s "$COMPOSER_JSON" ] || return 0
  need "Reading $COMPOSER_JSON" jq
  problem=$(jq -e 'type == "object"' "$COMPOSER_JSON" 2>&1 >/dev/null) ||
    fail "$COMPOSER_JSON is no valid JSON: ${problem:-it holds no object}. Mend it, check it with \`composer validate\`, and deploy again."
  if [ ! -f "$COMPOSER_LOCK" ]; then
    [ "$(jq '[(.require // {}) | keys[] | select(test("^(php(-64bit)?|ext-.*|composer(-.*)?)$") | not)] | length' "$COMPOSER_JSON")" = 0 ] ||
      fail "No '$COMPOSER_LOCK' found!
Your '$COMPOSER_JSON' lists dependencies inside 'require', but no '$COMPOSER_LOCK' was found.
Run \`composer update\` to generate it, and commit it into your repository."
  elif ! problem=$(jq -e 'type == "object"' "$COMPOSER_LOCK" 2>&1 >/dev/null); then
    fail "$COMPOSER_LOCK is no valid JSON: ${problem:-it holds no object}. Run \`composer update\`, and deploy again."
  fi
  [ "$(jq '[.require, .autoload, .scripts] | map((. // {}) | length) | add' "$COMPOSER_JSON")" = 0 ] || HAS_COMPOSER=yes
}

# requirements: what the project and its packages require of the platform, one `name constraint by-whom` a line.
requirements() {
  [ -s "$COMPOSER_JSON" ] || return 0
  jq -r '(.require // {}) | to_entries[] | select(.key | test("^(php|ext-.*)$")) | "\(.key)\t\(.value)\t'"$COMPOSER_JSON"'"' "$COMPOSER_JSON"
  [ ! -f "$COMPOSER_LOCK" ] ||
    jq -r '.packages[]? | .name as $name | (.require // {}) | to_entries[] | select(.key | test("^(php|ext-.*)$")) | "\(.key)\t\(.value)\t\($name)"' "$COMPOSER_LOCK"
}

# wanted_extensions: names without ext-, one a line.
wanted_extensions() {
  requirements | sed -n 's/^ext-\([^	]*\)	.*/\1/p' | tr 'A-Z' 'a-z' | sort -u
}
