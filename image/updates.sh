#!/usr/bin/env bash
# image/updates.sh: what becomes of updates on an emulated machine with 64 MiB that nobody touches. Ends with exit code 0 or 1. It is switched on
# with a clock that knows nothing, and with what its owner has put on the card; then it meets
#   a new version       which it takes, starts, and keeps
#   damage              to that version on the disk: it starts the old one, and takes the new one again
#   a wrong signature   and a file that was damaged on its way: refused
#   one that panics, and one that hangs   both signed: tried, given up, and not taken again
# What is left in target/image/updates: the console of each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

AREA=$PWD/target/image/updates
FATAL='Out of memory'
PATIENCE=${PATIENCE:-600}
export IMAGE=$AREA/parts
# shellcheck source=image/machine.sh
source image/machine.sh

# The image as VERSION, as build.sh makes it, as AREA/$1.update; where there is a $2, without its init, and with $2 in its place.
make_version() {
    VERSION=$1 MADE=$((1800000000 + ${#made[@]})) UPDATE_KEY=$AREA/key.pub image/build.sh >/dev/null 2>&1 || fail "build.sh"
    made+=("$1")
    if [ $# = 2 ]; then
        printf 'rm /sbin/init\n%s\n' "$2" | debugfs -w -f - "$IMAGE/root" >/dev/null 2>&1
        sed -i "s/^sum .*/sum $(sha256sum <"$IMAGE/root" | cut -c 1-64)/" "$IMAGE/label"
    fi
    image/update.sh "$AREA/key" "$AREA/$1.update"
}

offer() {
    cp "$AREA/$1.update" "$AREA/www/new"
    mv "$AREA/www/new" "$AREA/www/nanoprobe.update"
}

# Another byte at the place $2 of the file $1.
damage() {
    printf '\125' | cmp -s -n 1 -i "0:$2" - "$1" && fail "that byte is that already"
    printf '\125' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

rm -rf "$AREA"
(umask 077 && mkdir -p "$AREA/setup" "$AREA/data")
made=()
minisign -G -W -p "$AREA/key.pub" -s "$AREA/key" >/dev/null
minisign -G -W -p "$AREA/other.pub" -s "$AREA/other" >/dev/null
start_web_server
start_time_server
cp "$AREA/authorities.pem" "$AREA/setup/"
echo box >"$AREA/setup/hostname"
echo "10.0.2.2:$time_port" >"$AREA/setup/time-servers"
printf 'https://10.0.2.2:%s/nanoprobe.update\r\n' "$web_port" >"$AREA/setup/update"
make_version one
SETUP=$AREA/setup image/disk.sh "$AREA/disk" "$AREA/data"
make_version two
image/update.sh "$AREA/other" "$AREA/foreign.update"
make_version three
cp "$AREA/three.update" "$AREA/damaged.update"
damage "$AREA/damaged.update" 1000000
make_version panics ''
printf '#!/bin/busybox sh\n/bin/busybox sleep 86400\n' >"$AREA/hanging-init"
chmod +x "$AREA/hanging-init"
make_version hangs "$(printf 'write %s /sbin/init\nset_inode_field /sbin/init mode 0100755' "$AREA/hanging-init")"

say "a new version"
offer two
boot new 2001-01-01
await 'setup: hostname'
await 'version one up'
await 'the clock was wrong by'
await 'kept version one'
await 'tried at the next start: version two'
await 'version two up'
await 'kept version two'
pull_plug

say "damage"
damage "$AREA/disk" $(((4 + 64 + 64 + 2) << 20))
boot damage now
await 'the root on /dev/vda3 is damaged'
await 'version one up'
await 'tried at the next start: version two'
await 'version two up'
await 'kept version two'
pull_plug

say "a wrong signature"
offer foreign
boot foreign now
await 'version two up'
await 'signature is wrong'
pull_plug
offer damaged
boot damaged now
await 'version two up'
await 'ends early or is damaged'
pull_plug

for version in panics hangs; do
    say "one that $version"
    offer $version
    boot $version now
    await 'version two up'
    await "tried at the next start: version $version"
    [ $version != panics ] || { await 'Kernel panic'; await 'Kernel panic'; }
    await 'version two up'
    await "version $version did not come up"
    pull_plug
done
say "PASSED"
