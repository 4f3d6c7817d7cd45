#!/usr/bin/env bash
# targets/masked.sh: proves that a 64-bit ARM without the optional instructions can run the binary. No processor that qemu knows
# lacks them, so they are masked, and qemu writes down every instruction that is reached: none of them may be there, while
# without the mask they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
cp -r crates/crypto "$work/tree/"
head -c 3000000 /dev/urandom >"$work/tree/noise"

export BORG_BASE_DIR=$work/home BORG_PASSPHRASE=secret BORG_REPO=$work/repository

# Writes every instruction of a repository's life that is optional to standard output.
optional() {
    local mode step
    for mode in repokey repokey-blake2; do
        for step in "init -e $mode" "create -C auto,zstd ::archive $work/tree" "extract --dry-run ::archive" "check --verify-data" cpu; do
            # shellcheck disable=SC2086 # words of a command
            QEMU_OPTIONS="-d in_asm -D $work/log" targets/emulate.sh pi5 nanoprobe $step >/dev/null 2>"$work/messages" ||
                { cat "$work/messages" >&2; exit 1; }
            grep -oE $'[[:space:]](aes(e|d|mc|imc)|sha(1|256|512)[a-z0-9]+|crc32[a-z]+|pmull2?[[:space:]]+v[0-9]+\\.1q)' "$work/log" || true
        done
        rm -rf "$BORG_REPO"
    done
}

optional | tr -d ' \t' | sort | uniq -c >"$work/plain"
export NANOPROBE_CPU_MASK=aes,pmull,sha2,sha512,crc32
optional | tr -d ' \t' | sort | uniq -c >"$work/masked"
echo "without a mask:" && cat "$work/plain"
for expected in aese sha256h crc32; do
    grep -q "$expected" "$work/plain" || { echo "$expected is not reached without a mask: this test proves nothing"; exit 1; }
done
[ ! -s "$work/masked" ] || { echo "reached although masked:" && cat "$work/masked"; exit 1; }
echo "masked: none"
