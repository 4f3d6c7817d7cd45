#!/usr/bin/env python3
"""Records what Borg 1.4 prints for small archives, and the data that it printed.

Run it with the Python that has Borg: .venv/bin/python crates/cli/tests/vectors/record.py
It writes vectors.json and items.bin beside itself.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BORG = os.path.join(os.path.dirname(sys.executable), "borg")
ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"

ITEM_FORMATS = [
    None,
    "{path}{NL}",
    "{bpath}{NUL}{type}{TAB}{mode}{SPACE}{uid:5}{gid:<5}|{user!r:>8}|{group:^8}|{LF}",
    "{source:>12}|{linktarget!a}|{extra}|{flags:x}|{health}{NEWLINE}",
    "{size:>8}{csize:8}{num_chunks:03}{dsize:6}{dcsize:6}{unique_chunks:6}{CR}{NL}",
    "{mtime} {ctime} {atime:%Y} {mtime:%H:%M:%S.%f %j} {mtime!s:>30}|{isomtime:<30}|{NL}",
    "{isomtime} {path:.3}|{path:*^30}|{{{archivename}}} {archiveid} {{path}}{NL}",
    "{md5} {sha1} {sha224} {sha256} {sha384} {sha512} {xxh64} {path}{NL}",
    "{blake2b} {blake2s} {sha3_224} {sha3_256} {sha3_384} {sha3_512}{NL}",
]
JSON_LINES_FORMATS = [None, "{xxh64}", "{archivename}{archiveid}", "{isomtime}{num_chunks}"]
ARCHIVE_FORMATS = [
    None,
    "{archive}{NL}",
    "{name:<10}|{barchive}|{id:.8}|{time:%Y-%m-%d}|{start}|{NL}",
    "{comment}|{bcomment}|{hostname}|{username}|{end}|{tam}|{NL}",
    "{command_line}{NL}",
]


def main():
    with tempfile.TemporaryDirectory() as base:
        environment = dict(os.environ, BORG_BASE_DIR=base, TZ=ZONE, BORG_HOSTNAME="box", BORG_USERNAME="nobody",
                           BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes")
        repository = os.path.join(base, "repository")
        tree = os.path.join(base, "tree")

        def borg(*arguments):
            return subprocess.run([BORG, *arguments], env=environment, cwd=tree, check=True, capture_output=True)

        make_tree(tree)
        borg("init", "-e", "none", repository)
        borg("create", "--comment", "it's a \u00fcber comment", "--timestamp", "2018-11-17T08:36:53", repository + "::first", ".")
        with open(os.path.join(tree, "more"), "wb") as file:
            file.write(b"more" * 9)
        os.utime(os.path.join(tree, "more"), ns=(10**18, 10**18))
        borg("create", "-C", "zlib,6", "--timestamp", "2020-07-01T22:00:01", repository + "::sec\u00f6nd", ".")

        def text(*arguments):
            return borg(*arguments).stdout.decode()

        vectors = {"zone": ZONE, "items": [], "item_lines": [], "archives": [], "archive_document": [], "information": {}}
        archive = repository + "::sec\u00f6nd"
        for format in ITEM_FORMATS:
            options = [] if format is None else ["--format", format]
            vectors["items"].append([format, text("list", *options, archive)])
        for format in JSON_LINES_FORMATS:
            options = [] if format is None else ["--format", format]
            vectors["item_lines"].append([format, text("list", "--json-lines", *options, archive)])
        for format in ARCHIVE_FORMATS:
            options = [] if format is None else ["--format", format]
            vectors["archives"].append([format, text("list", *options, repository)])
            vectors["archive_document"].append([format, text("list", "--json", *options, repository)])
        vectors["information"] = {
            "archives": text("info", "--last", "2", repository),
            "archives_iec": text("info", "--last", "2", "--iec", repository),
            "archives_document": text("info", "--last", "2", "--json", repository),
            "repository": text("info", repository),
            "repository_document": text("info", "--json", repository),
        }
        vectors["data"] = json.loads(subprocess.run(
            [sys.executable, __file__, "dump", repository, os.path.join(HERE, "items.bin")],
            env=environment, check=True, stdout=subprocess.PIPE).stdout)
        vectors["contents"] = contents(tree)
        with open(os.path.join(HERE, "vectors.json"), "w") as file:
            text = json.dumps(vectors, indent=1, sort_keys=True) + "\n"
            # Where it was recorded does not matter.
            file.write(text.replace(BORG, "/usr/bin/borg").replace(base, "/base"))


def make_tree(tree):
    os.makedirs(os.path.join(tree, "directory"))
    for name, content in [(b"file", b"content\n"), (b"twin", b"content\n"), (b"empty", b""), ("gr\u00f6\u00dfe".encode(), b"x" * 3000),
                          (b"stray\xff\xe2\x82", b"stray"), (b"directory/brace{}", b"inside")]:
        path = os.path.join(os.fsencode(tree), name)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, ns=(1_500_000_000_123_456_789, 1_500_000_000_987_654_321))
    os.link(os.path.join(tree, "file"), os.path.join(tree, "hard"))
    os.symlink(b"t\xff\xc3\xbc", os.path.join(os.fsencode(tree), b"link"))
    os.mkfifo(os.path.join(tree, "fifo"), 0o600)
    os.chmod(os.path.join(tree, "directory"), 0o7751)
    os.chmod(os.path.join(tree, "empty"), 0o4644)


def contents(tree):
    found = {}
    for directory, _, names in os.walk(os.fsencode(tree)):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, os.fsencode(tree)).hex()] = file.read().hex()
    return found


def dump(repository_path, items_path):
    """Prints what the repository holds, and writes the items of its last archive."""
    from collections import Counter
    from borg.archive import Archive
    from borg.cache import Cache
    from borg.helpers import Manifest, Location, bin_to_hex, get_security_dir
    from borg.helpers import msgpack
    from borg.logger import setup_logging
    from borg.repository import Repository
    setup_logging()
    repository = Repository(repository_path)
    repository._location = Location(repository_path)
    data = {"archives": []}
    with repository:
        manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK)
        with Cache(repository, key, manifest) as cache:
            for name in sorted(manifest.archives, key=lambda name: manifest.archives[name].ts):
                archive = Archive(repository, key, manifest, name, cache=cache)
                stats = archive.calc_stats(cache)
                meta = archive.metadata
                data["archives"].append({
                    "name": name, "id": archive.fpr, "time": meta.time, "time_end": meta.time_end, "comment": meta.comment,
                    "hostname": meta.hostname, "username": meta.username, "cmdline": list(meta.cmdline),
                    "cwd": meta.get("cwd", ""),
                    "metadata_bytes": cache.chunks[archive.id].csize,
                    "stats": [stats.osize, stats.csize, stats.usize, stats.nfiles],
                })
            unique = {}
            with open(items_path, "wb") as file:
                for item in archive.iter_items():
                    file.write(msgpack.packb(item.as_dict()))
                    counts = Counter(chunk.id for chunk in item.get("chunks", []))
                    own = [c for c in item.get("chunks", []) if cache.chunks[c.id].refcount == counts[c.id]]
                    path = item.path.encode("utf-8", "surrogateescape").hex()
                    unique[path] = [len(own), sum(c.size for c in own), sum(c.csize for c in own)]
            data["unique"] = unique
            totals = cache.stats()
            data["totals"] = [totals[name] for name in ("total_size", "total_csize", "unique_size", "unique_csize",
                                                        "total_unique_chunks", "total_chunks")]
            data["cache"] = cache.path
            data["security"] = get_security_dir(repository.id_str)
        data["id"] = bin_to_hex(repository.id)
        data["location"] = repository_path
        data["manifest"] = manifest.timestamp
    print(json.dumps(data))


if __name__ == "__main__":
    if sys.argv[1:2] == ["dump"]:
        dump(*sys.argv[2:])
    else:
        main()
