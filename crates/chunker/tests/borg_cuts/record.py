#!/usr/bin/env python3
"""Writes borg_cuts.txt: where Borg 1.4 cuts generated data. Run it with Borg's Python.

One line a stream: parameters, seed, kind of data, its size, the sizes of the chunks (a run of n equal sizes as SxN)."""

import io
import itertools
import pathlib

from borg.chunker import Chunker, ChunkerFixed

BUZHASH = [  # minimum, maximum, mask bits, window
    (6, 9, 6, 63), (8, 12, 9, 127), (10, 14, 12, 4095), (7, 13, 8, 31), (6, 12, 10, 1), (12, 14, 13, 8191),
    (15, 19, 17, 4095), (19, 23, 21, 4095)]
FIXED = [(64, 0), (4096, 0), (4096, 512), (4096, 10000)]


def data(kind, size):
    """kind: zeros, or the number of values a byte takes."""
    if kind == 'zeros':
        return bytes(size)
    state, out = 88172645463325252, bytearray(size)
    for i in range(size):
        state ^= state << 13 & 2**64 - 1
        state ^= state >> 7
        state ^= state << 17 & 2**64 - 1
        out[i] = state % int(kind)
    return bytes(out)


lines = []


def add(name, seed, kind, content, chunks):
    sizes = [chunk.meta['size'] for chunk in chunks]
    assert sum(sizes) == len(content)
    runs = ((size, len(list(group))) for size, group in itertools.groupby(sizes))
    text = ','.join(str(size) if count == 1 else f'{size}x{count}' for size, count in runs)
    lines.append(f'{name} {seed} {kind} {len(content)} {text or "-"}')


noise = {kind: data(kind, 3000000) for kind in ('zeros', '4', '251')}
for minimum, maximum, mask, window in BUZHASH:
    name = f'buzhash,{minimum},{maximum},{mask},{window}'
    smallest, largest = 1 << minimum, 1 << maximum
    sizes = {0, 1, window, smallest, largest, smallest + window, largest + smallest + window, largest + window}
    sizes = {size + delta for size in sizes for delta in (-1, 0, 1, 2)} | {3000000 if minimum > 12 else 40 * smallest}
    for seed in (0, 0x9e3779b9, 0xffffffff):
        for kind, content in noise.items():
            for size in sorted(size for size in sizes if 0 <= size <= len(content)):
                if seed and size < max(sizes):
                    continue
                signed = seed - (seed >> 31 << 32)  # Borg takes a C int
                chunker = Chunker(signed, minimum, maximum, mask, window)
                add(name, seed, kind, content[:size], chunker.chunkify(io.BytesIO(content[:size])))
for block, header in FIXED:
    for size in (0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 4608, 9999, 10000, 10001, 20000):
        content = noise['251'][:size]
        add(f'fixed,{block},{header}', 0, '251', content, ChunkerFixed(block, header).chunkify(io.BytesIO(content)))
pathlib.Path(__file__).with_name('borg_cuts.txt').write_text('\n'.join(lines) + '\n')
