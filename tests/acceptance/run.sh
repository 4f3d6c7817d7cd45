#!/usr/bin/env bash
# tests/acceptance/run.sh [all]: Borg's own acceptance suite against nanoprobe.
#
# Borg ships a suite that drives a program called borg.exe like a user does. The cases in passing.txt are run, and
# each of them has to pass; those that the machine cannot run (no immutable files without root, say) are named.
# With "all", every case is run instead, and what differs from passing.txt is printed.
#
# Needs the Python environment that Borg is installed in: .venv, as tests/ci.sh makes it, or the one of the borg that
# NANOPROBE_BORG names. pytest is installed into it. NANOPROBE names the program; without, it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

LIST=$PWD/tests/acceptance/passing.txt
borg=${NANOPROBE_BORG:-$PWD/.venv/bin/borg}
python=$(dirname "$borg")/python
[ -x "$python" ] || { echo "no $python: run tests/ci.sh acceptance, which installs Borg"; exit 1; }
"$python" -c 'import pytest, xdist' 2>/dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check pytest pytest-xdist

if [ -z "${NANOPROBE:-}" ]; then
    cargo build --release --locked -p nanoprobe-cli
    NANOPROBE=$(cargo metadata --format-version 1 --no-deps --locked |
        "$python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/nanoprobe
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/tmp"
ln -s "$(realpath "$NANOPROBE")" "$work/bin/borg.exe"
# Cases call python3 too, and mean the one that has Borg.
PATH=$work/bin:$(realpath "$(dirname "$python")"):$PATH
export PATH HOME=$work TMPDIR=$work/tmp PYTHONDONTWRITEBYTECODE=1
cd "$work"
# Without this program the suite would skip every case.
borg.exe --version

suite=$(python -c 'import importlib.util; print(importlib.util.find_spec("borg.testsuite.archiver").origin)')
suite() { python -m pytest -p no:cacheprovider -p no:warnings -o addopts= -n "$(nproc)" -q --tb=short "$@"; }

if [ "${1:-}" = all ]; then
    suite -rp -k "ArchiverTestCaseBinary or binary" "$suite" >report || tail -n 1 report
    sed -n "s/^PASSED .*archiver\.py:://p" report | LC_ALL=C sort | diff "$LIST" - && echo "passing.txt is complete"
else
    mapfile -t cases < <(sed "s|^|$suite::|" "$LIST")
    suite -rs "${cases[@]}"
fi
