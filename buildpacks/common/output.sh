# What is written to the build log, in the platform's style (reference: heroku-platform 2.5).

# step TEXT: begins a part of the build.
step() {
  printf -- '-----> %s\n' "$*"
}

# detail TEXT: a line below a step.
detail() {
  printf '       %s\n' "$*"
}

# warn TEXT: text of one or several lines that a person has to read.
warn() {
  printf '%s\n' "$*" | sed 's/^/ !     /'
}

# fail TEXT: says why the build cannot go on, and ends it.
fail() {
  step 'Build failed'
  warn "$@"
  exit 1
}

# indent: copies standard input below a step, line by line as it comes.
indent() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    if [ -n "$line" ]; then printf '       %s\n' "$line"; else printf '\n'; fi
  done
}

# run_shown PROGRAM ARGUMENT...: runs a program with its output below the step; its exit code is the function's.
run_shown() {
  "$@" 2>&1 | indent
  return "${PIPESTATUS[0]}"
}

# last_words FILE: the last lines of what a program printed, for a text that says why; none when it printed nothing.
last_words() {
  grep -vE '^( *|----->.*)$' "$1" | sed 's/^ !     //' | tail -n 4 || true
}
