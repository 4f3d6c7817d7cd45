#!/usr/bin/env python3
"""Records a conversation of a real Borg client with a real `borg serve`: every byte that went either way.

Usage: record_rpc.py BORG, this directory gets rpc_requests.msgpack and rpc_responses.msgpack. Ids and times in them are of
the moment; the tests look at what does not change. Called by the client in the place of ssh, it stands between the two.
"""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent


def pump(source, sink, record):
    with open(record, "ab") as file:
        while data := os.read(source, 1 << 16):
            file.write(data)
            os.write(sink, data)
    os.close(sink)


def stand_between(borg):
    server = subprocess.Popen([borg, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    requests = threading.Thread(target=pump, args=(0, server.stdin.fileno(), HERE / "rpc_requests.msgpack"), daemon=True)
    requests.start()
    pump(server.stdout.fileno(), 1, HERE / "rpc_responses.msgpack")


def record(borg):
    for name in ["rpc_requests.msgpack", "rpc_responses.msgpack"]:
        (HERE / name).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(
            os.environ, BORG_BASE_DIR=folder, BORG_RSH=f"{sys.executable} {__file__} between {borg}", BORG_PASSPHRASE="x",
            BORG_DISPLAY_PASSPHRASE="no", BORG_DELETE_I_KNOW_WHAT_I_AM_DOING="YES", BORG_SHOW_SYSINFO="no",
            BORG_CHECK_I_KNOW_WHAT_I_AM_DOING="YES",
        )
        url = f"ssh://host{folder}/repo"
        Path(folder, "file").write_text("recorded\n")
        for arguments in [
            ["list", url], ["init", "-e", "repokey", url], ["create", url + "::a", "file"], ["extract", "--dry-run", url + "::a"],
            ["check", "--repair", url], ["delete", url + "::a"], ["compact", "--threshold", "25", "--cleanup-commits", url],
            ["break-lock", url], ["debug", "get-obj", url, "ff" * 32, "out"], ["debug", "dump-repo-objs", url], ["delete", url],
        ]:
            subprocess.run([borg, *arguments], env=environment, cwd=folder, stderr=subprocess.DEVNULL)
    # Traces tell where Borg is installed: no place of this machine, and no other length.
    place = str(Path(borg).absolute().parent.parent).encode()
    responses = HERE / "rpc_responses.msgpack"
    responses.write_bytes(responses.read_bytes().replace(place, b"/" + b"v" * (len(place) - 1)))


if sys.argv[1] == "between":
    stand_between(sys.argv[2])
else:
    record(sys.argv[1])
