#!/bin/busybox sh
# /init of the initramfs: loads what the kernel needs for this machine, chooses one of the two roots, and hands over to it. Of two it is the
# newer one that has come up before, or has a try left, and whose bytes have the sum that its label says. The label is the last sector of the
# partition; crates/agent/src/update/label.rs says what is in it.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t devtmpfs dev /dev
for module in /modules/*; do $bb insmod "$module"; done

# Sets serial, bytes, sum and tries (a number, or kept) for the partition $1.
read_label() {
    serial='' bytes='' sum='' tries=''
    $bb dd if="$1" bs=512 skip="$(last_sector "$1")" count=1 2>/dev/null | $bb tr -d '\0' >/label
    read -r name </label
    [ "$name" = "nanoprobe-root 1" ] || return 1
    while read -r name value; do
        case $name in
        serial) serial=$value ;;
        bytes) bytes=$value ;;
        sum) sum=$value ;;
        tries) tries=$value ;;
        kept) tries=kept ;;
        esac
    done </label
    case $serial$bytes in *[!0-9]*) return 1 ;; esac
    [ -n "$serial" ] && [ -n "$bytes" ] && [ -n "$sum" ] && [ -n "$tries" ]
}

last_sector() { echo $(($($bb blockdev --getsz "$1") - 1)); }

# What is left of the tries, before this one begins.
use_try() {
    $bb sed "s/^tries .*/tries $((tries - 1))/" /label >/label.new
    $bb dd if=/label.new of="$1" bs=512 seek="$(last_sector "$1")" conv=sync,notrunc,fsync 2>/dev/null
}

# Sets best: the newest that may be tried, and was not in vain just now.
choose() {
    best='' best_serial=-1
    for partition in "${disk}2" "${disk}3"; do
        case $spent in *" $partition "*) continue ;; esac
        read_label "$partition" && [ "$tries" != 0 ] && [ "$serial" -gt "$best_serial" ] || continue
        best=$partition best_serial=$serial
    done
    [ -n "$best" ]
}

read -r line </proc/cmdline
disks='' watched=yes
for word in $line; do
    case $word in
    nanoprobe.disk=*) disks=${word#nanoprobe.disk=} ;;
    # An emulator may take a watchdog that is set for one that has run out.
    nanoprobe.unwatched) watched='' ;;
    esac
done
# Whoever does not come up far enough to say that it lives is cut off after a minute: what sets it so is killed, and cannot call it off.
if [ -n "$watched" ] && [ -c /dev/watchdog ]; then
    $bb watchdog -F -T 60 -t 60 /dev/watchdog &
    $bb usleep 200000
    kill -9 $!
fi
# The first of those that the kernel was told of, when it is there.
disk='' waited=0
until [ -n "$disk" ] || [ "$waited" = 100 ]; do
    for name in $(echo "$disks" | $bb tr ',' ' '); do
        # Partitions of a disk whose name ends in a digit have a p before their own.
        case $name in *[0-9]) partitions=${name}p ;; *) partitions=$name ;; esac
        if [ -z "$disk" ] && [ -b "${partitions}3" ]; then disk=$partitions; fi
    done
    [ -n "$disk" ] || $bb usleep 100000
    waited=$((waited + 1))
done

spent=' '
while choose; do
    read_label "$best"
    [ "$tries" = kept ] || use_try "$best"
    if [ "$($bb head -c "$bytes" "$best" | $bb sha256sum)" = "$sum  -" ]; then
        $bb mount -t ext4 -o ro "$best" /root
        $bb mount -o move /dev /root/dev
        $bb umount /proc
        exec $bb switch_root /root /sbin/init
    fi
    echo "nanoprobe: the root on $best is damaged"
    spent="$spent$best "
done
echo "nanoprobe: there is no root that can be started ($disks)"
# The kernel panics when this ends, and starts again.
