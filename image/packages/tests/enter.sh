#!/usr/bin/env bash
# tests/enter.sh ROOT EMULATOR COMMAND…: started by roots.sh in namespaces of its own. The kernel is told of the emulator there, and nowhere else
# (Linux 6.7 and newer keep that apart for each user namespace).
set -euo pipefail
root=$1 emulator=$2
shift 2
if [ -n "$emulator" ]; then
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
    # The first 20 bytes of a program: ELF, its class, little-endian, and the number of its processor.
    case $emulator in
    *aarch64*) class='\x02' processor='\xb7' ;;
    *arm*) class='\x01' processor='\x28' ;;
    esac
    printf '%s' ":boxes:M::\\x7fELF$class\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00$processor\\x00:" \
        '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:' "$emulator:F" >/proc/sys/fs/binfmt_misc/register
fi
mount -t proc proc "$root/proc"
for device in null zero random urandom; do
    [ -e "$root/dev/$device" ] || touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
exec chroot "$root" "$@"
