# shellcheck shell=bash
# Sourced by ../build.sh: a tarball with install.sh, for whatever has no packages of its own.

tarball() {
    local triple=$1 name=nanoprobe-$VERSION-$1 directory file
    directory=$PIECES/tarball/$name
    rm -rf "$PIECES/tarball"
    mkdir -p "$directory"/{services,completions}
    install -m 755 "$BOXES/$triple/nanoprobe" "$directory/nanoprobe"
    (cd "$directory" && sha256sum nanoprobe >nanoprobe.sha256)
    sed -e "s/@VERSION@/$VERSION/" -e "s/@TRIPLE@/$triple/" -e "/@FORGET@/{r $SOURCES/forget.sh" -e 'd}' "$SOURCES/tarball/install.sh" |
        install -m 755 /dev/stdin "$directory/install.sh"
    install -m 644 "$PIECES"/completions/* "$directory/completions/"
    install -m 644 crates/agent/services/* "$SOURCES/nanoprobe.init" "$directory/services/"
    for file in LICENSE-MIT LICENSE-APACHE "$PIECES/nanoprobe.1" "$PIECES/copyright" "$PIECES/config.toml"; do
        install -m 644 "$file" "$directory/"
    done
    archive "$OUT/$name.tar.gz" "$PIECES/tarball" "$name"
    rm -rf "$PIECES/tarball"
}

