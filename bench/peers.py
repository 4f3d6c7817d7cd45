#!/usr/bin/env python3
"""Whole-process comparison of nanoprobe with its peers, on this machine, in one run.

    bench/peers.py --borg .venv/bin/borg                      # 100,000 small files, three rounds
    bench/peers.py --borg .venv/bin/borg --media-gib 4 --tree /usr --million

Every cell is run in turns (nanoprobe, peer, nanoprobe, peer ...), so that a drifting machine hits all alike; the table
gives medians: wall seconds / CPU seconds / peak resident MiB, and the ratio of our wall time to the first peer's.
Repositories and data live in --work (a RAM disk measures the programs, a real disk measures the disk). Encryption is
repokey-blake2 and compression zstd,3 wherever a program lets us choose. Needs Python 3 only; peers that are not
given are left out (--borg, --restic).
"""

import argparse
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORDS = b"the quick brown fox jumps over a lazy dog while segments index hints and manifest wait ".split()


class Borg:
    """A program that speaks Borg's command line: Borg, or nanoprobe."""

    def __init__(self, name, program, work):
        self.name, self.program = name, program
        self.base = os.path.join(work, name)
        self.environment = {
            **os.environ,
            "BORG_BASE_DIR": self.base,
            "BORG_REPO": os.path.join(self.base, "repository"),
            "BORG_PASSPHRASE": "measured",
            "BORG_EXIT_CODES": "legacy",
        }

    def prepare(self):
        shutil.rmtree(self.base, ignore_errors=True)
        os.makedirs(self.base)
        return [self.program, "init", "-e", "repokey-blake2"]

    def backup(self, tree, archive):
        return [self.program, "create", "-C", "zstd,3", "::" + archive, tree]

    def extract(self, archive):
        return [self.program, "extract", "::" + archive]


class Restic:
    """restic: encryption is always on, compression is automatic zstd."""

    def __init__(self, name, program, work):
        self.name, self.program = name, program
        self.base = os.path.join(work, name)
        self.environment = {
            **os.environ,
            "RESTIC_REPOSITORY": os.path.join(self.base, "repository"),
            "RESTIC_PASSWORD": "measured",
            "RESTIC_CACHE_DIR": os.path.join(self.base, "cache"),
        }

    def prepare(self):
        shutil.rmtree(self.base, ignore_errors=True)
        os.makedirs(self.base)
        return [self.program, "init", "-q"]

    def backup(self, tree, archive):
        return [self.program, "backup", "-q", "--tag", archive, tree]

    def extract(self, archive):
        return [self.program, "restore", "-q", "latest", "--target", "."]


def measure(command, environment, folder):
    """Runs one process to its end; gives (wall seconds, CPU seconds, peak resident MiB)."""
    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        child = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            output.seek(0)
            sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{output.read().decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def small_files(folder, count):
    """`count` files of 0 to 19 KB in directories of 100, half of them compressible."""
    generator = random.Random(1)
    noise, text = generator.randbytes(1 << 20), b" ".join(generator.choices(WORDS, k=200_000))
    for number in range(count):
        directory = os.path.join(folder, f"{number // 10000:03}", f"{number // 100 % 100:02}")
        if number % 100 == 0:
            os.makedirs(directory)
        source = noise if number % 2 else text
        start, size = generator.randrange(len(source) - 20_000), generator.randrange(19_000)
        with open(os.path.join(directory, f"{number:07}"), "wb") as file:
            file.write(b"%d\n" % number + source[start : start + size])


def media(folder, gib):
    """`gib` files of 1 GiB nobody can compress."""
    os.makedirs(folder)
    for number in range(gib):
        generator = random.Random(number)
        with open(os.path.join(folder, f"film-{number}"), "wb") as file:
            for _ in range(64):
                file.write(generator.randbytes(16 << 20))


def make(function, *arguments):
    """Makes data in a process of its own: a child's peak memory counts from its parent's, which has to stay small."""
    process = multiprocessing.Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit("the data could not be made")


def compare(title, tree, programs, work, rounds, phases):
    """One row a phase: every program, `rounds` times in turn."""
    figures = {(program.name, phase): [] for program in programs for phase in phases}
    for _ in range(rounds):
        for program in programs:
            target = os.path.join(work, "restored")
            measure(program.prepare(), program.environment, work)
            for phase in phases:
                if phase == "restore":
                    shutil.rmtree(target, ignore_errors=True)
                    os.makedirs(target)
                    command, folder = program.extract("first"), target
                else:
                    command, folder = program.backup(tree, phase), work
                figures[program.name, phase].append(measure(command, program.environment, folder))
            shutil.rmtree(target, ignore_errors=True)
            shutil.rmtree(program.base, ignore_errors=True)
    for phase in phases:
        cells, walls = [], []
        for program in programs:
            wall, cpu, peak = (statistics.median(column) for column in zip(*figures[program.name, phase]))
            cells.append(f"{wall:.2f} / {cpu:.2f} / {peak:.0f}")
            walls.append(wall)
        ratio = f"{walls[0] / walls[1]:.2f}" if len(walls) > 1 else "–"
        print(f"| {title}, {phase} | " + " | ".join(cells) + f" | {ratio} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanoprobe", default=os.path.join(ROOT, "target", "release", "nanoprobe"))
    parser.add_argument("--borg")
    parser.add_argument("--restic")
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=100_000, metavar="FILES")
    parser.add_argument("--media-gib", type=int, default=0, metavar="GIB")
    parser.add_argument("--tree", metavar="FOLDER", help="a real tree, such as /usr")
    parser.add_argument("--million", action="store_true", help="1,000,000 small files, first and again")
    arguments = parser.parse_args()

    work = tempfile.mkdtemp(prefix="nanoprobe-peers-", dir=arguments.work)
    try:
        programs = [Borg("nanoprobe", os.path.abspath(arguments.nanoprobe), work)]
        if arguments.borg:
            programs.append(Borg("borg", os.path.abspath(arguments.borg), work))
        if arguments.restic:
            programs.append(Restic("restic", shutil.which(arguments.restic), work))
        print("| wall s / CPU s / peak MiB | " + " | ".join(program.name for program in programs) + " | ratio |")
        print("|---|" + "---|" * (len(programs) + 1))
        if arguments.small:
            tree = os.path.join(work, "small")
            make(small_files, tree, arguments.small)
            compare(f"{arguments.small:,} small files", tree, programs, work, arguments.rounds, ["first", "again", "restore"])
            shutil.rmtree(tree)
        if arguments.media_gib:
            tree = os.path.join(work, "media")
            make(media, tree, arguments.media_gib)
            compare(f"{arguments.media_gib} GiB incompressible", tree, programs, work, arguments.rounds, ["first", "restore"])
            shutil.rmtree(tree)
        if arguments.tree:
            compare(f"tree {arguments.tree}", arguments.tree, programs, work, arguments.rounds, ["first", "again", "restore"])
        if arguments.million:
            tree = os.path.join(work, "million")
            make(small_files, tree, 1_000_000)
            compare("1,000,000 small files", tree, programs, work, 1, ["first", "again"])
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
