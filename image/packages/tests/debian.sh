#!/usr/bin/env bash
# image/packages/tests/debian.sh [ARCHITECTURE…]: dpkg itself, in Debian systems of their own, installs, upgrades, removes and purges the packages.
# Needs root, debootstrap and lintian.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# shellcheck source=image/packages/tests/roots.sh
source image/packages/tests/roots.sh

own=$(dpkg --print-architecture)
[ $# != 0 ] || set -- "$own" arm64 armhf armel

# The package $1 as a newer version that has another conffile, at $2.
newer() {
    local tree=$ROOTS/newer
    rm -rf "$tree"
    dpkg-deb -R "$1" "$tree"
    sed -i 's/^Version: .*/&.1/' "$tree/DEBIAN/control"
    echo '# newer' >>"$tree/etc/default/nanoprobe"
    dpkg-deb --root-owner-group -Zgzip --build "$tree" "$2" >/dev/null
    rm -rf "$tree"
}

for architecture in "$@"; do
    packages=("$PACKAGES"/nanoprobe_*_"$architecture.deb")
    say "Debian, $architecture"
    # What is wrong by Debian's rules, but for what lintian-overrides gives reasons for.
    lintian --fail-on error,warning --allow-root "${packages[0]}" || fail "lintian"
    make_root box "$architecture"
    cp "${packages[0]}" "$ROOTS/box/first.deb"
    newer "${packages[0]}" "$ROOTS/box/second.deb"
    cp image/packages/tests/debian-cycle.sh "$ROOTS/box/"
    inside box "$architecture" /bin/sh /debian-cycle.sh || fail "$architecture"
    if [ "$architecture" = "$own" ]; then
        dpkg-deb -x "${packages[0]}" "$ROOTS/box"
        systemd-analyze verify --man=no --root="$ROOTS/box" nanoprobe.service nanoprobe-web.service || fail "the units"
    fi
    rm -rf "$ROOTS/box"
done
