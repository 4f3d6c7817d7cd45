#!/usr/bin/env bash
# targets/build.sh [BOARD|TRIPLE…]: static binaries for small boxes, of all boards in this folder if none is named.
#
# target/boxes/TRIPLE/ gets nanoprobe, nanoprobe-bench and hot_loops (for models.py): musl, stripped, with SSH of our
# own, paths of this machine left out. Two compilers can do it:
#   fetched    Debian's, unpacked into target/compiler without being installed, with the C compiler and linker of Zig
#              from PyPI: for machines where apt-get and pip are all there is. See compiler.sh.
#   rustup's   with cargo-zigbuild, where `rustup target add TRIPLE` has been done.
# COMPILER=fetched or COMPILER=rustup chooses; without, rustup's is taken where it has every wanted triple. Cross.toml says how
# the same is done in containers. TEST=1 builds the tests of the level 0 crates instead, and prints their names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=targets/openssl.sh
source targets/openssl.sh

LIMIT_BYTES=$((6 << 20))
REGISTRY=${CARGO_HOME:-$HOME/.cargo}
# Nothing unwinds: a panic ends the program. Paths of this machine are left out.
C_FLAGS="-fno-asynchronous-unwind-tables -fno-unwind-tables -ffile-prefix-map=$PWD=/nanoprobe -ffile-prefix-map=$REGISTRY=/cargo"
RUST_FLAGS="-Cforce-unwind-tables=no --remap-path-prefix=$PWD=/nanoprobe --remap-path-prefix=$REGISTRY=/cargo"

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
    [ -n "${COMPILER:-}" ] || if has_rustup "$@"; then COMPILER=rustup; else COMPILER=fetched; fi
    export COMPILER
    # shellcheck source=targets/compiler.sh
    if [ "$COMPILER" = fetched ]; then source targets/compiler.sh; fi
}

build() {
    local triple=$1 directory=$PWD/target/boxes/$1 ssl variable
    # Made anew, and linked anew, when its recipe changes.
    ssl=$PWD/target/compiler/openssl-$(sha256sum targets/openssl.sh | cut -c 1-8)-$triple
    meaning "$triple"
    openssl "$ssl" "$triple"
    variable=$(tr 'a-z-' 'A-Z_' <<<"$triple")_OPENSSL
    say "$triple"
    local environment=(OPENSSL_NO_VENDOR=1 OPENSSL_STATIC=1 "${variable}_DIR=$ssl/usr" CARGO_TARGET_DIR="$PWD/target/cross/$triple"
        RUSTFLAGS="$RUST_FLAGS ${COMPILER_FLAGS:-} ${THUMB:+-Ctarget-feature=+thumb-mode}" "CFLAGS_${triple//-/_}=$C_FLAGS $THUMB")
    if [ -n "${TEST:-}" ]; then
        # Of the fetched compiler: nothing unwinds there, so that each test that fails ends its program.
        env "${environment[@]}" cargo zigbuild --tests --locked --target "$triple" "${OPTIONS[@]/std,panic_abort/std,panic_abort,test}" \
            ${COMPILER_FLAGS:+-Z panic-abort-tests --config 'profile.dev.panic="abort"'} \
            --package=nanoprobe-{cpu,crypto,chunker,format} --message-format json |
            python3 -c 'import json, sys; print(*filter(None, (json.loads(line).get("executable") for line in sys.stdin)), sep="\n")'
        return
    fi
    mkdir -p "$directory"
    local program
    # Apart, so that neither gets features of libraries that the other asks for.
    for program in nanoprobe nanoprobe-bench hot_loops; do
        env "${environment[@]}" cargo zigbuild --profile small --locked --target "$triple" "${OPTIONS[@]}" \
            -p "$(package "$program")" --bin "$program"
        cp "target/cross/$triple/$triple/small/$program" "$directory/"
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
if [ ${#wanted[@]} = 1 ]; then
    build "${wanted[0]}"
else
    # As many at once as there are cores, each in a process of its own: the longest part of a build is one thread's work.
    printf '%s\n' "${wanted[@]}" | xargs -n 1 -P "$(nproc)" targets/build.sh
fi
