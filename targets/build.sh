#!/usr/bin/env bash
# targets/build.sh [BOARD|TRIPLE…]: static binaries for small boxes, of all boards in this folder if none is named.
#
# target/boxes/TRIPLE/ gets nanoprobe, nanoprobe-bench and hot_loops (for instructions.py): musl, stripped, with SSH of our
# own, paths of this machine left out. Two compilers can do it:
#   fetched    Debian's, unpacked into target/compiler without being installed, with the C compiler and linker of Zig
#              from PyPI: for machines where apt-get and pip are all there is. See compiler.sh.
#   rustup's   with cargo-zigbuild, where `rustup target add TRIPLE` has been done.
# COMPILER=fetched or COMPILER=rustup chooses; without, rustup's is taken where it has every wanted triple. Cross.toml says how
# the same is done in containers. TEST=1 builds the tests of the level 0 crates instead, and prints their names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

LIMIT_BYTES=$((6 << 20))
# Nothing unwinds: a panic ends the program.
NO_TABLES="-fno-asynchronous-unwind-tables -fno-unwind-tables"

say() { printf '\n== %s\n' "$*" >&2; }

# The value of a key in a board's file.
value() { sed -nE "s/^$2 = \"?([^\"]*)\"?$/\1/p" "$1"; }

triples() {
    local name file
    [ $# != 0 ] || set -- targets/*.toml
    for name in "$@"; do
        file=$name
        [ -e "$file" ] || file=targets/$name.toml
        if [ -e "$file" ]; then value "$file" triple; else echo "$name"; fi
    done | awk '!seen[$0]++'
}

has_rustup() {
    command -v cargo-zigbuild >/dev/null && command -v rustup >/dev/null || return 1
    local triple
    for triple in "$@"; do rustup target list --installed | grep -qx "$triple" || return 1; done
}

# Sets what the compiler wants: variables, and options of cargo in OPTIONS.
compiler() {
    OPTIONS=()
    if [ "${COMPILER:-}" = fetched ] || { [ -z "${COMPILER:-}" ] && ! has_rustup "$@"; }; then
        # shellcheck source=targets/compiler.sh
        source targets/compiler.sh
    fi
}

# OpenSSL with what SSH needs and nothing else, into $1 for the triple $2.
openssl() {
    local into=$1 triple=$2 source configuration processor
    [ ! -e "$into/done" ] || return 0
    say "OpenSSL for $triple"
    source=$(cargo metadata --format-version 1 --locked --filter-platform "$triple" |
        python3 -c 'import json, sys; print(*(package["manifest_path"] for package in json.load(sys.stdin)["packages"] if package["name"] == "openssl-src"))')
    source=${source%/Cargo.toml}/openssl
    # No name for a processor: its oldest that the triple means, as the compiler of Rust takes it.
    case $triple in
    aarch64-*) configuration=linux-aarch64 processor=(-target aarch64-linux-musl) ;;
    armv7-*) configuration=linux-armv4 processor=(-target arm-linux-musleabihf -mcpu=generic+v7a+vfp3d16-neon) ;;
    arm-*) configuration=linux-armv4 processor=(-target arm-linux-musleabihf -mcpu=arm1176jzf_s) ;;
    armv5te-*) configuration=linux-armv4 processor=(-target arm-linux-musleabi -mcpu=arm926ej_s) ;;
    x86_64-*) configuration=linux-x86_64 processor=(-target x86_64-linux-musl) ;;
    riscv64gc-*) configuration=linux64-riscv64 processor=(-target riscv64-linux-musl) ;;
    *) say "$triple: no file in targets/ has it"; exit 1 ;;
    esac
    rm -rf "$into"
    mkdir -p "$into/build"
    (
        cd "$into/build"
        cp -rs "$source/." .
        # It knows only glibc to have this function, and elsewhere would try each instruction and catch the signal.
        printf '#define OSSL_IMPLEMENT_GETAUXVAL\n#ifndef __ASSEMBLER__\n#include <sys/auxv.h>\n#endif\n' >auxv.h
        # Its scripts ask the compiler for its version, to add kernels for AVX and later, which take more room than all the rest.
        printf '#!/bin/sh\n[ "$*" != -v ] || exit 0\nexec python3 -m ziglang cc %s -include auxv.h "$@"\n' "${processor[*]}" >cc
        chmod +x cc
        # What is not asked for here is not in the binary: of TLS, of certificates, of algorithms that SSH does not know.
        CC=./cc AR="python3 -m ziglang ar" RANLIB="python3 -m ziglang ranlib" \
            perl ./Configure "$configuration" --prefix=/usr --openssldir=/etc/ssl --libdir=lib \
            no-{apps,argon2,aria,async,autoload-config,bf,camellia,cast,cmp,cms,comp,ct,dgram,docs,dso,dtls,ec2m,engine,filenames,gost,http,idea} \
            no-{legacy,lms,md4,mdc2,ml-dsa,ml-kem,module,multiblock,nextprotoneg,ocb,ocsp,padlockeng,psk,quic,rc2,rc4,rc5,rfc3779} \
            no-{scrypt,seed,shared,siphash,siv,slh-dsa,sm2,sm3,sm4,srp,srtp,ssl,ssl-trace,tests,tls,ts,ui-console,whirlpool,zlib} \
            -Os -ffunction-sections -fdata-sections $NO_TABLES -DOPENSSL_SMALL_FOOTPRINT
        make -s -j"$(nproc)" build_libs
        make -s DESTDIR="$into" install_dev
    ) >"$into/log" 2>&1 || { tail -n 30 "$into/log"; exit 1; }
    rm -rf "$into/build"
    touch "$into/done"
}

