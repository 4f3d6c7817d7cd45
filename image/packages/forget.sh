# Removes what `nanoprobe agent` wrote in the directory $1, the configuration $2, and the token beside it. Nothing else: keys and passphrases stay, because
# a backup without them is lost, and so does what somebody put there. Says what stays.
forget() {
    rm -f "$1/lock" "$1/state" "$1"/state.* "$1/configuration.good" "$1"/configuration.good.* "$1/history" "$1"/history.* "$2" "${2%/*}/web-token"
    rm -rf "$1/requests"
    # Where `base` in the configuration is as its comment says: caches, and what is known of repositories.
    rm -rf "$1/borg/.cache" "$1/borg/.config/borg/security"
    rmdir "$1/borg/.config/borg/keys" "$1/borg/.config/borg" "$1/borg/.config" "$1/borg" "$1" "${2%/*}" 2>/dev/null || true
    for kept in "$1" "${2%/*}"; do
        [ -d "$kept" ] || continue
        echo "nanoprobe: these stay. Without keys and passphrases, backups are lost; remove them when no backup needs them:"
        find "$kept" ! -type d -exec echo "   " {} \;
    done
}
