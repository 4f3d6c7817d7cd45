#!/usr/bin/env bash
# image/update.sh SECRET_KEY [FILE]: the root of build.sh as an update, signed, for boxes that were made with its public key (UPDATE_KEY of
# build.sh); into target/image/nanoprobe.update unless FILE is named. The key is minisign's: minisign -G makes a pair.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: image/update.sh SECRET_KEY [FILE]" >&2; exit 2; }
parts=${IMAGE:-$(dirname "${BASH_SOURCE[0]}")/../target/image}
update=${2:-$parts/nanoprobe.update}
head=$update.head
{
    echo 'nanoprobe-update 1'
    sed '/^bytes /i architecture aarch64' "$parts/label"
    echo
} >"$head"
minisign -S -H -s "$1" -m "$head" -x "$head.signature" -t "nanoprobe $(sed -n 's/^version //p' "$parts/label")"
cat "$head" "$head.signature" "$parts/root" >"$update"
rm "$head" "$head.signature"
