#!/usr/bin/env python3
"""How many instructions a byte costs in each hot loop, counted under emulation: a model of the boards, not a measurement.

    targets/instructions.py pi5 pi2              # counts, and compares with targets/instructions.tsv
    targets/instructions.py --update pi5 pi2     # counts, and writes them there

Needs target/boxes/TRIPLE/hot_loops (targets/build.sh). One processor of each instruction set is enough: a count says nothing of how
long an instruction takes. Ends with 1 where a count is off by more than a twentieth.
"""

import os
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "instructions.tsv")
TOLERANCE = 0.05


def value(board, key):
    with open(os.path.join(HERE, f"{board}.toml")) as file:
        return next(line.split("=")[1].strip().strip('"') for line in file if line.startswith(key))


def emulate(board, *arguments, options=""):
    program = os.path.join(HERE, "..", "target", "boxes", value(board, "triple"), "hot_loops")
    command = [os.path.join(HERE, "emulate.sh"), board, program, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "QEMU_OPTIONS": options}).stdout


def count(board, name, form, passes):
    """Instructions of a run: with one in each block, qemu writes a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        os.mkfifo(log)
        counted = []

        def read():
            with open(log, "rb", buffering=1 << 20) as file:
                counted.append(sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")))

        reader = threading.Thread(target=read)
        reader.start()
        emulate(board, name, form, str(passes), options=f"-singlestep -d exec,nochain -D {log}")
        reader.join()
    return counted[0]


def main():
    update = "--update" in sys.argv
    boards = [word for word in sys.argv[1:] if not word.startswith("-")] or sys.exit(__doc__)
    recorded = {}
    if os.path.exists(RECORD):
        with open(RECORD) as file:
            for line in file.read().splitlines()[1:]:
                *key, number = line.split("\t")
                recorded[tuple(key)] = float(number)
    is_off = False
    for board in boards:
        triple = value(board, "triple")
        for line in emulate(board).splitlines():
            name, form, length = line.split("\t")
            each = (count(board, name, form, 2) - count(board, name, form, 1)) / int(length)
            key = (triple, name, form)
            before = recorded.get(key)
            off = before is None or abs(each - before) > TOLERANCE * before
            is_off |= off
            recorded[key] = round(each, 3)
            print(f"{triple}\t{name}\t{form}\t{each:.3f}\t{'' if before is None else f'was {before:.3f}'}{' <-- off' if off else ''}", flush=True)
    if update:
        with open(RECORD, "w") as file:
            file.write("triple\tloop\tform\tinstructions a byte\n")
            file.writelines("\t".join((*key, f"{each:.3f}")) + "\n" for key, each in sorted(recorded.items()))
    elif is_off:
        sys.exit("counts differ from targets/instructions.tsv: better ones are recorded with --update, worse ones need a reason")


main()
