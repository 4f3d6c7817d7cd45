#!/usr/bin/env bash
# image/emulate.sh DISK [OPTION…]: boots a disk of disk.sh in an emulated machine with a processor of the Pi 3's kind and 64 MiB; options go to
# qemu. Its console is this terminal. MEMORY says how much memory in MiB, KERNEL_OPTIONS more for the kernel. The host's loopback is 10.0.2.2 there.
set -euo pipefail
parts=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../target/image
disk=$1
shift
# Where memory is short: no buffers for devices that cannot reach all of it (there are none), nothing put aside for devices that
# want much in one piece, no pages of 2 MiB. Lockdown keeps even root from changing the kernel, and saves 9 MiB: the kernel makes no files for
# tracing then. One that panics starts again.
options="console=ttyAMA0 root=/dev/vda2 quiet panic=10 swiotlb=noforce cma=0 transparent_hugepage=never lockdown=confidentiality"
exec qemu-system-aarch64 -M virt -cpu cortex-a53 -m "${MEMORY:-64}M" -display none -serial stdio -monitor none -no-user-config -nodefaults \
    -kernel "$parts/kernel" -initrd "$parts/initramfs" -append "$options ${KERNEL_OPTIONS:-}" \
    -drive "if=none,id=system,file=$disk,format=raw" -device virtio-blk-pci,drive=system \
    -netdev user,id=network -device virtio-net-pci,netdev=network,romfile= \
    "$@"
