#!/usr/bin/env bash
# image/rounds.sh: an emulated machine with 64 MiB, whose disk is what build.sh made, backs up to the real Borg behind a real sshd on this
# machine's loopback. Ends with what it found, and exit code 0 or 1. Three times it is switched on:
#   first night    22,000 files, the machine being new
#   second night   more files; its plug is pulled in the middle
#   again          nobody helps, and the backup is there
# After each that ended, Borg checks the repository, extracts the archive, and every byte is compared. NANOPROBE_BORG names the real Borg
# (.venv/bin/borg). What is left in target/image/rounds: the console of each boot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BORG=${NANOPROBE_BORG:-$PWD/.venv/bin/borg}
AREA=$PWD/target/image/rounds
FILES=${FILES:-22000}
PATIENCE=${PATIENCE:-900}
# What of the memory has to stay, at the worst moment: with less, programs are read from the disk again and again.
LEAST_AVAILABLE_KIB=2048
export BORG_PASSPHRASE=tangle BORG_BASE_DIR=$AREA/borg

say() { printf '\n== %s\n' "$*"; }

fail() {
    say "FAILED: $*"
    [ -z "${console:-}" ] || tail -n 20 "$console"
    exit 1
}

stop() {
    local process
    for process in ${machine:-} ${server:-}; do kill -9 "$process" 2>/dev/null || true; done
}

# An sshd that lets one key in, for one command.
start_server() {
    local name
    for name in host_key key; do ssh-keygen -q -t ed25519 -N '' -C nanoprobe -f "$AREA/$name"; done
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    echo "command=\"cd $AREA; BORG_BASE_DIR=$AREA/borg $BORG serve --restrict-to-path $AREA/repository\",restrict $(cat "$AREA/key.pub")" >"$AREA/authorized_keys"
    printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $AREA/host_key" "AuthorizedKeysFile $AREA/authorized_keys" 'PidFile none' \
        'UsePAM no' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'StrictModes no' 'PermitRootLogin yes' >"$AREA/sshd_config"
    /usr/sbin/sshd -D -e -f "$AREA/sshd_config" 2>"$AREA/sshd.log" &
    server=$!
}

# What makes the image this owner's box.
make_box() {
    local configuration=$AREA/data/configuration
    mkdir -p "$configuration" "$AREA/data/state"
    chmod 700 "$AREA/data/state" "$configuration"
    cp "$AREA/key" "$configuration/id_ed25519"
    echo "[10.0.2.2]:$port $(cut -d ' ' -f 1,2 "$AREA/host_key.pub")" >"$configuration/known_hosts"
    echo "$BORG_PASSPHRASE" >"$configuration/passphrase"
    echo box >"$configuration/hostname"
    echo '/dev/vdb /mnt/files ext4 ro,nosuid,nodev,noexec 0 0' >"$configuration/fstab"
    cat >"$configuration/config.toml" <<END
[limits]
jitter = "0s"
memory = "31M"
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
compression = "lz4"
END
    chmod 600 "$configuration"/*
    image/disk.sh "$AREA/disk" "$AREA/data"
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

# Switches it on, at the time $2; its console is the file $console.
boot() {
    console=$AREA/$1.console
    : >"$console"
    KERNEL_OPTIONS=nanoprobe.memory image/emulate.sh "$AREA/disk" -rtc "base=$(date -u -d "$2" +%Y-%m-%dT%H:%M:%S)" \
        -drive "if=none,id=files,file=$AREA/files.disk,format=raw,readonly=on" -device virtio-blk-pci,drive=files </dev/null >"$console" 2>&1 &
    machine=$!
    began=$SECONDS
}

pull_plug() {
    kill -9 "$machine"
    wait "$machine" 2>/dev/null || true
    machine=
}

# Until a line of the console says it.
await() {
    until grep -q "$1" "$console"; do
        kill -0 "$machine" 2>/dev/null || fail "the machine stopped"
        ! grep -qE 'Kernel panic|Out of memory|backup files: failed' "$console" || fail "it says $(grep -m 1 -E 'Kernel panic|Out of memory|backup files: failed' "$console")"
        [ $((SECONDS - began)) -lt "$PATIENCE" ] || fail "after $PATIENCE s no \"$1\""
        sleep 1
    done
}

# What the machine said of itself, and what is to be found here.
inspect() {
    local last available archive
    last=$(grep '^memory:' "$console" | tail -n 1 | tr -d '\r')
    say "$1: $(grep -o 'up after [0-9.]* s' "$console"), the backup after $((SECONDS - began)) s; $last"
    available=$(sed -E 's/.*lowest available ([0-9]+).*/\1/' <<<"$last")
    [ "$available" -ge "$LEAST_AVAILABLE_KIB" ] || fail "only $available KiB were available"
    archive=$("$BORG" list --short "$AREA/repository" | tail -n 1)
    [ "$("$BORG" list --short "$AREA/repository" | grep -c '^files\.[^c]*$')" = "$2" ] || fail "$2 archives are expected: $("$BORG" list --short "$AREA/repository")"
    "$BORG" check "$AREA/repository" || fail "Borg does not like the repository"
    rm -rf "$AREA/out"
    mkdir "$AREA/out"
    (cd "$AREA/out" && "$BORG" extract "$AREA/repository::$archive") || fail "Borg does not extract $archive"
    diff -r "$AREA/files/tree" "$AREA/out/mnt/files/tree" || fail "the archive differs from the files"
    echo "$archive: $(find "$AREA/out" -type f | wc -l) files, every byte as it was"
}

[ -x "$BORG" ] || fail "there is no Borg: run tests/ci.sh image"
rm -rf "$AREA"
(umask 077 && mkdir -p "$AREA/files/tree")
chmod 755 "$AREA"
trap stop EXIT
start_server
make_box
"$BORG" init -e repokey-blake2 "$AREA/repository" 2>/dev/null

say "first night"
grow first "$FILES" "${LARGE_MIB:-24}"
make_files_disk
boot first now
await 'backup files: success'
inspect "first night" 1
pull_plug

say "second night"
grow second 4000 32
make_files_disk
before=$(du -sk "$AREA/repository/data" | cut -f 1)
boot second "tomorrow 12:00"
await 'backup files runs'
until [ "$(du -sk "$AREA/repository/data" | cut -f 1)" -gt $((before + (12 << 10))) ]; do
    ! grep -q 'backup files: ' "$console" || fail "it was too fast, or failed, before the plug was pulled"
    [ $((SECONDS - began)) -lt "$PATIENCE" ] || fail "after $PATIENCE s hardly anything was stored"
    sleep 0.2
done
pull_plug
say "the plug was pulled after $((SECONDS - began)) s, with $(($(du -sk "$AREA/repository/data" | cut -f 1) - before)) KiB stored"
boot again "tomorrow 12:30"
await 'backup files: success'
inspect again 2
pull_plug
say "PASSED"
