# shellcheck shell=bash
# Sourced by build.sh, for which it sets KERNEL and PACKAGES: Debian's kernel for virtual machines (the smallest that it has) and busybox, for 64-bit ARM, unpacked into target/image/packages. The
# system's lists of packages and what it has installed are not touched. Needs apt-get and dpkg-deb, and Debian as the system; some 140 MB.

PACKAGES=$PWD/target/image/packages

if [ ! -e "$PACKAGES/done" ]; then
    printf '\n== a kernel\n' >&2
    rm -rf "$PACKAGES"
    mkdir -p "$PACKAGES/apt"/{state/lists,cache/archives}/partial "$PACKAGES/downloads"
    touch "$PACKAGES/apt/installed"
    (
        cd "$PACKAGES/downloads"
        # Where packages come from, and who signs them, is what the system says.
        options=(-o "Dir::State=$PACKAGES/apt/state" -o "Dir::State::status=$PACKAGES/apt/installed" -o "Dir::Cache=$PACKAGES/apt/cache"
            -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=3)
        apt-get -qq "${options[@]}" update
        kernel=$(apt-cache "${options[@]}" depends linux-image-cloud-arm64 | sed -nE 's/^ *Depends: (linux-image-[0-9].*)$/\1/p')
        apt-get -qq "${options[@]}" download "$kernel" busybox-static
        for package in *.deb; do dpkg-deb -x "$package" ..; done
    )
    rm -rf "$PACKAGES/downloads" "$PACKAGES/apt"
    touch "$PACKAGES/done"
fi

KERNEL=$(echo "$PACKAGES"/boot/vmlinuz-*)