build() {
    local triple=$1 directory=$PWD/target/boxes/$1 ssl variable flags
    # Made anew, and linked anew, when this file changes.
    ssl=$PWD/target/compiler/openssl-$(sha256sum targets/build.sh | cut -c 1-8)-$triple
    openssl "$ssl" "$triple"
    variable=$(tr 'a-z-' 'A-Z_' <<<"$triple")_OPENSSL
    say "$triple"
    flags="-Cforce-unwind-tables=no --remap-path-prefix=$PWD=/nanoprobe --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo ${COMPILER_FLAGS:-}"
    local environment=(OPENSSL_NO_VENDOR=1 OPENSSL_STATIC=1 "${variable}_DIR=$ssl/usr"
        CARGO_TARGET_DIR="$PWD/target/cross" RUSTFLAGS="$flags" "CFLAGS_${triple//-/_}=$NO_TABLES")
    if [ -n "${TEST:-}" ]; then
        # Of the fetched compiler: nothing unwinds there, so that each test that fails ends its program.
        env "${environment[@]}" cargo zigbuild --tests --locked --target "$triple" "${OPTIONS[@]/std,panic_abort/std,panic_abort,test}" \
            ${COMPILER_FLAGS:+-Z panic-abort-tests --config 'profile.dev.panic="abort"'} \
            -p nanoprobe-{cpu,crypto,chunker,format} --message-format json |
            python3 -c 'import json, sys; print(*filter(None, (json.loads(line).get("executable") for line in sys.stdin)), sep="\n")'
        return
    fi
    mkdir -p "$directory"
    local program
    # Apart, so that neither gets features of libraries that the other asks for.
    for program in nanoprobe nanoprobe-bench hot_loops; do
        env "${environment[@]}" cargo zigbuild --profile small --locked --target "$triple" "${OPTIONS[@]}" \
            -p "$(package "$program")" --bin "$program"
        cp "target/cross/$triple/small/$program" "$directory/"
        inspect "$directory/$program"
    done
}

package() { if [ "$1" = nanoprobe ]; then echo nanoprobe-cli; else echo nanoprobe-bench; fi; }

# Static, and no larger than it may be.
inspect() {
    local bytes
    bytes=$(stat -c %s "$1")
    if readelf -lW "$1" | grep -q INTERP; then say "$1 is not static"; exit 1; fi
    [ "$bytes" -le "$LIMIT_BYTES" ] || { say "$1 has $bytes bytes, more than $LIMIT_BYTES"; exit 1; }
    printf '%s  %d bytes  %s\n' "$(sha256sum <"$1" | cut -c 1-64)" "$bytes" "${1#"$PWD"/}"
}

mapfile -t wanted < <(triples "$@")
compiler "${wanted[@]}"
for triple in "${wanted[@]}"; do build "$triple"; done
