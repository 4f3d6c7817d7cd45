#!/usr/bin/env bash
# tests/ci.sh [all|STEP…]: runs the steps in this order and stops at the first that fails.
#   fmt      formatting
#   lint     clippy, every warning an error
#   layers   ARCHITECTURE.md against the workspace: layers, licences, duplicates, words, sizes
#   no_std   a program of the level 0 crates that has neither std nor an allocator
#   unit     unit and property tests of every crate
#   interop  both directions with the real Borg
#   acceptance  Borg's own suite, as far as it passes (tests/acceptance/passing.txt)
#   memory   peak resident memory
#   arm      static binaries for 64-bit ARM and ARMv7; the level 0 crates' tests, and rounds with the real Borg, under emulation
#   image    a bootable image for 64-bit ARM: in an emulated machine of 64 MiB it backs up to the real Borg, also after its plug was pulled,
#            and takes updates, but nothing that is wrong with them
# On request only:
#   targets  binaries for every board in targets/, twice, which must give the same bytes, and a round on each
#   card     a card starts an emulated Raspberry Pi
#   packages  Debian's packages, tarballs and recipes; dpkg and install.sh in systems of their own, other processors under emulation
# Needs Rust (the toolchain in rust-toolchain.toml), make and perl (OpenSSL is built) and, for interop and acceptance, Python 3 with venv and what Borg is built
# with, strace, sshd and chromium: installed with apt-get when run as root on a machine that has it, else named.
# From arm on it wants Debian: compilers, emulators and kernels are its packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

STEPS=(fmt lint layers no_std unit interop acceptance memory arm image)
DONE=()

say() { printf '\n== %s\n' "$*"; }

run() {
    printf '+ %s\n' "$*"
    "$@"
}

missing() {
    say "missing: $*"
    exit 1
}

apt() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        # One list that cannot be had may not matter: the installation tells.
        run env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
        run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        missing "$* (install them, for example: sudo apt-get install $*)"
    fi
}

tools() {
    command -v cargo >/dev/null || export PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || missing "cargo (https://rustup.rs)"
    command -v cc >/dev/null && command -v make >/dev/null || apt build-essential
    perl -MFindBin -MIPC::Cmd -MTime::Piece -e 1 2>/dev/null || apt perl
    # Tests of crates are content with the system's OpenSSL, which saves minutes; the program itself brings its own (release).
    if pkg-config --atleast-version=3.0 openssl 2>/dev/null; then export OPENSSL_NO_VENDOR=1; fi
}

