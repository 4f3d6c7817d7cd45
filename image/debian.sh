# shellcheck shell=bash
# Sourced by build.sh: Debian's packages for 64-bit ARM, unpacked without being installed. The system's lists of packages and what it has
# installed are not touched. Needs apt-get and dpkg-deb, and Debian as the system.

# The kernel and the firmware of the machine $1, whose file of machines/ was sourced: sets MACHINE_PACKAGES, where they are.
machine_packages() {
    MACHINE_PACKAGES=$PWD/target/image/packages/$1
    unpack "$MACHINE_PACKAGES" name_machine "$FIRMWARE_PACKAGE"
}

name_machine() {
    echo "$FIRMWARE_PACKAGE"
    apt-cache "${options[@]}" depends "$KERNEL_PACKAGE" | sed -nE 's/^ *Depends: (linux-image-[0-9].*)$/\1/p'
}

# The programs of the root: sets ROOT_PACKAGES, where they are.
root_packages() {
    ROOT_PACKAGES=$PWD/target/image/packages/root
    unpack "$ROOT_PACKAGES" name_root ''
}

# With what they need.
name_root() {
    apt-get "${options[@]}" --simulate --no-install-recommends install busybox-static curl ca-certificates | sed -nE 's/^Inst ([^ ]+) .*/\1/p'
}

# Into the directory $1 what the function $2 names; from the component for firmware, too, if $3 is not empty.
unpack() {
    local directory=$1 options
    [ ! -e "$directory/done" ] || return 0
    say "packages for $(basename "$directory")"
    rm -rf "$directory"
    mkdir -p "$directory/apt"/{state/lists,cache/archives}/partial "$directory/downloads"
    touch "$directory/apt/installed"
    # Where packages come from, and who signs them, is what the system says.
    options=(-o "Dir::State=$directory/apt/state" -o "Dir::State::status=$directory/apt/installed" -o "Dir::Cache=$directory/apt/cache"
        -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=3)
    if [ -n "$3" ]; then
        # Firmware that is free to pass on but comes without sources has a component of its own.
        apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | sort | head -n 1 |
            sed 's|.*|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] & non-free-firmware|' >"$directory/apt/firmware.list"
        options+=(-o "Dir::Etc::sourcelist=$directory/apt/firmware.list")
    fi
    (
        cd "$directory/downloads"
        apt-get -qq "${options[@]}" update
        names=$("$2")
        # shellcheck disable=SC2086 # names are words
        apt-get -qq "${options[@]}" download $names
        for package in *.deb; do dpkg-deb -x "$package" ..; done
    )
    rm -rf "$directory/downloads" "$directory/apt"
    touch "$directory/done"
}
