# shellcheck shell=bash disable=SC2034
# qemu's `virt`, with little memory: Debian's kernel for clouds is the smallest that it has. qemu brings it, the disk does not.
KERNEL_PACKAGE=linux-image-cloud-arm64
FIRMWARE_PACKAGE=
MODULES=(virtio_pci virtio_blk crc32c_generic ext4 vfat nls_cp437 nls_ascii softdog virtio_net lzo_rle zram)

boot_files() { :; }
