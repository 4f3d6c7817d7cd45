#!/usr/bin/env python3
"""Records the structures of this directory with BorgBackup 1.4's own classes.

Usage: a Python in which BorgBackup 1.4.5 is installed, this file. Nothing random goes in: the files come out the same.
"""

import os
import random
from pathlib import Path

from borg.crypto.key import PlaintextKey
from borg.helpers import Manifest, StableDict, msgpack
from borg.item import ArchiveItem, ChunkListEntry, Item

HERE = Path(__file__).parent
SALT = bytes(range(64))
random.seed(1)


def record(name, data):
    (HERE / name).write_bytes(data)


def chunk(number, size, csize):
    return ChunkListEntry(bytes([number]) * 32, size, csize)


def every_attribute():
    return Item(
        path="home/caf\udce9", source="home/first", mode=0o100640, user="user", group=None, uid=1000, gid=-1,
        rdev=0x801, bsdflags=1, hardlink_master=True, part=2, size=8388613,
        mtime=1777863721123456789, atime=-1, ctime=0, birthtime=2**63 - 1,
        chunks=[chunk(1, 8388608, 300), chunk(2, 5, 48)], chunks_healthy=[chunk(3, 70000, 255), chunk(2, 5, 48)],
        xattrs=StableDict({b"user.b": b"\x00\xff", b"user.a": None, b"security.long": b"x" * 300}),
        acl_access=b"user::rw-\n", acl_default=b"user::rwx\n", acl_extended=b"!#acl 1\n", acl_nfs4=b"everyone@:r::allow\n",
    )


def any_item(number):
    """Every attribute is there or not; numbers of every width."""
    values = {
        "source": "a/" * (number % 40) + "b", "uid": 2 ** (number % 31), "gid": number, "rdev": 2 ** (number % 40),
        "bsdflags": 2 ** (number % 16), "hardlink_master": bool(number % 2), "part": number, "size": 2 ** (number % 50),
        "mtime": (-3) ** (number % 39), "atime": number * 10**16, "ctime": -number, "birthtime": 2**63 - 1 - number,
        "chunks": [chunk(i, 2 ** (i % 32), 2 ** (number % 24)) for i in range(number)], "chunks_healthy": [],
        "xattrs": StableDict({b"user.%d" % i: b"v" * i or None for i in range(number % 20)}),
        "acl_access": b"a" * number, "acl_default": b"", "acl_extended": b"c" * 255, "acl_nfs4": b"d" * 256,
    }
    chosen = {key: value for key, value in values.items() if random.random() < 0.6}
    return Item(path="p" * (number * 7 + 1), mode=0o40755 + number, user="u" * number, group=None, **chosen)


class Repository:
    """Keeps the one object that a manifest's writing puts."""

    def put(self, id, data):
        self.data = data


def manifest():
    key = PlaintextKey(None)
    key.tam_required = True
    result = Manifest(key, Repository(), item_keys=["path", "zebra", "mtime"])
    result.timestamp = "2999-12-31T23:59:59.999998"
    result.config = {
        b"feature_flags": {b"write": {b"mandatory": [b"alpha", b"beta"]}, b"read": {}, b"delete": {b"mandatory": []}},
        b"zeta": 1,
    }
    for number in range(20):
        result.archives["archive-%02d" % (number * 7 % 20)] = (bytes([number]) * 32, "2026-01-%02dT03:02:01.000000" % (number + 1))
    result.archives["caf\udce9"] = (b"\xe9" * 32, "2026-02-01T03:02:01")
    written = []
    pack = key.pack_and_authenticate_metadata
    key.pack_and_authenticate_metadata = lambda structure: written.append(pack(structure, salt=SALT)) or written[0]
    result.write()
    return written[0]


def archive(**others):
    return ArchiveItem(
        version=1, name="caf\udce9", items=[bytes([i]) * 32 for i in range(17)], time="2026-05-04T03:02:01.000042",
        cmdline=["borg", "create", "::name", "/home"], **others,
    )


def signed(structure):
    return PlaintextKey(None).pack_and_authenticate_metadata(structure.as_dict(), context=b"archive", salt=SALT)


record("item_every_attribute.msgpack", msgpack.packb(every_attribute().as_dict()))
record("items.msgpack", b"".join(msgpack.packb(any_item(number).as_dict()) for number in range(32)))
# Times beyond 64 bits, and what Attic once added to every item.
record("item_old.msgpack", msgpack.packb(StableDict({
    **Item(path="old", mode=0o100644, mtime=2**63, ctime=-(2**70), atime=2**100, user=None, group=None)._dict, "acl": None,
})))
record("manifest.msgpack", manifest())
record("manifest_old.msgpack", msgpack.packb(StableDict({
    "version": 1, "archives": {}, "config": {}, "timestamp": "2015-05-04T03:02:01.000000",
})))
record("archive.msgpack", signed(archive(
    comment="", hostname="host", username="user", time_end="2026-05-04T03:02:02.000000", cwd="/",
    chunker_params=("buzhash", 19, 23, 21, 4095), size=2**40, csize=2**32, nfiles=1000, size_parts=0, csize_parts=0, nfiles_parts=0,
)))
record("archive_recreated.msgpack", signed(archive(
    comment="caf\u00e9", hostname="host", username="user", time_end="2026-05-04T03:02:02.000000",
    chunker_params=("fixed", 4194304, 512), recreate_cmdline=["borg", "recreate"],
)))
record("archive_old.msgpack", msgpack.packb(archive(hostname="h", username="u", chunker_params=(19, 23, 21, 4095)).as_dict()))
