#!/usr/bin/env bash
# image/rounds.sh: an emulated machine with 64 MiB, whose disk is what build.sh made, backs up to the real Borg behind a real sshd on this
# machine's loopback. Ends with what it found, and exit code 0 or 1. Three times it is switched on:
#   first night    22,000 files, the machine being new
#   second night   more files; its plug is pulled in the middle
#   again          nobody helps, and the backup is there
# After each that ended, a server of https on this machine has heard of it, Borg checks the repository, extracts the archive, and every byte is
# compared. NANOPROBE_BORG names the real Borg (.venv/bin/borg). What is left in target/image/rounds: the console of each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BORG=${NANOPROBE_BORG:-$PWD/.venv/bin/borg}
AREA=$PWD/target/image/rounds
FATAL='Kernel panic|Out of memory|backup files: failed'
FILES=${FILES:-22000}
# Where memory is too short, programs are given up and read from the disk again and again: 13 and 43 MiB of them were seen, and with a budget of
# 44 MiB 929 after 279 s.
MOST_READ_AGAIN_MIB=256
export BORG_PASSPHRASE=tangle BORG_BASE_DIR=$AREA/borg

# shellcheck source=image/machine.sh
source image/machine.sh

# An sshd that lets one key in, for one command.
start_server() {
    local name
    for name in host_key key; do ssh-keygen -q -t ed25519 -N '' -C nanoprobe -f "$AREA/$name"; done
    port=$(free_port)
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    echo "command=\"cd $AREA; BORG_BASE_DIR=$AREA/borg $BORG serve --restrict-to-path $AREA/repository\",restrict $(cat "$AREA/key.pub")" >"$AREA/authorized_keys"
    printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $AREA/host_key" "AuthorizedKeysFile $AREA/authorized_keys" 'PidFile none' \
        'UsePAM no' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'StrictModes no' 'PermitRootLogin yes' >"$AREA/sshd_config"
    /usr/sbin/sshd -D -e -f "$AREA/sshd_config" 2>"$AREA/sshd.log" &
    PROCESSES+=($!)
}

# What makes the image this owner's box: files that the owner puts on the card, from any computer.
make_box() {
    local setup=$AREA/setup
    mkdir -p "$setup" "$AREA/data"
    cp "$AREA/key" "$setup/id_ed25519"
    echo "[10.0.2.2]:$port $(cut -d ' ' -f 1,2 "$AREA/host_key.pub")" >"$setup/known_hosts"
    echo "$BORG_PASSPHRASE" >"$setup/passphrase"
    echo box >"$setup/hostname"
    echo '/dev/vdb /mnt/files ext4 ro,nosuid,nodev,noexec 0 0' >"$setup/fstab"
    echo "10.0.2.2:$time_port" >"$setup/time-servers"
    cp "$AREA/authorities.pem" "$setup/"
    cat >"$setup/config.toml" <<END
[limits]
jitter = "0s"
[repository.main]
location = "ssh://$(id -un)@10.0.2.2:$port/./repository"
passphrase_file = "/etc/nanoprobe/passphrase"
rsh = "builtin -i /etc/nanoprobe/id_ed25519 -o UserKnownHostsFile=/etc/nanoprobe/known_hosts"
[backup.files]
repository = "main"
sources = ["/mnt/files/tree"]
require_mount = ["/mnt/files"]
schedule = "daily 02:30"
archive = "files.{now}"
ping = "https://10.0.2.2:$web_port/files"
compression = "lz4"
END
    SETUP=$setup image/disk.sh "$AREA/disk" "$AREA/data"
}

# So many small files in directories of a hundred, with content that depends on $1, and one of so many MiB.
grow() {
    python3 - "$AREA/files/tree/$1" "$2" "$3" <<'END'
import pathlib, random, sys
root, count, large = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
source = random.Random(root.name)
words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))) for _ in range(2000)]
for number in range(count):
    folder = root / f"{number // 100:03}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"file-{number}").write_bytes(b"%d " % number + b" ".join(source.choices(words, k=source.randint(1, 250))))
