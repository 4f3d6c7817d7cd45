#!/usr/bin/env bash
# image/emulate.sh DISK [OPTION…]: boots a disk of disk.sh; options go to qemu. Its console is this terminal, and the host's loopback is 10.0.2.2
# there. MACHINE is one of machines/:
#   virt   (without MACHINE) has a processor of the Pi 3's kind and 64 MiB; MEMORY says how many MiB
#   pi     is a Raspberry Pi 3B with the card in its slot, whose firmware's part qemu takes
# KERNEL_OPTIONS says more to the kernel.
set -euo pipefail
machine=${MACHINE:-virt}
parts=${IMAGE:-$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../target/image}/$machine
disk=$1
shift
case $machine in
virt)
    # Where memory is short: no buffers for devices that cannot reach all of it (there are none), nothing put aside for devices that
    # want much in one piece, no pages of 2 MiB. Lockdown keeps even root from changing the kernel, and saves 9 MiB: the kernel makes no files for
    # tracing then. One that panics starts again.
    options="console=ttyAMA0 nanoprobe.disk=/dev/vda quiet panic=10 swiotlb=noforce cma=0 transparent_hugepage=never lockdown=confidentiality"
    hardware=(-M virt -cpu cortex-a53 -m "${MEMORY:-64}M" -serial stdio -no-user-config -nodefaults
        -drive "if=none,id=system,file=$disk,format=raw" -device virtio-blk-pci,drive=system
        -netdev user,id=network -device virtio-net-pci,netdev=network,romfile=)
    ;;
pi)
    # The emulated watchdog bites when it is set.
    options="$(cat "$parts/cmdline.txt") nanoprobe.unwatched"
    hardware=(-M raspi3b -serial null -serial stdio -dtb "$parts/bcm2837-rpi-3-b.dtb" -drive "if=sd,file=$disk,format=raw"
        -netdev user,id=network -device usb-net,netdev=network)
    ;;
esac
exec qemu-system-aarch64 "${hardware[@]}" -display none -monitor none -kernel "$parts/kernel" -initrd "$parts/initramfs" \
    -append "$options ${KERNEL_OPTIONS:-}" "$@"
