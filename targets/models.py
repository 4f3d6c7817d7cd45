#!/usr/bin/env python3
"""What a byte costs in each hot loop: instructions, counted under emulation, and cycles, as llvm-mca's models of processors have it.
Neither is a measurement; both tell when a loop gets worse.

    targets/models.py pi5 pi2              # counts, and compares with targets/models.tsv
    targets/models.py --update pi5 pi2     # counts, and writes them there

Needs target/boxes/TRIPLE/hot_loops (targets/build.sh), and llvm-mca of LLVM 19 or newer, which the fetched compiler brings. One board of
each instruction set is enough. Cycles are those of every run of instructions without a branch into it, as if it were repeated for
ever, times how often it ran: memory is taken to be at hand, and branches to be foreseen. Ends with 1 where a figure is off by more than a
twentieth.
"""

import collections
import glob
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
RECORD = os.path.join(HERE, "models.tsv")
TOLERANCE = 0.05
# Processors of which LLVM has models that llvm-mca can read. The one of a Cortex-A76 is that of the A72.
PROCESSORS = {"aarch64": ("cortex-a53", "cortex-a72")}
# What fewer of the instructions take is left out.
LEAST_SHARE = 0.002


def llvm(tool, *arguments, text=""):
    fetched = os.path.join(ROOT, "target", "compiler", "root", "usr", "lib")
    found = glob.glob(os.path.join(fetched, "llvm-*", "bin", tool))
    libraries = os.path.join(fetched, "x86_64-linux-gnu")
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries} if found else os.environ
    command = [*(found or [tool]), *arguments]
    return subprocess.run(command, check=True, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment).stdout


def value(board, key):
    with open(os.path.join(HERE, f"{board}.toml")) as file:
        return next(line.split("=")[1].strip().strip('"') for line in file if line.startswith(key))


def emulate(board, *arguments, options=""):
    command = [os.path.join(HERE, "emulate.sh"), board, "hot_loops", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "QEMU_OPTIONS": options}).stdout


def trace(board, name, form, passes):
    """How often each instruction ran, by address: with one in each block, qemu writes a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        os.mkfifo(log)
        ran = collections.Counter()

        def read():
            with open(log) as file:
                ran.update(line.split("/", 2)[1] for line in file if line.startswith("Trace"))

        reader = threading.Thread(target=read)
        reader.start()
        emulate(board, name, form, str(passes), options=f"-singlestep -d exec,nochain -D {log}")
        reader.join()
    return collections.Counter({int(address, 16): times for address, times in ran.items()})


def runs(counts):
    """Instructions that follow each other and ran equally often: (first address, last address, times)."""
    found = []
    for address in sorted(counts):
        if found and address - found[-1][1] == 4 and counts[address] == found[-1][2]:
            found[-1][1] = address
        else:
            found.append([address, address, counts[address]])
    least = LEAST_SHARE * sum(counts.values())
    return [run for run in found if (run[1] - run[0] + 4) // 4 * run[2] >= least]


def cycles(program, triple, processor, counts):
    """Of all runs of instructions together."""
    total = 0
    for first, last, times in runs(counts):
        listing = llvm("llvm-objdump", "-d", "--no-show-raw-insn", "--no-leading-addr", f"--start-address={first}", f"--stop-address={last + 4}", program)
        # Where a branch leads to does not matter.
        body = re.sub(r"0x[0-9a-f]+ <[^>]*>", ".", listing.split(">:\n", 1)[1])
        report = llvm("llvm-mca", f"-mtriple={triple}", f"-mcpu={processor}", "-iterations=100", text=body)
        total += times * int(re.search(r"Total Cycles: +(\d+)", report)[1]) / 100
    return total


def figures(board, name, form, length):
    """(what, figure) of a loop."""
    triple = value(board, "triple")
    # What a second pass adds.
    counts = trace(board, name, form, 2)
    counts.subtract(trace(board, name, form, 1))
    counts = +counts
    yield "instructions", sum(counts.values()) / length
    program = os.path.join(ROOT, "target", "boxes", triple, "hot_loops")
    for processor in PROCESSORS.get(triple.split("-")[0], ()):
        yield processor, cycles(program, triple, processor, counts) / length


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
            for what, figure in figures(board, name, form, int(length)):
                key = (triple, name, form, what)
                before = recorded.get(key)
                off = before is None or abs(figure - before) > TOLERANCE * before
                is_off |= off
                recorded[key] = figure
                print(*key, f"{figure:.3f}", "" if before is None else f"was {before:.3f}{' <-- off' if off else ''}", sep="\t", flush=True)
    if update:
        with open(RECORD, "w") as file:
            file.write("triple\tloop\tform\tfigure\ta byte\n")
            file.writelines("\t".join((*key, f"{figure:.3f}")) + "\n" for key, figure in sorted(recorded.items()))
    elif is_off:
        sys.exit("figures differ from targets/models.tsv: better ones are recorded with --update, worse ones need a reason")


main()
