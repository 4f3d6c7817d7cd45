#!/usr/bin/env python3
"""Records small repositories that BorgBackup 1.4 made, object by object, and how it cuts a long item stream.

Usage: a Python in which BorgBackup 1.4.5 is installed, this file. Keys and salts are random: the files differ every time.

MODE.objects  msgpack array: repository id, key as stored in the config, array of [id, stored object]
MODE.stream   ids of the chunks of a long item stream under that key; with a flush in the middle for MODE.flushed
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from borg.archive import ChunkBuffer
from borg.crypto.key import key_factory
from borg.helpers import Location, Manifest, msgpack
from borg.item import ChunkListEntry, Item
from borg.logger import setup_logging
from borg.repository import Repository

HERE = Path(__file__).parent
# Archives remember the command line and the working directory: those of the recording machine are nobody's business.
BORG = "import os, sys; sys.argv[0] = 'borg'; os.getcwd = lambda: '/source'; from borg.archiver import main; main()"
MODES = ["none", "repokey", "repokey-blake2", "authenticated"]


def any_item(number):
    chunks = 30000 if number == 20000 else 1
    return Item(
        path="directory-%03d/file-%05d" % (number // 100, number), mode=0o100644, uid=1000, gid=1000, user="user",
        group=None, mtime=1700000000000000000 + number * 1000003, size=number * chunks,
        chunks=[ChunkListEntry((number + i).to_bytes(4, "little") * 8, number, number // 2 + 40) for i in range(chunks)],
    )


def stream(key, flush_at):
    buffer = ChunkBuffer(key)
    buffer.write_chunk = key.id_hash
    for number in range(60000):
        if number == flush_at:
            buffer.flush(flush=True)
        buffer.add(any_item(number))
    buffer.flush(flush=True)
    return b"".join(buffer.chunks)


def record(mode, base):
    repository = base / mode
    source = base / "source"
    environment = {
        **os.environ, "BORG_BASE_DIR": str(base / "borg"), "BORG_REPO": str(repository), "BORG_PASSPHRASE": "secret",
        "BORG_HOSTNAME": "host", "BORG_USERNAME": "user", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }
    os.environ.update(environment)

    def borg(*arguments):
        subprocess.run([sys.executable, "-c", BORG, *arguments], env=environment, cwd=source, check=True)

    borg("init", "--encryption", mode)
    borg("create", "--comment", "caf\u00e9", "--timestamp", "2026-05-04T03:02:01", "::first", ".")
    borg("create", "--chunker-params", "fixed,4096", "--timestamp", "2026-05-05T03:02:01", "::second", ".")
    borg("rename", "::second", "renamed")
    with Repository(str(repository)) as opened:
        opened._location = Location(str(repository))
        objects = [[id, opened.get(id)] for id in sorted(opened.list())]
        key_blob = opened.load_key() if mode != "none" else b""
        key = key_factory(opened, opened.get(Manifest.MANIFEST_ID))
        (HERE / f"{mode}.stream").write_bytes(stream(key, None))
        (HERE / f"{mode}.flushed").write_bytes(stream(key, 30000))
        (HERE / f"{mode}.objects").write_bytes(msgpack.packb([opened.id, key_blob, objects]))


setup_logging()
with tempfile.TemporaryDirectory() as directory:
    base = Path(directory)
    (base / "source" / "folder").mkdir(parents=True)
    (base / "source" / "hello").write_text("hello\n")
    (base / "source" / "folder" / "empty").write_text("")
    os.link(base / "source" / "hello", base / "source" / "folder" / "link")
    os.symlink("hello", base / "source" / "symlink")
    (base / "source" / os.fsdecode(b"caf\xe9")).write_text("hello\n")
    for mode in MODES:
        record(mode, base)
