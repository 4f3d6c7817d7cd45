#!/usr/bin/env bash
# image/packages/tests/tarball.sh [KIND…]: install.sh as root of systems that look like each kind of box, by the shells of Debian and busybox.
#   staged     a wrong architecture; another root (--root), whose unit systemd-analyze verifies
#   openrc     Debian's own OpenRC starts the service
#   sysv, rcs  Debian's directories, and busybox' (rcS)
#   synology, qnap, procd, cron, none   a system with busybox alone, and the files by which these are known; the systems themselves are not to be had
# Needs root, debootstrap and busybox-static.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# shellcheck source=image/packages/tests/roots.sh
source image/packages/tests/roots.sh

own=$(dpkg --print-architecture)
triple=$(uname -m)-unknown-linux-musl
TARBALL=$(echo "$PACKAGES"/nanoprobe-*-"$triple.tar.gz")

# The tarball, twice: the newer one has another program.
unpack() {
    local box=$ROOTS/box
    mkdir -p "$box"/{first,second}
    tar -C "$box/first" --strip-components=1 -xf "$TARBALL"
    tar -C "$box/second" --strip-components=1 -xf "$TARBALL"
    printf 'newer' >>"$box/second/nanoprobe"
    (cd "$box/second" && sha256sum nanoprobe >nanoprobe.sha256)
    cp image/packages/tests/tarball-cycle.sh "$box/"
}

# A system of busybox alone.
busybox_root() {
    local box=$ROOTS/box
    rm -rf "$box"
    mkdir -p "$box"/{bin,dev,proc,etc,root,srv,tmp,usr/bin,usr/sbin,usr/local/bin,var/lib,var/run,run}
    cp "$(command -v busybox)" "$box/bin/busybox"
    "$box/bin/busybox" --install -s "$box/bin"
    find "$box/bin" -type l -exec ln -sf /bin/busybox {} \;
    echo root:x:0:0:root:/root:/bin/sh >"$box/etc/passwd"
}

cycle() {
    say "$*"
    unpack
    inside box "$own" /bin/sh /tarball-cycle.sh "$@" || fail "$*"
    rm -rf "$ROOTS/box"
}

# What needs no service: --help, a wrong architecture, another root.
staged() {
    say "a wrong architecture"
    make_root box "$own"
    unpack
    local box=$ROOTS/box other
    other=$(printf '%s\n' "$PACKAGES"/nanoprobe-*-linux-*.tar.gz | grep -v "$triple" | head -n 1)
    mkdir "$box/other"
    tar -C "$box/other" --strip-components=1 -xf "$other"
    if inside box "$own" sh /other/install.sh >"$ROOTS/said" 2>&1; then fail "a program of another architecture is installed"; fi
    cat "$ROOTS/said"
    grep -q "this is for .*, and does not run on $(uname -m)" "$ROOTS/said" || fail "it does not say why"
    [ -z "$(find "$box/usr/local" -name '*nanoprobe*')" ] || fail "it leaves something"

    say "systemd, in another root"
    sh "$box/first/install.sh" --help | grep -q -e --prefix || fail "no help"
    sh "$box/first/install.sh" --root "$box" --prefix /opt/nanoprobe
    systemd-analyze verify --man=no --root="$box" nanoprobe.service nanoprobe-web.service || fail "the unit"
    grep -q '^ExecStart=/opt/nanoprobe/bin/nanoprobe agent$' "$box/etc/systemd/system/nanoprobe.service" || fail "another path"
    systemctl --root="$box" is-enabled nanoprobe.service || fail "it does not start with the system"
    sh "$box/opt/nanoprobe/share/nanoprobe/install.sh" --root "$box" uninstall
    [ -z "$(find "$box/opt" "$box/etc/systemd" -name '*nanoprobe*')" ] || fail "something is left"
}

openrc() {
    make_root box "$own"
    # A system that has started, as far as OpenRC can tell.
    mkdir -p "$ROOTS/box/run/openrc"
    touch "$ROOTS/box/run/openrc/softlevel"
    cycle openrc sh
}

sysv() {
    make_root box "$own"
    rm -rf "$ROOTS/box"/{usr,}/sbin/openrc-run
    cycle sysv dash
}

# busybox' init, as Buildroot has it: rcS starts what is called S and a number.
rcs() {
    busybox_root
    mkdir -p "$ROOTS/box/etc/init.d"
    touch "$ROOTS/box/etc/init.d/S01syslogd"
    cycle sysv "busybox sh"
}

synology() {
    busybox_root
    touch "$ROOTS/box/etc/synoinfo.conf"
    cycle synology "busybox sh"
}

qnap() {
    busybox_root
    mkdir -p "$ROOTS/box"/{etc/config,share/CACHEDEV1_DATA/.qpkg/other}
    printf '%s\n' '[other]' 'Name = other' 'Install_Path = /share/CACHEDEV1_DATA/.qpkg/other' 'Enable = TRUE' >"$ROOTS/box/etc/config/qpkg.conf"
    cycle qnap "busybox sh"
}

procd() {
    busybox_root
    mkdir -p "$ROOTS/box"/etc/{init.d,rc.d}
    echo "DISTRIB_ID='OpenWrt'" >"$ROOTS/box/etc/openwrt_release"
    # Its interpreter of scripts, to whom nothing runs.
    printf '#!/bin/sh\n[ "$2" != running ]\n' >"$ROOTS/box/etc/rc.common"
    chmod 755 "$ROOTS/box/etc/rc.common"
    cycle procd "busybox sh"
}

cron() {
    busybox_root
    mkdir -p "$ROOTS/box/etc/crontabs"
    echo '0 0 * * * other' >"$ROOTS/box/etc/crontabs/root"
    cycle cron "busybox sh"
}

none() {
    busybox_root
    cycle none "busybox sh"
}

[ $# != 0 ] || set -- staged openrc sysv rcs synology qnap procd cron none
for kind in "$@"; do $kind; done
