#!/usr/bin/env bash
# image/packages/build.sh [TRIPLE…]: packages of the binaries of targets/build.sh, of all that are in target/boxes if none is named.
#
# target/packages/ gets
#   nanoprobe_VERSION-1_ARCHITECTURE.deb   for Debian's arm64, armhf, armel and amd64
#   nanoprobe-VERSION-TRIPLE.tar.gz        with install.sh, for everything else; OpenWrt's, Buildroot's and Alpine's recipes take it too
#   nanoprobe-VERSION-TRIPLE.cdx.json      what is in the binary (CycloneDX)
#   nanoprobe-VERSION-alpine.tar.gz        APKBUILD and what it installs
#   SHA256SUMS                             of them all
# Needs dpkg-deb, Python 3 and cargo (which names what is in the binary), and runs one of the binaries: a processor of its own
# kind, or the emulator that targets/build.sh fetched. The same binaries give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

OUT=$PWD/target/packages
PIECES=$OUT/pieces
BOXES=$PWD/target/boxes
SOURCES=$PWD/image/packages
VERSION=$(sed -nE '/^\[workspace.package\]/,/^$/s/^version = "(.*)"$/\1/p' Cargo.toml)
# Every time in the packages.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
export TZ=UTC LC_ALL=C
umask 022

say() { printf '\n== %s\n' "$*" >&2; }

# shellcheck source=image/packages/debian/build.sh
source image/packages/debian/build.sh
# shellcheck source=image/packages/tarball/build.sh
source image/packages/tarball/build.sh
# shellcheck source=image/packages/alpine/build.sh
source image/packages/alpine/build.sh

# How a binary of this triple runs here: alone, or under an emulator.
runner() {
    local name=qemu-arm-static
    "$BOXES/$1/nanoprobe" --version >/dev/null 2>&1 && return 0
    case $1 in aarch64-*) name=qemu-aarch64-static ;; x86_64-*) name=qemu-x86_64-static ;; esac
    command -v "$name" || command -v "target/compiler/root/usr/bin/$name"
}

# What every package has beside the binary: completions, the manual, licences, a configuration to begin with.
make_pieces() {
    local runner triple shell
    for triple in "$@"; do if runner=$(runner "$triple"); then break; fi; done
    [ -n "${runner+set}" ] || { say "none of these runs here: $*"; exit 1; }
    mkdir -p "$PIECES/completions"
    for shell in bash zsh fish; do $runner "$BOXES/$triple/nanoprobe" completions "$shell" >"$PIECES/completions/$shell"; done
    sed "s/@VERSION@/$VERSION/" "$SOURCES/nanoprobe.1" >"$PIECES/nanoprobe.1"
    cp "$SOURCES/copyright" "$PIECES/"
    # What `agent init` would write for these answers.
    sed -e 's|@location@|"/mnt/backup/repository"|' -e 's|@passphrase@|passphrase_file = "/etc/nanoprobe/passphrase"|' \
        -e 's|@sources@|"/home", "/etc"|' -e 's|@schedule@|"daily 02:30"|' -e 's|@ping@|# ping = "https://hc-ping.com/your-uuid"|' \
        crates/agent/src/configuration/sample.toml >"$PIECES/config.toml"
}

# A unit or a script of crates/agent/services for a program that is in the directory $2.
service() { sed "s|/usr\(/local\)\{0,1\}/bin/nanoprobe|$2/nanoprobe|g" "crates/agent/services/$1"; }

# Into the tar archive $1, gzipped, from the directory $2: $3, owned by root, in one order and with one time.
archive() {
    tar -C "$2" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=ustar -cf - "$3" | gzip -9n >"$1"
}

mapfile -t triples < <(if [ $# != 0 ]; then printf '%s\n' "$@"; else cd "$BOXES" && printf '%s\n' */nanoprobe | sed 's|/.*||'; fi)
for triple in "${triples[@]}"; do
    [ -x "$BOXES/$triple/nanoprobe" ] || { say "there is no $BOXES/$triple/nanoprobe: run targets/build.sh $triple"; exit 1; }
done
rm -rf "$OUT"
mkdir -p "$PIECES"
make_pieces "${triples[@]}"
for triple in "${triples[@]}"; do
    say "$triple"
    debian_package "$triple"
    tarball "$triple"
    "$SOURCES/sbom.py" "$triple" "$BOXES/$triple/nanoprobe" >"$OUT/nanoprobe-$VERSION-$triple.cdx.json"
done
alpine_recipe
rm -rf "$PIECES"
cd "$OUT"
sha256sum -- *.* >SHA256SUMS
cat SHA256SUMS
