#!/usr/bin/env bash
# Makes the files beside it with minisign: KEY.pub, and NAME.update signed by it or by another key. Their root is 1000 letters.
set -euo pipefail
cd "$(dirname "$0")"
secret=$(mktemp -d)
trap 'rm -rf "$secret"' EXIT
for name in key other; do minisign -G -W -p "$secret/$name.pub" -s "$secret/$name" >/dev/null; done
cp "$secret/key.pub" .
root() { head -c 1000 /dev/zero | tr '\0' r; }
sum=$(root | sha256sum | cut -c 1-64)
# NAME KEY TIME ARCHITECTURE
update() {
    printf 'nanoprobe-update 1\nversion %s\nmade %s\narchitecture %s\nbytes 1000\nsum %s\n\n' "$1" "$3" "$4" "$sum" >"$secret/head"
    minisign -S -H -s "$secret/$2" -m "$secret/head" -x "$secret/signature" -t 'nanoprobe' >/dev/null
    { cat "$secret/head" "$secret/signature"; root; } >"$1.update"
}
for architecture in x86_64 aarch64; do
    update "good-$architecture" key 1800000000 $architecture
    update "old-$architecture" key 1700000000 $architecture
done
update foreign key 1800000000 elsewhere
update strange other 1800000000 x86_64
