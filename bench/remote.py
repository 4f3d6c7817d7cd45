#!/usr/bin/env python3
"""What a repository elsewhere costs, on this machine, in one run: distance, rate limits, transports, and the memory of `serve`.

    bench/remote.py --borg .venv/bin/borg                            # everything
    bench/remote.py --borg .venv/bin/borg --only distance --delay 50

distance: nanoprobe and Borg as clients of Borg's server over a line that delays each way by --delay milliseconds; wall seconds /
CPU seconds / peak resident MiB of client, line and server together, and the ratio of our wall time to Borg's.
rates: what goes over the line under --upload-ratelimit, as a whole and in the fastest two seconds.
memory: peak resident MiB of our server while Borg's client works on a repository of --chunks small chunks, and of a server that
has nothing to do.
transports: nanoprobe over `ssh` and over SSH of its own, through an sshd of this script's on loopback; wall seconds / CPU seconds /
peak MiB of the client (and its ssh), and the ratio of SSH of its own to `ssh`. Needs openssh's sshd.
Else Python 3 is enough: the line is this script, in the place of ssh.
"""

import argparse
import collections
import getpass
import os
import queue
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from peers import ROOT, Borg, compare, make, measure, media, small_files

CHUNK_BYTES = 512
LIMIT_KIB = 2000
LIMITED_MIB = 48
# Nobody is asked whether a repository may be reached in two ways, and without encryption.
FREELY = ("BORG_RELOCATED_REPO_ACCESS_IS_OK", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK")


class Far(Borg):
    """Whose repository is at the other end of a line."""

    def __init__(self, name, program, server, work, **line):
        super().__init__(name, program, work)
        repository = self.environment["BORG_REPO"]
        self.environment |= {
            "BORG_REPO": f"ssh://host{repository}",
            "BORG_RSH": f"{sys.executable} {os.path.abspath(__file__)}",
            "BORG_REMOTE_PATH": server,
            **dict.fromkeys(FREELY, "yes"),
            "NANOPROBE_LINE": "1",
            **{f"LINE_{name.upper()}": str(value) for name, value in line.items()},
        }


def line(command):
    """Stands in for ssh: runs the server here, delays what goes both ways, and notes what it was told to note."""
    delay = float(os.environ.get("LINE_DELAY", 0)) / 1000
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    sent = []
    ways = [
        threading.Thread(target=forward, args=(0, server.stdin.fileno(), delay, sent), daemon=True),
        threading.Thread(target=forward, args=(server.stdout.fileno(), 1, delay, None)),
    ]
    for way in ways:
        way.start()
    # What wait4 tells of a child's peak counts from its parent's.
    peak = 0
    while ways[1].is_alive():
        peak = memory_of(server.pid, "VmHWM") or peak
        ways[1].join(0.02)
    status = server.wait()
    note("LINE_MEMORY", f"{peak}\n")
    note("LINE_RATES", "".join(f"{moment} {length}\n" for moment, length in sent))
    os._exit(status)


def memory_of(process, which):
    """MiB; nothing of a process that has ended."""
    with open(f"/proc/{process}/status") as status:
        return next((int(text.split()[1]) / 1024 for text in status if text.startswith(which)), 0)


def note(variable, text):
    if variable in os.environ:
        with open(os.environ[variable], "a") as file:
            file.write(text)


def forward(source, target, delay, log):
    """One way: every piece arrives when its delay is over, whatever else is on its way."""
    under_way = queue.Queue(1024)

    def read():
        while piece := os.read(source, 1 << 16):
            under_way.put((time.monotonic() + delay, piece))
        under_way.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        while (next_piece := under_way.get()) is not None:
            due, piece = next_piece
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            if log is not None:
                log.append((time.monotonic(), len(piece)))
            while piece:
                piece = piece[os.write(target, piece) :]
    except OSError:
        pass  # nobody reads any more
    os.close(target)


def distance(arguments, programs, work):
    print(f"{arguments.delay} ms each way, {2 * arguments.delay} ms a round trip, Borg's server")
    head(programs)
    far = [Far(name, program, arguments.borg, work, delay=arguments.delay) for name, program in programs]
    tree = os.path.join(work, "tree")
    for title, *data in ((f"{arguments.files:,} small files", small_files, arguments.files), ("1 GiB incompressible", media, 1)):
        make(data[0], tree, data[1])
        compare(title, tree, far, work, arguments.rounds, ["first", "again", "restore"])
        shutil.rmtree(tree)


def head(programs):
    print("| wall s / CPU s / peak MiB | " + " | ".join(name for name, _ in programs) + " | ratio |")
    print("|---|" + "---|" * (len(programs) + 1), flush=True)


def noise(path, mib, seed=0):
    with open(path, "wb") as file:
        generator = random.Random(seed)
        for _ in range(mib):
            file.write(generator.randbytes(1 << 20))


def noise_files(folder, mib):
    os.makedirs(folder)
    for number in range(mib // 8):
        noise(os.path.join(folder, str(number)), 8, number)


def rates(arguments, programs, work):
    print(f"{LIMITED_MIB} MiB under a limit of {LIMIT_KIB} KiB/s")
    print("| | whole, KiB/s | of the limit | fastest two seconds |\n|---|---|---|---|")
    file = os.path.join(work, "file")
    make(noise, file, LIMITED_MIB)
    for name, program in programs:
        for option in ("--upload-ratelimit", "--remote-ratelimit"):
            log = os.path.join(work, "rates")
            far = Far(name, program, arguments.borg, work, rates=log)
            run(far, far.prepare()[1:])
            os.remove(log)
            run(far, ["create", "-C", "none", option, str(LIMIT_KIB), "::limited", file])
            whole, fastest = speeds(log)
            print(f"| {name} {option} | {whole:.0f} | {whole / LIMIT_KIB:.3f} | {fastest / LIMIT_KIB:.3f} |", flush=True)
            shutil.rmtree(far.base)
    os.remove(file)


def speeds(log):
    """KiB a second between the first and the last large piece, and the most within two seconds."""
    with open(log) as file:
        pieces = [(float(moment), int(length)) for moment, length in map(str.split, file)]
    large = [moment for moment, length in pieces if length > 4096]
    begin, end = large[0], large[-1]
    within = [(moment, length) for moment, length in pieces if begin < moment <= end]
    window, most, total = collections.deque(), 0, 0
    for moment, length in within:
        window.append((moment, length))
        total += length
        while window[0][0] <= moment - 2:
            total -= window.popleft()[1]
        most = max(most, total)
    return sum(length for _, length in within) / 1024 / (end - begin), most / 1024 / 2


def memory(arguments, programs, work):
    (_, ours), (_, borg) = programs
    log = os.path.join(work, "memory")
    far = Far("served", borg, ours, work, memory=log)
    near = Borg("served", ours, work)
    near.environment |= {name: far.environment[name] for name in FREELY}
    tree = os.path.join(work, "tree")
    make(noise_files, tree, arguments.chunks * CHUNK_BYTES >> 20)
    measure([*near.prepare()[:-1], "none"], near.environment, work)
    run(near, ["create", "-C", "none", "--chunker-params", f"fixed,{CHUNK_BYTES}", "::many", tree])
    shutil.rmtree(tree)
    make(small_files, tree, 1000)
    print(f"{arguments.chunks:,} chunks, Borg's client, our server")
    print("| | all, wall s / CPU s / peak MiB | server, peak MiB |\n|---|---|---|")
    print(f"| idle, after `open` | – | {idle(ours, near):.1f} |", flush=True)
    steps = (
        ["list"],
        ["create", "-C", "none", "::few", tree],
        ["extract", "::few"],
        ["check", "--repository-only"],
        ["compact", "--threshold", "0"],
    )
    for step in steps:
        if step[0] == "compact":
            run(near, ["delete", "::many"])  # so that there is something to do
        if os.path.exists(log):
            os.remove(log)
        target = os.path.join(work, "out")
        os.makedirs(target)
        wall, cpu, peak = measure([far.program, *step], far.environment, target)
        shutil.rmtree(target)
        with open(log) as file:
            most = max(float(text) for text in file)
        print(f"| {step[0]} | {wall:.2f} / {cpu:.2f} / {peak:.0f} | {most:.1f} |", flush=True)


def idle(program, near):
    """Resident MiB of a server that has opened the repository and waits."""
    server = subprocess.Popen([program, "serve"], env=near.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    path = near.environment["BORG_REPO"].encode()
    raw = lambda data: b"\xda" + len(data).to_bytes(2, "big") + data
    server.stdin.write(b"\x83\xa1i\x01\xa1m\xa4open\xa1a\x82\xa4path" + raw(path) + b"\xa6create\xc2")
    server.stdin.flush()
    if not server.stdout.read(1):
        sys.exit("the server does not answer")
    time.sleep(3)
    resident = memory_of(server.pid, "VmRSS")
    server.stdin.close()
    server.wait()
    return resident


class Shell(Borg):
    """Whose repository is reached through the sshd at `port`."""

    def __init__(self, name, program, work, rsh, port):
        super().__init__(name, program, work)
        self.environment |= {
            "BORG_REPO": f"ssh://{getpass.getuser()}@127.0.0.1:{port}{self.environment['BORG_REPO']}",
            "BORG_RSH": rsh,
            "BORG_REMOTE_PATH": program,
        }


def transports(arguments, programs, work):
    (_, ours), _ = programs
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = {name: os.path.join(work, name) for name in ("host", "key", "known", "allowed")}
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", files[name]], check=True)
    shutil.copy(files["key"] + ".pub", files["allowed"])
    os.makedirs("/run/sshd", exist_ok=True)
    settings = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": files["host"], "AuthorizedKeysFile": files["allowed"],
        "PidFile": "none", "UsePAM": "no", "StrictModes": "no", "PermitRootLogin": "yes",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", "/dev/null", *options], stderr=subprocess.DEVNULL)
    behind = f"-i {files['key']} -o UserKnownHostsFile={files['known']} -o StrictHostKeyChecking=accept-new"
    tree = os.path.join(work, "tree")
    make(media, tree, 1)
    try:
        time.sleep(1)
        print("| wall s / CPU s / peak MiB | builtin | ssh | ratio |\n|---|---|---|---|", flush=True)
        both = [Shell(rsh, ours, work, f"{rsh} {behind}", port) for rsh in ("builtin", "ssh")]
        compare("1 GiB incompressible", tree, both, work, arguments.rounds, ["first", "again", "restore"])
    finally:
        sshd.terminate()
        sshd.wait()
        shutil.rmtree(tree)


def run(program, arguments):
    return measure([program.program, *arguments], program.environment, program.base)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanoprobe", default=os.path.join(ROOT, "target", "release", "nanoprobe"))
    parser.add_argument("--borg", required=True)
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    parser.add_argument("--only", choices=["distance", "rates", "memory", "transports"])
    parser.add_argument("--delay", type=float, default=25, metavar="MS", help="each way")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--chunks", type=int, default=2 << 20)
    arguments = parser.parse_args()
    arguments.borg = os.path.abspath(arguments.borg)
    programs = [("nanoprobe", os.path.abspath(arguments.nanoprobe)), ("borg", arguments.borg)]
    work = tempfile.mkdtemp(prefix="nanoprobe-remote-", dir=arguments.work)
    try:
        for part in (distance, rates, memory, transports):
            if arguments.only in (None, part.__name__):
                part(arguments, programs, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    if "NANOPROBE_LINE" in os.environ:
        words = sys.argv[1:]
        line(words[words.index("host") + 1 :])
    main()
