#!/usr/bin/env python3
"""Writes borg_frames.txt: what Borg 1.4 makes of some data under every kind of --compression. Run it with Borg's Python.

One line a frame: specification, kind of data, its size, the frame in hexadecimal."""

import pathlib

from borg.compress import CompressionSpec

SPECIFICATIONS = [
    'none', 'lz4', 'zstd,1', 'zstd,3', 'zstd,10', 'zstd,19', 'zstd,22', 'zlib,0', 'zlib,1', 'zlib,6', 'zlib,9',
    'lzma,0', 'lzma,6', 'lzma,9', 'auto,zstd,3', 'auto,lzma,6', 'auto,none', 'auto,zlib,9', 'obfuscate,1,none',
    'obfuscate,110,lz4', 'obfuscate,250,zstd,3', 'obfuscate,250,zlib,6', 'obfuscate,250,auto,lzma,6',
    'obfuscate,250,obfuscate,250,lz4']


def data(kind, size):
    if kind == 'zeros':
        return bytes(size)
    state, out = 12345, bytearray()
    while len(out) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        if kind == 'random':
            out += (state >> 24).to_bytes(5, 'little')
        else:
            out += b'line %d of some text\n' % (state >> 58)
    return bytes(out[:size])


lines = []
for specification in SPECIFICATIONS:
    for kind, size in [('zeros', 0), ('text', 1), ('text', 40), ('random', 70), ('text', 1200), ('zeros', 3000000)]:
        frame = CompressionSpec(specification).compressor.compress(data(kind, size))
        if len(frame) < 4000:
            lines.append(f'{specification} {kind} {size} {frame.hex()}')
pathlib.Path(__file__).with_name('borg_frames.txt').write_text('\n'.join(lines) + '\n')
