# shellcheck shell=bash
# Sourced by build.sh: OpenSSL for SSH of our own, and what a triple means to a C compiler.

# What a triple means: CONFIGURATION, as OpenSSL calls it, and what else it is told; PROCESSOR, its oldest, for clang; THUMB, whether its instructions are those.
meaning() {
    THUMB=
    case $1 in
    aarch64-*) CONFIGURATION=(linux-aarch64) PROCESSOR=(-target aarch64-linux-musl) ;;
    # Thumb is smaller. What is older than ARMv7 has only the slow one, of 16 bits.
    armv7-*) CONFIGURATION=(linux-armv4) PROCESSOR=(-target arm-linux-musleabihf -mcpu=generic+v7a+vfp3d16-neon -mthumb) THUMB=-mthumb ;;
    arm-*) CONFIGURATION=(linux-armv4) PROCESSOR=(-target arm-linux-musleabihf -mcpu=arm1176jzf_s) ;;
    # No atomic instruction: OpenSSL takes locks.
    armv5te-*) CONFIGURATION=(linux-armv4) PROCESSOR=(-target arm-linux-musleabi -mcpu=arm926ej_s -DBROKEN_CLANG_ATOMICS) ;;
    x86_64-*) CONFIGURATION=(linux-x86_64) PROCESSOR=(-target x86_64-linux-musl) ;;
    # Its kernels are for instructions that hardly a board has, and one of them does not compile where all is small.
    riscv64gc-*) CONFIGURATION=(linux64-riscv64 no-asm) PROCESSOR=(-target riscv64-linux-musl) ;;
    *) say "$1: no file in targets/ has it"; exit 1 ;;
    esac
}

# OpenSSL with what SSH needs and nothing else, into $1 for the triple $2.
openssl() {
    local into=$1 triple=$2 source zig
    [ ! -e "$into/done" ] || return 0
    say "OpenSSL for $triple"
    source=$(cargo metadata --format-version 1 --locked --filter-platform "$triple" |
        python3 -c 'import json, sys; print(*(package["manifest_path"] for package in json.load(sys.stdin)["packages"] if package["name"] == "openssl-src"))')
    source=${source%/Cargo.toml}/openssl
    zig=$(python3 -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))')
    rm -rf "$into"
    mkdir -p "$into/build"
    (
        cd "$into/build"
        cp -rs "$source/." .
        # It knows only glibc to have this function, and elsewhere would try each instruction and catch the signal.
        printf '#define OSSL_IMPLEMENT_GETAUXVAL\n#ifndef __ASSEMBLER__\n#include <sys/auxv.h>\n#endif\n' >auxv.h
        # Its scripts ask the compiler for its version, to add kernels for AVX and later, which take more room than all the rest.
        # And a table of 148 KiB makes one elliptic curve quicker, of which a connection takes one point or none.
        printf '#!/bin/sh\n[ "$*" != -v ] || exit 0\nexec %s cc %s -include auxv.h "$@" -UECP_NISTZ256_ASM\n' "$zig" "${PROCESSOR[*]}" >cc
        chmod +x cc
        # What is not asked for here is not in the binary: of TLS, of certificates, of algorithms that SSH does not know.
        CC=./cc AR="$zig ar" RANLIB="$zig ranlib" \
            perl ./Configure "${CONFIGURATION[@]}" --prefix=/usr --openssldir=/etc/ssl --libdir=lib \
            no-{apps,argon2,aria,async,autoload-config,bf,camellia,cast,cmp,cms,comp,ct,dgram,docs,dso,dtls,ec2m,engine,filenames,gost,http,idea} \
            no-{legacy,lms,md4,mdc2,ml-dsa,ml-kem,module,multiblock,nextprotoneg,ocb,ocsp,padlockeng,psk,quic,rc2,rc4,rc5,rfc3779} \
            no-{scrypt,seed,shared,siphash,siv,slh-dsa,sm2,sm3,sm4,srp,srtp,ssl,ssl-trace,tests,tls,ts,ui-console,whirlpool,zlib} \
            -Os -ffunction-sections -fdata-sections $C_FLAGS -DOPENSSL_SMALL_FOOTPRINT
        make -s -j"$(nproc)" build_libs
        make -s DESTDIR="$into" install_dev
    ) >"$into/log" 2>&1 || { tail -n 30 "$into/log"; exit 1; }
    rm -rf "$into/build"
    touch "$into/done"
}
