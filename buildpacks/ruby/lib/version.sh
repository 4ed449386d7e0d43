# Which Ruby the project asks for, and which of those that there are fits.

# RubyGems' requirements: every part of a list has to hold. `pick` prints the newest fitting version.
VERSION_AWK='
function part(version, n, parts, count) { count = split(version, parts, "."); return n > count ? 0 : parts[n] + 0 }
function compare(a, b, n) { for (n = 1; n <= 4; n++) if (part(a, n) != part(b, n)) return part(a, n) - part(b, n); return 0 }
function below(version, next_, parts, count) {
  count = split(version, parts, ".")
  return count == 1 ? parts[1] + 1 : count == 2 ? parts[1] + 1 : count == 3 ? parts[1] "." parts[2] + 1 : parts[1] "." parts[2] "." parts[3] + 1
}
function holds(version, rule, sign, wanted) {
  sign = rule; sub(/[0-9].*/, "", sign); gsub(/ /, "", sign)
  wanted = rule; sub(/^[^0-9]*/, "", wanted); gsub(/ /, "", wanted)
  if (sign == "~>") return compare(version, wanted) >= 0 && compare(version, below(wanted)) < 0
  if (sign == ">=") return compare(version, wanted) >= 0
  if (sign == "<=") return compare(version, wanted) <= 0
  if (sign == ">") return compare(version, wanted) > 0
  if (sign == "<") return compare(version, wanted) < 0
  if (sign == "!=") return compare(version, wanted) != 0
  return compare(version, wanted) == 0
}
{
  count = split(rules, each, ",")
  for (n = 1; n <= count; n++) if (!holds($1, each[n])) next
  if (best == "" || compare($1, best) > 0) best = $1
}
END { print best }'

# pick_version RULES: the newest of the versions on standard input that all the rules, separated by commas, let pass.
pick_version() {
  awk -v rules="$1" "$VERSION_AWK"
}

# version_file NAME: a version as a file holds it, 3.3.8 or ruby-3.3.8; a part of one, 3.3, stands for all that begin so.
version_file() {
  local text
  text=$(sed 's/#.*//' "$1" | tr -d ' \r\n')
  text=${text#ruby-}
  [[ $text =~ ^[0-9]+(\.[0-9]+){0,3}$ ]] ||
    fail "$1 has to hold one version of Ruby such as 3.3.8; it holds: $(head -c 100 "$1")"
  case "$text" in
    *.*.*) echo "$text" ;;
    *.*) echo "~> $text.0" ;;
    *) echo "~> $text.0" ;;
  esac
}

# gemfile_line: the line of the Gemfile that names the Ruby, without its comment.
gemfile_line() {
  sed -nE "s/#.*//; s/^[[:space:]]*ruby[[:space:](]+(.*)/\\1/p" Gemfile | head -n 1
}

# choose_version: sets RUBY_RULES, which versions will do, and RUBY_LOCKED, the one of Gemfile.lock; says where that is said.
choose_version() {
  local line file where=''
  RUBY_RULES='' RUBY_LOCKED=''
  line=$(gemfile_line)
  case "$line" in
    *engine*) [[ $line =~ engine(:|[[:space:]]*=\>)[[:space:]]*:?[\"\']?ruby ]] ||
      fail "The Gemfile asks for a Ruby other than CRuby ($line), which there is no support for. Ask for CRuby, or use a buildpack for it." ;;
  esac
  if [[ $line =~ file:[[:space:]]*[\"\']([^\"\']+) ]]; then
    file=${BASH_REMATCH[1]}
    [ -f "$file" ] || fail "The Gemfile takes the version of Ruby from the file $file, which is not there."
    RUBY_RULES=$(version_file "$file") where="$file"
  elif [ -n "$line" ]; then
    RUBY_RULES=$(printf '%s' "$line" | sed -E 's/,?[[:space:]]*[a-z_]+:.*//' | grep -oE "[\"'][^\"']*[0-9][^\"']*[\"']" | tr -d "\"'" | paste -s -d , -) || true
    where='the Gemfile'
  fi
  if [ -z "$RUBY_RULES" ] && [ -f .ruby-version ]; then
    RUBY_RULES=$(version_file .ruby-version) where=.ruby-version
  fi
  if [ -f Gemfile.lock ]; then
    RUBY_LOCKED=$(sed -nE '/^RUBY VERSION/{n;s/^ *ruby ([0-9.]+).*/\1/p;}' Gemfile.lock | sed 's/\.$//')
  fi
  RUBY_DECLARED=${RUBY_RULES:-$RUBY_LOCKED}
  RUBY_RULES=${RUBY_RULES:->= 2.7}
  if [ -n "$where" ]; then
    detail "Ruby $RUBY_RULES is asked for in $where${RUBY_LOCKED:+, $RUBY_LOCKED in Gemfile.lock}"
  elif [ -n "$RUBY_LOCKED" ]; then
    detail "Ruby $RUBY_LOCKED is asked for in Gemfile.lock"
  fi
}
