#!/usr/bin/env bash
# image/build.sh: the parts of a bootable image for 64-bit ARM, from Debian's kernel and busybox, this folder and our binary.
#
# target/image/ gets
#   kernel      Debian's
#   initramfs   what finds the disk with the root, and is gone then
#   root        the root file system (ext4, read-only): busybox, our binary, and modules for whatever else there is
# disk.sh puts them on a disk, emulate.sh boots one. Our binary is that of targets/build.sh pi5. Nothing needs root, and the same
# packages and binary give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=image/packages.sh
source image/packages.sh

IMAGE=$PWD/target/image
NANOPROBE=$PWD/target/boxes/aarch64-unknown-linux-musl/nanoprobe
# What the root is read from, and what else the emulated machine has. Those that they depend on are found.
FOR_ROOT=(virtio_pci virtio_blk crc32c_generic ext4)
FOR_MACHINE=(virtio_net)
# Of the whole root, what is free included: two of them are on each disk.
ROOT_MIB=32
# Every time in the image, so that it can be made again.
export SOURCE_DATE_EPOCH=1767225600 E2FSPROGS_FAKE_TIME=1767225600

say() { printf '\n== %s\n' "$*" >&2; }

module_file() {
    find "$PACKAGES"/lib/modules/*/kernel -name "${1//_/[-_]}.ko" -o -name "${1//_/[-_]}.ko.xz"
}

# Files of modules, each behind those that it depends on. What has no file is in the kernel.
in_order() {
    local name file
    for name in "$@"; do
        file=$(module_file "$name")
        [ -n "$file" ] || continue
        # shellcheck disable=SC2046 # names are words
        in_order $(plain "$file" | tr '\0' '\n' | sed -n 's/^depends=//p' | tr ',' ' ')
        echo "$file"
    done | awk '!seen[$0]++'
}

plain() { if [[ $1 == *.xz ]]; then xz -dc "$1"; else cat "$1"; fi; }

# Modules of $2… as DIRECTORY/NN-NAME.ko, in the order in which they are to be loaded, without those of the other directories $OTHERS.
modules() {
    local directory=$1 file name number=10
    shift
    mkdir -p "$directory"
    for file in $(in_order "$@"); do
        name=$(basename "${file%.xz}")
        ! compgen -G "${OTHERS:-/nowhere}/*-$name" >/dev/null || continue
        plain "$file" >"$directory/$number-$name"
        number=$((number + 1))
    done
}

make_initramfs() {
    local directory=$IMAGE/initramfs.files
    rm -rf "$directory"
    mkdir -p "$directory"/{bin,dev,proc,sys,root}
    cp "$PACKAGES/bin/busybox" "$directory/bin/"
    cp image/initramfs.sh "$directory/init"
    modules "$directory/modules" "${FOR_ROOT[@]}"
    find "$directory" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$directory" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc --owner 0:0) | xz --check=crc32 --lzma2=preset=9,dict=1MiB >"$IMAGE/initramfs"
}

make_root() {
    local directory=$IMAGE/root.files
    rm -rf "$directory"
    cp -r image/root "$directory"
    mkdir -p "$directory"/{bin,sbin,dev,proc,sys,run,tmp,mnt,data,usr/sbin,usr/bin,var/lib}
    cp "$PACKAGES/bin/busybox" "$directory/bin/"
    ln -s ../bin/busybox "$directory/sbin/init"
    local name
    # What the agent starts: passphrases are read by head, or a command of the owner, and jobs are idle with ionice.
    for name in cat head ionice sh; do ln -s busybox "$directory/bin/$name"; done
    cp "$NANOPROBE" "$directory/usr/bin/"
    # What changes is on the data partition, or in memory.
    ln -s /data/configuration "$directory/etc/nanoprobe"
    ln -s /data/state "$directory/var/lib/nanoprobe"
    ln -s /run/resolv.conf "$directory/etc/resolv.conf"
    ln -s /proc/self/mounts "$directory/etc/mtab"
    OTHERS=$IMAGE/initramfs.files/modules modules "$directory/usr/lib/modules" "${FOR_MACHINE[@]}"
    chmod -R u=rwX,go=rX "$directory"
    find "$directory" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    rm -f "$IMAGE/root"
    truncate -s "${ROOT_MIB}M" "$IMAGE/root"
    # No journal: nobody writes there.
    mke2fs -q -t ext4 -O ^has_journal,^resize_inode -E root_owner=0:0,hash_seed=00000000-0000-4000-8000-000000000000,lazy_itable_init=0 -m 0 \
        -U 00000000-0000-4000-8000-000000000001 -L root -d "$directory" "$IMAGE/root"
    # mke2fs takes over when an inode of the directory was changed.
    (cd "$directory" && find . -printf "set_inode_field /%P ctime @$SOURCE_DATE_EPOCH\nset_inode_field /%P ctime_extra 0\n") |
        debugfs -w -f - "$IMAGE/root" >/dev/null 2>&1
}

[ -x "$NANOPROBE" ] || { say "there is no $NANOPROBE: run targets/build.sh pi5"; exit 1; }
cp "$KERNEL" "$IMAGE/kernel"
make_initramfs
make_root
say "made"
for part in kernel initramfs root; do
    printf '%s  %d KiB  %s\n' "$(sha256sum <"$IMAGE/$part" | cut -c 1-64)" "$(du -k "$IMAGE/$part" | cut -f 1)" "target/image/$part"
done
