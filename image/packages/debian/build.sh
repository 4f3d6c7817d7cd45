# shellcheck shell=bash
# Sourced by ../build.sh: a package for Debian and its relatives, by dpkg-deb alone.

debian_package() {
    local triple=$1 root=$PIECES/debian architecture name
    case $triple in
    aarch64-*) architecture=arm64 ;;
    armv7-*) architecture=armhf ;;
    armv5te-*) architecture=armel ;;
    x86_64-*) architecture=amd64 ;;
    *) return 0 ;;
    esac
    rm -rf "$root"
    install -D -m 755 "$BOXES/$triple/nanoprobe" "$root/usr/bin/nanoprobe"
    for name in "$PWD"/crates/agent/services/*.service; do
        service "${name##*/}" /usr/bin | sed 1d | install -D -m 644 /dev/stdin "$root/lib/systemd/system/${name##*/}"
    done
    install -D -m 755 "$SOURCES/nanoprobe.init" "$root/etc/init.d/nanoprobe"
    install -D -m 644 "$SOURCES/debian/default" "$root/etc/default/nanoprobe"
    install -d -m 700 "$root/etc/nanoprobe" "$root/var/lib/nanoprobe"
    install -D -m 644 "$PIECES/completions/bash" "$root/usr/share/bash-completion/completions/nanoprobe"
    install -D -m 644 "$PIECES/completions/zsh" "$root/usr/share/zsh/vendor-completions/_nanoprobe"
    install -D -m 644 "$PIECES/completions/fish" "$root/usr/share/fish/vendor_completions.d/nanoprobe.fish"
    local documents=$root/usr/share/doc/nanoprobe
    install -D -m 644 "$PIECES/copyright" "$documents/copyright"
    install -D -m 644 "$PIECES/config.toml" "$documents/examples/config.toml"
    install -m 644 "$SOURCES/debian/README.Debian" "$documents/README.Debian"
    fill debian/changelog | gzip -9n | install -m 644 /dev/stdin "$documents/changelog.Debian.gz"
    gzip -9nc "$PIECES/nanoprobe.1" | install -D -m 644 /dev/stdin "$root/usr/share/man/man1/nanoprobe.1.gz"
    fill debian/lintian-overrides | install -D -m 644 /dev/stdin "$root/usr/share/lintian/overrides/nanoprobe"
    mkdir "$root/DEBIAN"
    (cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
    printf '%s\n' /etc/default/nanoprobe /etc/init.d/nanoprobe >"$root/DEBIAN/conffiles"
    for name in postinst prerm postrm; do
        sed -e "/@FORGET@/{r $SOURCES/forget.sh" -e 'd}' "$SOURCES/debian/$name" | install -m 755 /dev/stdin "$root/DEBIAN/$name"
    done
    # As Debian counts: files by their size, everything else as one KiB.
    KIB=$(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' -o -printf '1\n' | awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }') \
        ARCHITECTURE=$architecture fill debian/control >"$root/DEBIAN/control"
    # xz by one thread: the same bytes on every machine.
    dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$OUT/nanoprobe_$VERSION-1_$architecture.deb" >/dev/null
    rm -rf "$root"
}

# A file of ours with its places filled in.
fill() {
    sed -e "s/@VERSION@/$VERSION/" -e "s/@ARCHITECTURE@/${ARCHITECTURE:-}/" -e "s/@KIB@/${KIB:-}/" \
        -e "s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" "$SOURCES/$1"
}
