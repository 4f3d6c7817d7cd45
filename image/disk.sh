#!/usr/bin/env bash
# image/disk.sh FILE DATA [MIB]: a disk as an owner's box has it, from what build.sh made.
#
# Four partitions, in a table that every board's firmware reads:
#   1 boot   FAT, for what a board's firmware reads, if MACHINE names one of machines/ (virt: qemu brings it), and for what the owner gives: what is
#            in the directory SETUP, if that is set, becomes its folder setup
#   2 root   read-only, with its label in the last sector
#   3 root   the other one, for the next version; empty until then
#   4 data   what is this box's alone, from the directory DATA: configuration/ (config.toml, keys, passphrases, known_hosts,
#            fstab, hostname), and state/ with all that is remembered, caches included; as large as what is left of MIB (512)
# Nothing needs root.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: image/disk.sh FILE DATA [MIB]" >&2; exit 2; }
disk=$1 data=$2 mib=${3:-512}
parts=${IMAGE:-$(dirname "${BASH_SOURCE[0]}")/../target/image}
BOOT_MIB=64
FIRST_MIB=4
# Of each of the two, and so of the largest version that can ever be taken.
ROOT_MIB=64

# Bytes of a number, little end first.
bytes() {
    local number=$1 count=$2
    for ((; count > 0; count--, number >>= 8)); do printf "\\x$(printf %02x $((number & 255)))"; done
}

# An entry: type, first MiB, MiB. Addresses by cylinder are for machines that are gone.
partition() {
    printf '\0\376\377\377'
    bytes "$1" 1
    printf '\376\377\377'
    bytes $(($2 << 11)) 4
    bytes $(($3 << 11)) 4
}

first=$((FIRST_MIB + BOOT_MIB))
rest=$((first + 2 * ROOT_MIB))
umask 077
rm -f "$disk"
truncate -s "${mib}M" "$disk"
{
    partition $((0x0c)) $FIRST_MIB $BOOT_MIB
    partition $((0x83)) $first "$ROOT_MIB"
    partition $((0x83)) $((first + ROOT_MIB)) "$ROOT_MIB"
    partition $((0x83)) $rest $((mib - rest))
    printf '\125\252'
} | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
boot=$disk.boot
rm -f "$boot"
truncate -s "${BOOT_MIB}M" "$boot"
mkfs.vfat -n NANOPROBE "$boot" >/dev/null
[ "${MACHINE:-virt}" = virt ] || mcopy -i "$boot" "$parts/$MACHINE"/* ::
mmd -i "$boot" ::setup
[ -z "${SETUP:-}" ] || mcopy -i "$boot" "$SETUP"/* ::setup/
dd if="$boot" of="$disk" bs=1M seek=$FIRST_MIB conv=notrunc,sparse status=none
rm "$boot"
dd if="$parts/root" of="$disk" bs=1M seek=$first conv=notrunc,sparse status=none
{
    printf 'nanoprobe-root 1\nserial 1\n'
    cat "$parts/label"
    echo kept
} | dd of="$disk" bs=512 seek=$((((first + ROOT_MIB) << 11) - 1)) conv=notrunc,sync iflag=fullblock status=none
mke2fs -q -t ext4 -E "root_owner=0:0,offset=$((rest << 20))" -m 1 -L data -d "$data" "$disk" $(((mib - rest) << 10))
