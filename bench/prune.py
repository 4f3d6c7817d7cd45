#!/usr/bin/env python3
"""What it costs to prune, delete, compact and check a repository of many archives: nanoprobe and Borg, in one run.

    bench/prune.py --borg .venv/bin/borg                                   # 20 archives of 100,000 files
    bench/prune.py --borg .venv/bin/borg --archives 100 --files 1000000 --borg-steps prune,compact    # an hour

A tree of files of two chunks each is backed up again and again, and each time some folders with a hundredth of its files have
changed. The repository is copied for each program, and then, with each copy: prune a tenth of the archives (Borg with a warm
and with a cold chunks cache), delete one archive, compact, check the archives. Wall seconds / CPU seconds / peak resident MiB.
Needs Python 3 only; without --borg it measures nanoprobe alone.
"""

import argparse
import os
import shutil
import sys
import tempfile

from peers import ROOT, Borg, make, measure

FILES_A_FOLDER = 100
CHUNK_BYTES = 512


def write_folder(tree, folder, generation, files):
    """Files of two chunks; none is like another."""
    path = os.path.join(tree, f"{folder // 100:04}", f"{folder % 100:02}")
    os.makedirs(path, exist_ok=True)
    for number in range(files):
        text = f"{generation} {folder} {number} ".encode()
        with open(os.path.join(path, f"{number:02}"), "wb") as file:
            file.write(text.ljust(CHUNK_BYTES, b"a") + text.ljust(CHUNK_BYTES, b"b"))


def grow(tree, files):
    for folder in range(files // FILES_A_FOLDER):
        write_folder(tree, folder, 0, FILES_A_FOLDER)


def change(tree, files, generation):
    folders = files // FILES_A_FOLDER
    changed = max(1, folders // 100)
    for folder in range(changed):
        write_folder(tree, (generation * changed + folder) % folders, generation, FILES_A_FOLDER)


def run(program, arguments):
    command = [program.program, *arguments]
    return measure(command, program.environment, program.base)


def cell(figures):
    if figures is None:
        return "–"
    wall, cpu, peak = figures
    return f"{wall:.2f} / {cpu:.2f} / {peak:.0f}"


def build(program, tree, files, archives):
    measure(program.prepare(), program.environment, tree)
    make(grow, tree, files)
    for generation in range(archives):
        if generation:
            make(change, tree, files, generation)
        arguments = ["create", "-C", "none", "--chunker-params", f"fixed,{CHUNK_BYTES}"]
        timestamp = f"2026-{1 + generation // 28:02}-{1 + generation % 28:02}T03:00:00"
        run(program, [*arguments, "--timestamp", timestamp, f"::day-{generation:03}", tree])


def copy_of(source, name, program, work):
    copy = Borg(name, program, work)
    copy.environment["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes"
    shutil.rmtree(copy.base, ignore_errors=True)
    shutil.copytree(source.base, copy.base)
    return copy


def figures_of(program, steps, wanted, forgets_cache=False):
    """Each step's figures, none for a step that is not wanted. They are told as they come; the copy is removed."""
    figures = []
    for step in steps:
        figures.append(run(program, step[1]) if step in wanted else None)
        print(f"{program.name}: {step[0]}: {cell(figures[-1])}", file=sys.stderr, flush=True)
        if forgets_cache:
            shutil.rmtree(os.path.join(program.base, ".cache"), ignore_errors=True)
    shutil.rmtree(program.base)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanoprobe", default=os.path.join(ROOT, "target", "release", "nanoprobe"))
    parser.add_argument("--borg")
    parser.add_argument("--borg-steps", default="prune,delete,compact,check", help="what Borg does too; its check takes hours")
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--archives", type=int, default=20)
    arguments = parser.parse_args()

    work = tempfile.mkdtemp(prefix="nanoprobe-prune-", dir=arguments.work)
    try:
        tree = os.path.join(work, "tree")
        os.makedirs(tree)
        source = Borg("source", os.path.abspath(arguments.nanoprobe), work)
        build(source, tree, arguments.files, arguments.archives)
        shutil.rmtree(tree)
        kept = arguments.archives - max(1, arguments.archives // 10)
        prune = ["prune", "--keep-last", str(kept)]
        steps = [
            (f"prune {arguments.archives - kept} of {arguments.archives} archives", prune),
            ("delete an archive", ["delete", f"::day-{arguments.archives - kept:03}"]),
            ("compact", ["compact", "--threshold", "0"]),
            ("check of the archives", ["check", "--archives-only"]),
        ]
        columns = {"nanoprobe": figures_of(copy_of(source, "nanoprobe", source.program, work), steps, steps)}
        if arguments.borg:
            borg_steps = [step for step in steps if step[1][0] in arguments.borg_steps.split(",")]
            for name in ("borg, warm", "borg, cold"):
                borg = copy_of(source, name.replace(", ", "-"), os.path.abspath(arguments.borg), work)
                is_cold = name == "borg, cold"
                if not is_cold:
                    run(borg, ["prune", "--dry-run", "--keep-last", str(arguments.archives)])
                    run(borg, ["info"])
                columns[name] = figures_of(borg, steps, borg_steps, is_cold)
        print(f"{arguments.archives} archives of {arguments.files:,} files, wall s / CPU s / peak MiB")
        print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
        for number, (title, _) in enumerate(steps):
            print(f"| {title} | " + " | ".join(cell(figures[number]) for figures in columns.values()) + " |", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
