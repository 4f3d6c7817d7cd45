#!/usr/bin/env bash
# image/build.sh [MACHINE…]: the parts of a bootable image for 64-bit ARM, from Debian's kernel, busybox and curl, this folder and our binary, for
# the machines in machines/ (virt, if none is named).
#
# target/image/, or the directory IMAGE, gets
#   MACHINE/kernel, initramfs   Debian's kernel, and what chooses the root, and is gone then; and what else the board's firmware reads
#   root                        the root file system (ext4, read-only): busybox, curl and our binary. It works with any kernel
#   label                       what the root is, for disks (disk.sh) and updates (update.sh)
# disk.sh puts them on a disk or card, emulate.sh boots one. Our binary is that of targets/build.sh pi5. UPDATE_KEY names the public key (minisign)
# whose owner's updates the image takes; without, it takes none. VERSION and MADE (seconds since 1970) are the crates' version and the last commit's
# time unless they are set. Nothing needs root, and the same packages, binary and settings give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=image/debian.sh
source image/debian.sh

IMAGE=${IMAGE:-$PWD/target/image}
NANOPROBE=$PWD/target/boxes/aarch64-unknown-linux-musl/nanoprobe
VERSION=${VERSION:-$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | head -n 1)}
MADE=${MADE:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
# Every time in the image, so that it can be made again.
export SOURCE_DATE_EPOCH=$MADE E2FSPROGS_FAKE_TIME=$MADE

say() { printf '\n== %s\n' "$*" >&2; }

module_file() {
    find "$MACHINE_PACKAGES"/lib/modules/*/kernel -name "${1//_/[-_]}.ko" -o -name "${1//_/[-_]}.ko.xz" | head -n 1
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

# As DIRECTORY/NNN-NAME.ko, in the order in which they are to be loaded.
modules() {
    local directory=$1 file number=100
    mkdir -p "$directory"
    for file in $(in_order "${MODULES[@]}"); do
        plain "$file" >"$directory/$number-$(basename "${file%.xz}")"
        number=$((number + 1))
    done
}

# The kernel, the initramfs and whatever its firmware wants, for the machine $1.
make_machine() {
    # shellcheck source=image/machines/virt.sh
    source "image/machines/$1.sh"
    machine_packages "$1"
    local boot=$IMAGE/$1
    rm -rf "$boot"
    mkdir -p "$boot"
    cp "$MACHINE_PACKAGES"/boot/vmlinuz-* "$boot/kernel"
    make_initramfs "$boot/initramfs"
    boot_files "$boot"
}

make_initramfs() {
    local directory=$IMAGE/initramfs.files
    rm -rf "$directory"
    mkdir -p "$directory"/{bin,dev,proc,sys,root}
    cp "$ROOT_PACKAGES/bin/busybox" "$directory/bin/"
    cp image/initramfs.sh "$directory/init"
    modules "$directory/modules"
    find "$directory" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$directory" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc --owner 0:0) | xz --check=crc32 --lzma2=preset=9,dict=1MiB >"$1"
}

# For reports and updates by https, into the root $1: curl, the libraries that it names and those that they name, and whom the web trusts.
put_curl() {
    local wanted=(curl) name file
    mkdir -p "$1"/{lib,etc/ssl/certs}
    while [ ${#wanted[@]} != 0 ]; do
        name=${wanted[0]} wanted=("${wanted[@]:1}")
        [ ! -e "$1/lib/$name" ] || continue
        file=$(find "$ROOT_PACKAGES"/{lib,usr/lib,usr/bin} -name "$name" | head -n 1)
        [ -n "$file" ] || { say "no package has $name"; exit 1; }
        if [ "$name" = curl ]; then cp "$file" "$1/usr/bin/"; else cp "$file" "$1/lib/"; fi
        # shellcheck disable=SC2207 # names are words
        wanted+=($(readelf -d "$file" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]$/\1/p'))
    done
    cat "$ROOT_PACKAGES"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
}

make_root() {
    local directory=$IMAGE/root.files
    rm -rf "$directory"
    cp -r image/root "$directory"
    mkdir -p "$directory"/{bin,sbin,dev,proc,sys,run,tmp,mnt,data,usr/sbin,usr/bin,var/lib}
    cp "$ROOT_PACKAGES/bin/busybox" "$directory/bin/"
    ln -s ../bin/busybox "$directory/sbin/init"
    local name
    # What the agent starts: passphrases are read by head, or a command of the owner, and jobs are idle with ionice.
    for name in cat head ionice sh; do ln -s busybox "$directory/bin/$name"; done
    cp "$NANOPROBE" "$directory/usr/bin/"
    put_curl "$directory"
    # What changes is on the data partition, or in memory.
    ln -s /data/configuration "$directory/etc/nanoprobe"
    ln -s /data/state "$directory/var/lib/nanoprobe"
    ln -s /run/resolv.conf "$directory/etc/resolv.conf"
    ln -s /proc/self/mounts "$directory/etc/mtab"
    echo "$VERSION" >"$directory/etc/version"
    [ -z "${UPDATE_KEY:-}" ] || cp "$UPDATE_KEY" "$directory/etc/nanoprobe.pub"
    chmod -R u=rwX,go=rX "$directory"
    find "$directory" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    rm -f "$IMAGE/root"
    # What is in it, and what a file system takes for itself.
    truncate -s "$(($(du -sk --apparent-size "$directory" | cut -f 1) * 21 / 20 + 512))K" "$IMAGE/root"
    # No journal: nobody writes there.
    mke2fs -q -t ext4 -O ^has_journal,^resize_inode -E root_owner=0:0,hash_seed=00000000-0000-4000-8000-000000000000,lazy_itable_init=0 -m 0 \
        -U 00000000-0000-4000-8000-000000000001 -L root -d "$directory" "$IMAGE/root"
    # mke2fs takes over when an inode of the directory was changed, and when a folder was read: touch came before find did.
    local field
    for field in ctime atime; do
        (cd "$directory" && find . -printf "set_inode_field /%P $field @$SOURCE_DATE_EPOCH\nset_inode_field /%P ${field}_extra 0\n")
    done | debugfs -w -f - "$IMAGE/root" >/dev/null 2>&1
    printf 'version %s\nmade %s\nbytes %s\nsum %s\n' "$VERSION" "$MADE" "$(stat -c %s "$IMAGE/root")" "$(sha256sum <"$IMAGE/root" | cut -c 1-64)" >"$IMAGE/label"
}

[ -x "$NANOPROBE" ] || { say "there is no $NANOPROBE: run targets/build.sh pi5"; exit 1; }
mkdir -p "$IMAGE"
root_packages
[ $# != 0 ] || set -- virt
for machine in "$@"; do make_machine "$machine"; done
make_root
say "made"
(cd "$IMAGE" && sha256sum root "${@/%//kernel}" "${@/%//initramfs}" && du -h --apparent-size root "${@/%//kernel}" "${@/%//initramfs}")
