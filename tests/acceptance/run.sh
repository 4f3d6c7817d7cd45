#!/usr/bin/env bash
# tests/acceptance/run.sh [all]: Borg's own acceptance suite against nanoprobe.
#
# Borg ships a suite that drives a program called borg.exe like a user does. The cases in passing.txt are run, and
# each of them has to pass; those that the machine cannot run (no immutable files without root, say) are named. Cases in
# failing.txt do not pass, and it says why. Every other case has to be one that the suite itself skips.
# Cases that fail over Borg's own cache alone are run once more without that comparison (without_cache.py).
# With "all", every case is run instead, and has to end as the two files say.
# Then cases with a server between: the suite's own client and borg.exe's server (remote_serve.txt), and borg.exe as the
# client of the real one (remote_client.txt). They are those to which the line makes a difference.
#
# Needs the Python environment that Borg is installed in: .venv, as tests/ci.sh makes it, or the one of the borg that
# NANOPROBE_BORG names. pytest is installed into it. NANOPROBE names the program; without, it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

HERE=$PWD/tests/acceptance
PASSING=$HERE/passing.txt
FAILING=$HERE/failing.txt
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
cases() { sed "s|^|$suite::|"; }
ended() { sed -nE "s/^($1) .*archiver\.py::([^ ]*).*/\2/p" report | LC_ALL=C sort; }
suite() { python -m pytest -p no:cacheprovider -p no:warnings -o addopts= -n "$(nproc)" -q --tb=short "$@"; }
same() {
    diff "$1" "$2" && return
    echo "$3"
    exit 1
}

# What the two files say, taken together.
cut -f 1 "$FAILING" >failing
! grep -nvP '^[^\t]+\t[^\t]+$' "$FAILING" || { echo "failing.txt: a case and, after a tab, why"; exit 1; }
suite -n 0 --collect-only -k "ArchiverTestCaseBinary or binary" "$suite" 2>&1 |
    sed -n "s/^.*archiver\.py:://p" | LC_ALL=C sort >every
for list in "$PASSING" failing; do
    LC_ALL=C sort -u "$list" | same "$list" - "$list: not sorted"
    LC_ALL=C comm -13 every "$list" | same /dev/null - "$list: no such case"
done
LC_ALL=C comm -12 "$PASSING" failing | same /dev/null - "in both files"
LC_ALL=C comm -23 every "$PASSING" | LC_ALL=C comm -23 - failing >rest

if [ "${1:-}" = all ]; then
    suite -rpfE -k "ArchiverTestCaseBinary or binary" "$suite" >report || tail -n 1 report
    ended PASSED | same "$PASSING" - "other cases pass than passing.txt says"
    ended "FAILED|ERROR" | same failing - "other cases fail than failing.txt says"
else
    mapfile -t rest < <(cases <rest)
    # What fails is in the report, told by name below; anything else that goes wrong ends it here.
    suite -rpfE "${rest[@]}" >report || [ $? = 1 ]
    ended "PASSED|FAILED|ERROR" | same /dev/null - "not skipped, and neither in passing.txt nor in failing.txt"
    mapfile -t apart < <(grep without_cache.py "$FAILING" | cut -f 1 | cases)
    PYTHONPATH=$HERE suite -p without_cache "${apart[@]}"
    mapfile -t passing < <(cases <"$PASSING")
    suite -rs "${passing[@]}"
fi

for end in serve client; do
    mapfile -t between < <(sed "s|^|$(dirname "$suite")/|" "$HERE/remote_$end.txt")
    PYTHONPATH=$HERE suite -p "remote_$end" -rs "${between[@]}"
done
