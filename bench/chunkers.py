#!/usr/bin/env python3
"""Our chunkers beside those of others, on the same data, in one run: CPU time of one thread, and whether the cuts agree.

    cargo build --release -p nanoprobe-bench --example cuts
    .venv/bin/python bench/chunkers.py              # the Python of the Borg to compare with

Buzhash is compared with Borg's own chunker, which this script calls in its library; FastCDC with the `fastcdc` crate, with its
own table. All get the same bytes, in memory; rounds are taken in turns and the best one of each counts. `known` is buzhash when
an earlier archive has all chunks: a checksum of each, then the exact skip. Without Borg's Python only FastCDC is measured.
"""

import argparse
import os
import random
import subprocess
import tempfile
import time

from peers import ROOT

try:
    from borg.chunker import Chunker
except ImportError:
    Chunker = None

SEED = 0x5EED
PIECE_BYTES = 256 << 10
BUZHASH = ["buzhash,19,23,21,4095", "buzhash,10,23,16,4095"]
FASTCDC = ["fastcdc,19,21,23", "fastcdc,10,16,23"]


class Pieces:
    """A file whose pieces are there already, so that reading costs Borg nothing but the copy into its buffer."""

    def __init__(self, content):
        self.pieces = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)][::-1]

    def read(self, size):
        piece = self.pieces.pop() if self.pieces else b""
        if len(piece) > size:
            self.pieces.append(piece[size:])
        return piece[:size]


def borg(content, parameters):
    """Seconds, sizes."""
    minimum, maximum, mask, window = map(int, parameters.split(",")[1:])
    chunker = Chunker(SEED, minimum, maximum, mask, window)
    file = Pieces(content)
    begin = time.thread_time()
    sizes = [chunk.meta["size"] for chunk in chunker.chunkify(file)]
    return time.thread_time() - begin, sizes


def ours(program, path, parameters, form, rounds=3):
    """Seconds, sizes."""
    command = [program, path, parameters, str(SEED), str(rounds), form]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(lines[0]), list(map(int, lines[1:]))


def best_of(rounds, contestants):
    """The best seconds of each, and its sizes; one round of each, then the next."""
    best, sizes = {}, {}
    for _ in range(rounds):
        for name, run in contestants.items():
            seconds, sizes[name] = run()
            best[name] = min(seconds, best.get(name, seconds))
    return best, sizes


def compare(path, parameters, contestants, arguments):
    best, sizes = best_of(arguments.rounds, contestants)
    reference = next(iter(contestants))
    size = os.path.getsize(path)
    for name, seconds in best.items():
        # Another table cuts elsewhere; the tests hold the two together with the same one.
        cuts = "" if name == "crate" or reference == "crate" else "same cuts" if sizes[name] == sizes[reference] else "OTHER CUTS"
        speed, ratio = size / seconds / 1e9, best[reference] / seconds
        print(f"| {parameters} | {name} | {speed:.2f} | {ratio:.2f} | {len(sizes[name])} | {cuts} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program = os.path.join(ROOT, "target", "release", "examples", "cuts")
    parser.add_argument("--program", default=program)
    parser.add_argument("--forms", default="portable,chosen,known", help="forms of buzhash, with commas between")
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    arguments = parser.parse_args()

    with tempfile.NamedTemporaryFile(dir=arguments.work) as file:
        content = random.Random(1).randbytes(arguments.mib << 20)
        file.write(content)
        file.flush()
        print("| chunker | by | GB/s | times the first | chunks | |\n|---|---|---|---|---|---|")
        for parameters in BUZHASH if Chunker else []:
            contestants = {"borg": lambda: borg(content, parameters)}
            for form in arguments.forms.split(","):
                contestants[form] = lambda form=form: ours(arguments.program, file.name, parameters, form)
            compare(file.name, parameters, contestants, arguments)
        for parameters in FASTCDC:
            contestants = {
                form: lambda form=form: ours(arguments.program, file.name, parameters, form) for form in ("crate", "chosen")
            }
            compare(file.name, parameters, contestants, arguments)


if __name__ == "__main__":
    main()
