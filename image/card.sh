#!/usr/bin/env bash
# image/card.sh: whether a card of `image/build.sh pi` starts an emulated Raspberry Pi 3B, finds its disks and its network, takes what its owner has put on
# it (later an address of its own, too), and sets its clock, which knows nothing. Ends with exit code 0 or 1. What is left in target/image/card: the card,
# and the console.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

AREA=$PWD/target/image/card
FATAL='Kernel panic|Out of memory'
PATIENCE=${PATIENCE:-300}
export MACHINE=pi
# shellcheck source=image/machine.sh
source image/machine.sh

rm -rf "$AREA"
(umask 077 && mkdir -p "$AREA/setup" "$AREA/data")
start_time_server
echo cupboard >"$AREA/setup/hostname"
echo "10.0.2.2:$time_port" >"$AREA/setup/time-servers"
SETUP=$AREA/setup image/disk.sh "$AREA/disk" "$AREA/data"
boot first now
await 'setup: hostname'
await 'setup: time-servers'
await 'version .* up after .*, 1970-01-01'
await 'the clock was wrong by'
await 'kept version'
pull_plug
! mdir -b -i "$AREA/disk@@4M" ::setup | grep . || fail "what the owner gave is still on the card"
printf 'address 10.0.2.77/24\r\nrouter 10.0.2.2\r\ndns 10.0.2.3\r\n' >"$AREA/network"
mcopy -i "$AREA/disk@@4M" "$AREA/network" ::setup/
boot again now
await 'setup: network'
await 'has the address 10.0.2.77'
await 'version .* up'
await 'the clock was wrong by'
pull_plug
say "PASSED"
