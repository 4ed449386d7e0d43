# Downloads that all apps share: fetched once, verified, and there without a network afterwards.
# All functions that print a path say what they do on standard error.

# fetch URL FILE: downloads with what the machine has. Says why not on standard output, and returns 1.
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 15 --speed-limit 500 --speed-time 30 --max-time 600 --output "$2" "$1" 2>&1
  elif command -v wget >/dev/null 2>&1; then
    wget --quiet --tries=3 --timeout=30 --output-document="$2" "$1" 2>&1
  else
    missing_text 'Downloading' 'curl or wget'
    return 1
  fi
}

# patiently SECONDS PROGRAM ARGUMENT...: runs a program that downloads, and runs it once more when it stands still or fails.
patiently() {
  local limit=()
  ! command -v timeout >/dev/null 2>&1 || limit=(timeout --kill-after=5 "$1")
  shift
  ${limit[@]+"${limit[@]}"} "$@" || ${limit[@]+"${limit[@]}"} "$@"
}

# sums_of BITS FILE...: the files' SHA checksums of 1, 256 or 512 bits, each with the file's name behind it; - is standard input.
sums_of() {
  local bits=$1
  shift
  if command -v "sha${bits}sum" >/dev/null 2>&1; then
    "sha${bits}sum" "$@"
  else
    shasum -a "$bits" "$@"
  fi
}

# sum_of BITS FILE: prints the file's SHA checksum of 1, 256 or 512 bits.
sum_of() {
  sums_of "$1" "$2" | cut -d ' ' -f 1
}

# verify FILE SUM: whether the file has this checksum, SHA-1, SHA-256 or SHA-512 by its length.
verify() {
  local bits
  case ${#2} in
    40) bits=1 ;;
    64) bits=256 ;;
    128) bits=512 ;;
    *) return 1 ;;
  esac
  [ "$(sum_of "$bits" "$1")" = "$(printf '%s' "$2" | tr 'A-F' 'a-f')" ]
}

# download NAME URL SUM TITLE: prints the path of the file in the shared downloads; it is fetched when it is not there yet.
# NAME is its place below the shared folder, TITLE what people know it as. Returns 1 after saying why not.
download() {
  local file=$SLIPWAY_DOWNLOADS/$1 temporary reason
  if [ -f "$file" ]; then
    echo "$file"
    return
  fi
  mkdir -p "$(dirname "$file")"
  detail "Downloading $4" >&2
  temporary=$(mktemp "$(dirname "$file")/.download.XXXXXX")
  if ! reason=$(fetch "$2" "$temporary"); then
    rm -f "$temporary"
    warn "$4 could not be downloaded: ${reason:-no reason given}" >&2
    return 1
  fi
  if ! verify "$temporary" "$3"; then
    rm -f "$temporary"
    warn "The downloaded $4 is not what it should be (its checksum differs)." >&2
    return 1
  fi
  chmod 644 "$temporary"
  mv -f "$temporary" "$file"
  echo "$file"
}

# newer_than FILE SECONDS: whether the file was written in the last SECONDS.
newer_than() {
  [ -f "$1" ] || return 1
  local written
  written=$(stat -c %Y "$1" 2>/dev/null || stat -f %m "$1")
  [ $(($(date +%s) - written)) -lt "$2" ]
}

# listing NAME URL [SECONDS]: prints the path of a small file that changes with time, such as a list of versions. It is asked for
# again after SECONDS (a day when not given); without a network what was known before counts. Returns 1 when nothing is known;
# the reason is then in LISTING_PROBLEM's file, printed by `listing_problem`.
listing() {
  local file=$SLIPWAY_DOWNLOADS/listings/$1 temporary
  if ! newer_than "$file" "${3:-86400}"; then
    mkdir -p "$(dirname "$file")"
    temporary=$(mktemp "$(dirname "$file")/.listing.XXXXXX")
    if fetch "$2" "$temporary" >"$CACHE_DIR/.listing-problem"; then
      mv -f "$temporary" "$file"
    else
      rm -f "$temporary"
    fi
  fi
  [ -f "$file" ] && echo "$file"
}

# listing_problem: why the last `listing` got no answer.
listing_problem() {
  cat "$CACHE_DIR/.listing-problem" 2>/dev/null
}

# shared_folder NAME FUNCTION ARGUMENT...: prints the path of a folder in the shared downloads. When it is not there, FUNCTION fills a
# temporary one, which it gets as its last argument; it becomes the shared one whole or not at all.
shared_folder() {
  local folder=$SLIPWAY_DOWNLOADS/$1 temporary
  shift
  if [ ! -d "$folder" ]; then
    mkdir -p "$(dirname "$folder")"
    temporary=$(mktemp -d "$(dirname "$folder")/.filling.XXXXXX")
    chmod 755 "$temporary"
    if ! "$@" "$temporary" >&2; then
      rm -rf "$temporary"
      return 1
    fi
    # Another build may have been faster; then its folder stays.
    [ -d "$folder" ] || mv "$temporary" "$folder" 2>/dev/null || [ -d "$folder" ]
    rm -rf "$temporary"
  fi
  echo "$folder"
}
