#!/usr/bin/env bash
# Starts nginx on the dyno's port, with files of its own in a temporary folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/static.XXXXXX")
[[ ${PORT:-} =~ ^[0-9]+$ ]] || {
  echo 'PORT is not set: a web dyno has it.' >&2
  exit 1
}
app=$(cd "$here/../.." && pwd)
sed -e "s|@PORT@|$PORT|g" -e "s|@APP@|$app|g" -e "s|@WORK@|$work|g" -e "s|@STATIC@|$here|g" "$here/nginx.conf" >"$work/nginx.conf"
echo "nginx serves on port $PORT"
exec "$here/nginx" -p "$work" -e stderr -c "$work/nginx.conf" -g 'daemon off;'