(root / "large").write_bytes(source.randbytes(large << 20))
END
}

make_files_disk() {
    rm -f "$AREA/files.disk"
    truncate -s 768M "$AREA/files.disk"
    mke2fs -q -t ext4 -b 1024 -N 40000 -E root_owner=0:0 -d "$AREA/files" "$AREA/files.disk"
}

with_files() {
    echo $(($(date -u -d "$2" +%s) - $(date +%s))) >"$AREA/ahead"
    KERNEL_OPTIONS=nanoprobe.memory boot "$@" -drive "if=none,id=files,file=$AREA/files.disk,format=raw,readonly=on" \
        -device virtio-blk-pci,drive=files
}

# What the machine said of itself, and what is to be found here.
inspect() {
    local last again archive
    last=$(grep '^memory:' "$console" | tail -n 1 | tr -d '\r')
    say "$1: $(grep -o 'up after [0-9.]* s' "$console"), the backup after $((SECONDS - began)) s; $last"
    again=$(sed -E 's/.*read again ([0-9]+) MiB.*/\1/' <<<"$last")
    [ "$again" -le "$MOST_READ_AGAIN_MIB" ] || fail "memory was so short that $again MiB were read again"
    archive=$("$BORG" list --short "$AREA/repository" | tail -n 1)
    [ "$("$BORG" list --short "$AREA/repository" | grep -c '^files\.[^c]*$')" = "$2" ] || fail "$2 archives are expected: $("$BORG" list --short "$AREA/repository")"
    "$BORG" check "$AREA/repository" || fail "Borg does not like the repository"
    rm -rf "$AREA/out"
    mkdir "$AREA/out"
    (cd "$AREA/out" && "$BORG" extract "$AREA/repository::$archive") || fail "Borg does not extract $archive"
    diff -r "$AREA/files/tree" "$AREA/out/mnt/files/tree" || fail "the archive differs from the files"
    echo "$archive: $(find "$AREA/out" -type f | wc -l) files, every byte as it was"
}

# Whoever watches has heard of so many backups that began, and so many that succeeded.
heard_of() {
    local asked=$SECONDS
    until [ "$(grep -cx /files/start "$AREA/posted")" = "$1" ] && [ "$(grep -cx /files "$AREA/posted")" = "$2" ]; do
        [ $((SECONDS - asked)) -lt 60 ] || fail "reports by https: $(cat "$AREA/posted" "$AREA/web.log")"
        sleep 0.5
    done
}

[ -x "$BORG" ] || fail "there is no Borg: run tests/ci.sh image"
rm -rf "$AREA"
(umask 077 && mkdir -p "$AREA/files/tree")
chmod 755 "$AREA"
start_server
start_web_server
start_time_server
make_box
"$BORG" init -e repokey-blake2 "$AREA/repository" 2>/dev/null

say "first night"
grow first "$FILES" "${LARGE_MIB:-24}"
make_files_disk
with_files first now
await 'backup files: success'
heard_of 1 1
inspect "first night" 1
pull_plug

say "second night"
grow second 4000 16
make_files_disk
before=$(du -sk "$AREA/repository/data" | cut -f 1)
with_files second "tomorrow 12:00"
await 'backup files runs'
until [ "$(du -sk "$AREA/repository/data" | cut -f 1)" -gt $((before + (6 << 10))) ]; do
    ! grep -q 'backup files: ' "$console" || fail "it was too fast, or failed, before the plug was pulled"
    [ $((SECONDS - began)) -lt "$PATIENCE" ] || fail "after $PATIENCE s hardly anything was stored"
    sleep 0.2
done
pull_plug
say "the plug was pulled after $((SECONDS - began)) s, with $(($(du -sk "$AREA/repository/data" | cut -f 1) - before)) KiB stored"
with_files again "tomorrow 12:30"
await 'backup files: success'
heard_of 3 2
inspect again 2
pull_plug
say "PASSED"
