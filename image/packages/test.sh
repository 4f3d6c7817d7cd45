#!/usr/bin/env bash
# image/packages/test.sh [PART…]: tries what build.sh made; without names all of it.
#   same      made again, the same bytes; checksums; shellcheck; the manual names every command
#   sbom      its schema, and cargo
#   recipes   OpenWrt's, Buildroot's and Alpine's, as far as they can be tried without these
#   tarball   install.sh in systems that look like each kind of box
#   debian    dpkg installs, upgrades, removes and purges in Debian systems of each architecture
# Needs root, Debian, and the programs that tests/ci.sh packages installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=image/packages/tests/roots.sh
source image/packages/tests/roots.sh

same() {
    say "the same bytes"
    (cd "$PACKAGES" && sha256sum --check --quiet SHA256SUMS)
    cp "$PACKAGES/SHA256SUMS" "$ROOTS/"
    # Another directory of work, another time.
    image/packages/build.sh >/dev/null
    diff "$ROOTS/SHA256SUMS" "$PACKAGES/SHA256SUMS" || fail "other bytes"
    say "scripts"
    (cd image/packages && shellcheck -S warning -x -P ../.. build.sh test.sh ./*/build.sh tests/*.sh nanoprobe.init openwrt/nanoprobe/files/configuration.sh debian/{postinst,prerm,postrm})
    shellcheck -S warning -s sh image/packages/forget.sh
    tar -xOf "$(printf '%s\n' "$PACKAGES"/*-linux-*.tar.gz | head -n 1)" --wildcards '*/install.sh' | shellcheck -S warning -s sh -
    say "the manual"
    mandoc -Tlint -W warning image/packages/nanoprobe.1
    local architecture command
    architecture=$(uname -m)
    "target/boxes/$architecture-unknown-linux-musl/nanoprobe" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | while read -r command; do
        sed 's/\\-/-/g' image/packages/nanoprobe.1 | grep -qw -e "$command" || fail "nanoprobe.1 does not name $command"
    done
}

sbom() {
    say "what is in it"
    local venv=target/roots/venv
    if [ ! -e "$venv/done" ]; then
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check 'cyclonedx-python-lib[json-validation]==11.12.0'
        touch "$venv/done"
    fi
    "$venv/bin/python" image/packages/tests/sbom.py "$PACKAGES"/*.cdx.json
}

recipes() { image/packages/tests/recipes.sh; }
tarball() { image/packages/tests/tarball.sh; }
debian() { image/packages/tests/debian.sh; }

mkdir -p "$ROOTS"
[ $# != 0 ] || set -- same sbom recipes tarball debian
for part in "$@"; do "$part"; done
say "PASSED: $*"
