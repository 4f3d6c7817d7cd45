# shellcheck shell=bash
# Sourced by the tests: whole Debian systems in target/roots, of this machine's architecture and of others, which an emulator runs.

ROOTS=$PWD/target/roots
# shellcheck disable=SC2034 # read by the tests
PACKAGES=$PWD/target/packages

say() { printf '\n== %s\n' "$*"; }

fail() {
    say "FAILED: $*"
    exit 1
}

# A fresh copy of a Debian system as root $1, of architecture $2. It is fetched once; where from is what this machine's apt says.
make_root() {
    local root=$ROOTS/$1 architecture=$2 release=$ROOTS/debian-$2 mirror codename
    if [ ! -e "$release.done" ]; then
        say "a Debian for $architecture"
        codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
        # shellcheck disable=SC2016 # apt's own variable
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Codename: $codename" | head -n 1)
        rm -rf "$release"
        mkdir -p "$ROOTS"
        local log=$ROOTS/debootstrap.$architecture.log
        if [ "$architecture" = "$(dpkg --print-architecture)" ]; then
            debootstrap --variant=minbase --include=openrc,systemd,procps "$codename" "$release" "$mirror" >"$log" 2>&1
        else
            # Its first stage puts every program in its place, and dpkg needs no more.
            debootstrap --variant=minbase --foreign --arch="$architecture" "$codename" "$release" "$mirror" >"$log" 2>&1
            rm -rf "$release/debootstrap"
            # What the scripts of packages that are only unpacked would have made, or undone.
            rm -rf "${release:?}"/{proc,dev,var/run}
            mkdir -p "$release"/{srv,root,home,proc,dev}
            ln -s /run "$release/var/run"
            echo root:x:0:0:root:/root:/bin/sh >"$release/etc/passwd"
            echo root:x:0: >"$release/etc/group"
        fi || { tail -n 5 "$log"; fail "no Debian for $architecture"; }
        rm -rf "$release/var/cache/apt/archives"/*.deb
        touch "$release.done"
    fi
    rm -rf "$root"
    cp -a --reflink=auto "$release" "$root"
    # Services may be started there.
    printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

# Runs a command in root $1 of architecture $2; whatever it leaves running ends with it, and nothing of this machine is seen.
inside() {
    local root=$ROOTS/$1 architecture=$2 emulator namespaces=(--mount --pid --uts --ipc --net --fork --kill-child)
    shift 2
    [ "$architecture" = "$(dpkg --print-architecture)" ] || namespaces+=(--user --map-root-user)
    emulator=$(emulator "$architecture") || fail "no emulator for $architecture: targets/build.sh fetches it"
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        unshare "${namespaces[@]}" bash "$PWD/image/packages/tests/enter.sh" "$root" "$emulator" "$@"
}

# What runs programs of an architecture here; nothing for this machine's own.
emulator() {
    local name
    case $1 in
    "$(dpkg --print-architecture)") return ;;
    arm64) name=qemu-aarch64-static ;;
    armhf | armel) name=qemu-arm-static ;;
    esac
    command -v "$name" || realpath -e "target/compiler/root/usr/bin/$name"
}
