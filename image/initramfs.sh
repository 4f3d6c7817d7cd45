#!/bin/busybox sh
# /init of the initramfs: finds the root and hands over to it. All of this is gone from memory then.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t devtmpfs dev /dev
for module in /modules/*; do $bb insmod "$module"; done

read -r line </proc/cmdline
root=
for word in $line; do
    case $word in root=*) root=${word#root=} ;; esac
done
tries=0
until [ -b "$root" ] || [ "$tries" = 100 ]; do
    $bb usleep 100000
    tries=$((tries + 1))
done
$bb mount -t ext4 -o ro "$root" /root
$bb mount -o move /dev /root/dev
$bb umount /proc
exec $bb switch_root /root /sbin/init
# The kernel panics when this ends, and what starts it next time may take the other root.
