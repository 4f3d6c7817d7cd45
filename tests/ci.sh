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
# Needs Rust (the toolchain in rust-toolchain.toml) and, for interop and acceptance, Python 3 with venv and what Borg is built
# with, strace and sshd: installed with apt-get when run as root on a machine that has it, else named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BORG_VERSION=1.4.5
BORG12_VERSION=1.2.9
STEPS=(fmt lint layers no_std unit interop acceptance memory)
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
        run env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
        run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        missing "$* (install them, for example: sudo apt-get install $*)"
    fi
}

tools() {
    command -v cargo >/dev/null || export PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || missing "cargo (https://rustup.rs)"
    command -v cc >/dev/null || apt build-essential
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

borg() {
    if [ -n "${NANOPROBE_BORG:-}" ]; then
        run "$NANOPROBE_BORG" --version
        return
    fi
    if [ "$(.venv/bin/borg --version 2>/dev/null)" != "borg $BORG_VERSION" ]; then
        command -v python3 >/dev/null || apt python3
        python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3-venv
        borg_build_packages
        rm -rf .venv
        run python3 -m venv .venv
        run .venv/bin/pip install --quiet --disable-pip-version-check "borgbackup==$BORG_VERSION"
    fi
    export NANOPROBE_BORG="$PWD/.venv/bin/borg"
    run "$NANOPROBE_BORG" --version
}

# The generation before, as a client and a server.
borg12() {
    if [ -n "${NANOPROBE_BORG12:-}" ]; then
        run "$NANOPROBE_BORG12" --version
        return
    fi
    if [ "$(.venv12/bin/borg --version 2>/dev/null)" != "borg $BORG12_VERSION" ]; then
        borg_build_packages
        rm -rf .venv12
        run python3 -m venv .venv12
        run .venv12/bin/pip install --quiet --disable-pip-version-check "borgbackup==$BORG12_VERSION"
    fi
    export NANOPROBE_BORG12="$PWD/.venv12/bin/borg"
    run "$NANOPROBE_BORG12" --version
}

release() {
    run cargo build --release --locked -p nanoprobe-cli
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
    borg
    borg12
    [ -x /usr/sbin/sshd ] || apt openssh-server openssh-client # a real connection
    command -v strace >/dev/null || apt strace # kills the program at chosen system calls
    release
    tests_of -p nanoprobe-interop
}
step_acceptance() {
    borg
    release
    run tests/acceptance/run.sh
}
step_memory() {
    release
    # The larger scenarios take long; without names the program runs them all.
    run cargo run --release --locked -p nanoprobe-memory -- small
}

main() {
    local wanted=("$@") step
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