# Headers that Borg is compiled against, by the package that has them.
borg_build_packages() {
    local wanted=()
    command -v pkg-config >/dev/null || wanted+=(pkg-config)
    [ -e /usr/include/sys/acl.h ] || wanted+=(libacl1-dev)
    [ -e /usr/include/openssl/ssl.h ] || wanted+=(libssl-dev)
    [ -e /usr/include/lz4.h ] || wanted+=(liblz4-dev)
    [ -e /usr/include/zstd.h ] || wanted+=(libzstd-dev)
    [ -e /usr/include/xxhash.h ] || wanted+=(libxxhash-dev)
    [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || wanted+=(python3-dev)
    [ ${#wanted[@]} = 0 ] || apt "${wanted[@]}"
}

# Exports the variable named $1 as the path of Borg's version $2, which goes into the directory $3 unless the variable names one.
borg() {
    local variable=$1 version=$2 directory=$3
    if [ -z "${!variable:-}" ]; then
        if [ "$("$directory/bin/borg" --version 2>/dev/null)" != "borg $version" ]; then
            command -v python3 >/dev/null || apt python3
            python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3-venv
            borg_build_packages
            rm -rf "$directory"
            run python3 -m venv "$directory"
            run "$directory/bin/pip" install --quiet --disable-pip-version-check "borgbackup==$version"
        fi
        export "$variable=$PWD/$directory/bin/borg"
    fi
    run "${!variable}" --version
}

borg14() { borg NANOPROBE_BORG 1.4.5 .venv; }
# The generation before, as a client and a server.
borg12() { borg NANOPROBE_BORG12 1.2.9 .venv12; }

release() {
    run env -u OPENSSL_NO_VENDOR cargo build --release --locked -p nanoprobe-cli
    local target
    target=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    export NANOPROBE="$target/release/nanoprobe"
}

tests_of() {
    if cargo nextest --version >/dev/null 2>&1; then
        run cargo nextest run --locked --no-fail-fast "$@"
    else
        run cargo test --locked --no-fail-fast --quiet "$@"
    fi
}

step_fmt() { run cargo fmt --all -- --check; }
step_lint() { run cargo clippy --workspace --all-targets --locked --quiet -- -D warnings; }
step_layers() { tests_of -p nanoprobe-layers; }
step_no_std() { run cargo run --quiet --locked --manifest-path tests/no_std/Cargo.toml --target-dir target/no_std; }
step_unit() {
    tests_of --workspace --exclude nanoprobe-layers --exclude nanoprobe-interop --exclude nanoprobe-memory
}
step_interop() {
    borg14
    borg12
    [ -x /usr/sbin/sshd ] || apt openssh-server openssh-client # a real connection
    command -v strace >/dev/null || apt strace # kills the program at chosen system calls
    [ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] || apt chromium chromium-driver # looks at the status page
    release
    tests_of -p nanoprobe-interop
}
step_acceptance() {
    borg14
    release
    run tests/acceptance/run.sh
}
step_memory() {
    release
    # The larger scenarios take long; without names the program runs them all.
    run cargo run --release --locked -p nanoprobe-memory -- small
}

# Boards with and without what is optional.
step_arm() {
    borg14
    cross_tools
    run targets/build.sh pi5 pi2
    local board
    for board in pi5 pi2 armada370; do
        emulated_tests "$board"
        emulated_round "$board"
    done
    run targets/masked.sh
    run targets/models.py pi5 pi2
}

step_targets() {
    borg14
    cross_tools
    run targets/build.sh
    (cd target/boxes && sha256sum */nanoprobe*) >target/boxes.sha256
    rm -rf target/cross target/compiler/openssl-*
    run targets/build.sh
    (cd target/boxes && run sha256sum --check --quiet ../boxes.sha256)
    local board
    for board in targets/*.toml; do emulated_round "$(basename "$board" .toml)"; done
}

step_image() {
    borg14
    [ -x /usr/sbin/sshd ] || apt openssh-server openssh-client
    image_tools
    command -v minisign >/dev/null || apt minisign
    run image/build.sh virt
    # Side by side: an emulated machine is busy on one core.
    local log=target/image/updates.log updates ended=0
    image/updates.sh >"$log" 2>&1 &
    updates=$!
    run image/rounds.sh || ended=$?
    wait "$updates" || ended=$?
    run cat "$log"
    return "$ended"
}

step_card() {
    image_tools
    run image/build.sh virt pi
    run image/card.sh
}

step_packages() {
    cross_tools
    local wanted=(debootstrap lintian shellcheck mandoc busybox-static systemd) package board boards=()
    for package in "${wanted[@]}"; do [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || { apt "${wanted[@]}" && break; }; done
    for board in pi5 pi2 kirkwood x86-64; do
        [ -e "target/boxes/$(sed -nE 's/^triple = "(.*)"$/\1/p' "targets/$board.toml")/nanoprobe" ] || boards+=("$board")
    done
    [ ${#boards[@]} = 0 ] || run targets/build.sh "${boards[@]}"
    run image/packages/build.sh
    run image/packages/test.sh
}

cross_tools() {
    command -v dpkg-deb >/dev/null && command -v apt-get >/dev/null || missing "apt-get and dpkg-deb"
    command -v python3 >/dev/null || apt python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3-venv
    command -v readelf >/dev/null || apt binutils
    # Lists of packages may be missing on a new machine.
    apt-cache show rustc-web >/dev/null 2>&1 || run apt-get update -qq
}

# What builds and emulates the image, and the binary that is in it.
image_tools() {
    cross_tools
    command -v qemu-system-aarch64 >/dev/null || apt qemu-system-arm
    command -v mke2fs >/dev/null && command -v debugfs >/dev/null || apt e2fsprogs
    command -v cpio >/dev/null || apt cpio
    command -v mcopy >/dev/null && command -v mkfs.vfat >/dev/null || apt mtools dosfstools
    command -v openssl >/dev/null || apt openssl
    [ -e target/boxes/aarch64-unknown-linux-musl/nanoprobe ] || run targets/build.sh pi5
}

# The level 0 crates' tests as that board would run them.
emulated_tests() {
    local programs program
    programs=$(TEST=1 targets/build.sh "$1")
    for program in $programs; do
        # In one process: emulation of a fork is not what is tested.
        run env PROPTEST_CASES=16 RUSTC_BOOTSTRAP=1 targets/emulate.sh "$1" "$program" --quiet -Zunstable-options --force-run-in-process
    done
}

# Whole rounds with the real Borg at the other end, the program running as on that board.
emulated_round() {
    local program=$PWD/target/boxes/$1.sh
    printf '#!/bin/sh\nexec %s/targets/emulate.sh %s nanoprobe "$@"\n' "$PWD" "$1" >"$program"
    chmod +x "$program"
    run "$program" cpu
    NANOPROBE=$program tests_of -p nanoprobe-interop --test processor
}

main() {
    local wanted=("$@")
    [ ${#wanted[@]} != 0 ] || wanted=(all)
    [ "${wanted[*]}" != all ] || wanted=("${STEPS[@]}")
    for step in "${wanted[@]}"; do
        declare -F "step_$step" >/dev/null || missing "a step named $step (there are: ${STEPS[*]})"
    done
    tools
    trap 'say "failed: ${step:-?} (passed before: ${DONE[*]:-nothing})"' EXIT
    for step in "${wanted[@]}"; do
        say "$step"
        local begun=$SECONDS
        "step_$step"
        DONE+=("$step ($((SECONDS - begun)) s)")
    done
    trap - EXIT
    say "passed: ${DONE[*]}"
}

main "$@"
