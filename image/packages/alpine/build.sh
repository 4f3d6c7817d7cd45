# shellcheck shell=bash
# Sourced by ../build.sh: the recipe for Alpine, with the sums of the tarballs.

alpine_recipe() {
    local directory=$PIECES/alpine architecture tarball
    mkdir -p "$directory"
    install -m 644 "$SOURCES"/alpine/nanoprobe.* "$directory/"
    for architecture in aarch64:aarch64 armv7:armv7 armhf:armv5te x86_64:x86_64; do
        for tarball in "$OUT/nanoprobe-$VERSION-${architecture#*:}"-*.tar.gz; do
            [ -e "$tarball" ] || continue
            echo "${architecture%:*}) sha512sums=\"$(sha512sum <"$tarball" | cut -d ' ' -f 1)  ${tarball##*/}\" ;;"
        done
    done >"$PIECES/sums"
    sed -e "s/@VERSION@/$VERSION/" -e "/@SUMS@/{r $PIECES/sums" -e 'd}' "$SOURCES/alpine/APKBUILD" >"$directory/APKBUILD"
    archive "$OUT/nanoprobe-$VERSION-alpine.tar.gz" "$PIECES" alpine
}
