#!/usr/bin/env bash
# targets/emulate.sh BOARD PROGRAM [ARGUMENT…]: runs a static binary with what the processor of that board has, by qemu's emulation
# of one program: nanoprobe, nanoprobe-bench or hot_loops as targets/build.sh made it, or a path. QEMU_OPTIONS are handed on to qemu.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
board=$here/$1.toml
program=$2
shift 2

value() { sed -nE "s/^$1 = \"?([^\"]*)\"?$/\1/p" "$board"; }

triple=$(value triple)
[[ $program == */* ]] || program=$here/../target/boxes/$triple/$program
case $triple in
aarch64-*) architecture=aarch64 ;;
arm*) architecture=arm ;;
riscv64*) architecture=riscv64 ;;
*) architecture=x86_64 ;;
esac
qemu=$here/../target/compiler/root/usr/bin/qemu-$architecture-static
[ -x "$qemu" ] || qemu=$(command -v "qemu-$architecture-static" || command -v "qemu-$architecture")
# shellcheck disable=SC2086 # options are words
exec "$qemu" -cpu "$(value processor)" ${QEMU_OPTIONS:-} "$program" "$@"
