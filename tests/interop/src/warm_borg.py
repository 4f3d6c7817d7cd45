"""Runs the real Borg's commands without starting an interpreter for each of them.

Everything is imported once, and a child is forked for a command: its own process, with its own locks, state and exit code.
A request on standard input is a length (u32, little endian) and fields that each end with a zero byte: folder, number of
arguments, arguments, variables as NAME=value. The answer on standard output is the exit code (i32), then what was written to
standard output and to standard error, each behind its length.

Two things differ from a borg started anew: there is no self test before each command, and keys that are written are
protected by few rounds, so that whoever reads them, Borg or not, need not spend a tenth of a second.
"""

import gc
import os
import struct
import sys
import time

import borg.archiver
import borg.crypto.key

borg.crypto.key.PBKDF2_ITERATIONS = 100

# The command line's description takes longer to build than most commands here take to run.
sys.argv = ["borg"]
ready = borg.archiver.Archiver()
parser = ready.build_parser()
ready.build_parser = lambda: parser
borg.archiver.Archiver = lambda: ready


def exactly(stream, size):
    taken = stream.read(size)
    if len(taken) != size:
        os._exit(0)
    return taken


def command(fields):
    folder, count, *rest = fields
    arguments, variables = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variable.split("=", 1) for variable in variables)
    os.environ["BORG_SELFTEST"] = "disabled"
    time.tzset()
    sys.argv = ["borg", *arguments]
    code = 70
    try:
        borg.archiver.main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def answer(fields):
    files = [os.memfd_create(name) for name in ("output", "messages")]
    child = os.fork()
    if child == 0:
        os.dup2(files[0], 1)
        os.dup2(files[1], 2)
        command(fields)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    told = struct.pack("<i", code if code >= 0 else 128 - code)
    for file in files:
        size = os.lseek(file, 0, os.SEEK_END)
        told += struct.pack("<I", size) + os.pread(file, size, 0)
        os.close(file)
    return told


def serve():
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    gc.collect()
    gc.freeze()
    while True:
        (size,) = struct.unpack("<I", exactly(requests, 4))
        fields = exactly(requests, size).split(b"\0")[:-1]
        answers.write(answer([os.fsdecode(field) for field in fields]))
        answers.flush()


serve()
