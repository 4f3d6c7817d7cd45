#!/usr/bin/env python3
"""Writes known_answers.txt: the inputs of published test vectors and lengths around block boundaries, answered by Python's
hashlib, hmac and zlib, the openssl program and the xxhash module. The published answers themselves are asserted here.

One line an answer: primitive, inputs, answer; all hexadecimal ('-' is empty, '@N' is message(N)), numbers decimal."""

import hashlib
import hmac
import pathlib
import subprocess
import zlib

from borg.algorithms.checksums import xxh64

LENGTHS = [0, 1, 3, 15, 16, 17, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 191, 192, 255, 256, 257, 1000, 4096, 4097]
lines = []


def message(length):
    return bytes((i * 197 + (i >> 8)) & 255 for i in range(length))


def field(value):
    if not isinstance(value, bytes):
        return str(value)
    if len(value) > 16 and value == message(len(value)):
        return f'@{len(value)}'
    return value.hex() or '-'


def add(name, *fields):
    lines.append(' '.join([name] + [field(value) for value in fields]))


def hkdf(key, salt, info):
    block = hmac.digest(hmac.digest(salt or bytes(64), key, 'sha512'), info + b'\1', 'sha512')
    return block


def aes_ctr(key, counter, data):
    command = ['openssl', 'enc', '-aes-256-ctr', '-K', key.hex(), '-iv', counter.to_bytes(16, 'big').hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


# FIPS 180-4 examples
assert hashlib.sha256(b'abc').hexdigest().startswith('ba7816bf8f01cfea414140de5dae2223')
for data in [b'abc', b'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'] + [message(n) for n in LENGTHS]:
    add('sha256', data, hashlib.sha256(data).digest())

# RFC 4231
RFC_4231 = [
    (b'\x0b' * 20, b'Hi There'),
    (b'Jefe', b'what do ya want for nothing?'),
    (b'\xaa' * 20, b'\xdd' * 50),
    (bytes(range(1, 26)), b'\xcd' * 50),
    (b'\xaa' * 131, b'Test Using Larger Than Block-Size Key - Hash Key First'),
    (b'\xaa' * 131, b'This is a test using a larger than block-size key and a larger than block-size data. The key needs to '
                    b'be hashed before being used by the HMAC algorithm.'),
]
assert hmac.digest(*RFC_4231[0], 'sha256').hex().startswith('b0344c61d8db38535ca8afceaf0bf12b')
assert hmac.digest(*RFC_4231[0], 'sha512').hex().startswith('87aa7cdea5ef619d4ff0b4241a1d6cb0')
for key, data in RFC_4231 + [(message(32), message(n)) for n in LENGTHS] + [(b'', b'')]:
    add('hmac_sha256', key, data, hmac.digest(key, data, 'sha256'))
    add('hmac_sha512', key, data, hmac.digest(key, data, 'sha512'))

for key, salt, info in [(b'\x0b' * 22, bytes(range(13)), bytes(range(0xf0, 0xfa))), (b'\x0b' * 22, b'', b''),
                        (message(64), message(64), b'borg-metadata-authentication-manifest')]:
    add('hkdf_sha512', key, salt, info, hkdf(key, salt, info))
# RFC 5869's first case with SHA-512, as published with other libraries' vectors
assert hkdf(b'\x0b' * 22, bytes(range(13)), bytes(range(0xf0, 0xfa))).hex().startswith('832390086cda71fb47625bb5ceb168e4')

# RFC 7914, section 11, and Borg's own count
assert hashlib.pbkdf2_hmac('sha256', b'passwd', b'salt', 1, 64).hex().startswith('55ac046e56e3089fec1691c22544b605')
for passphrase, salt, iterations in [(b'passwd', b'salt', 1), (b'Password', b'NaCl', 80000), (b'', message(32), 2),
                                     ('Grüße'.encode(), message(32), 1000), (message(200), message(70), 3)]:
    add('pbkdf2_sha256', passphrase, salt, iterations, hashlib.pbkdf2_hmac('sha256', passphrase, salt, iterations, 32))

# NIST SP 800-38A, F.5.5, then counters that carry
KEY = bytes.fromhex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
for counter in [0, 1, 255, 2**32 - 2, 2**63, 2**64 - 3]:
    for length in [1, 15, 16, 17, 64, 127, 128, 129, 256, 1000]:
        add('aes256_ctr', KEY, counter, message(length), aes_ctr(KEY, counter, message(length)))

PREFIX = message(128)
for length in LENGTHS + [65407, 65408, 65536, 300001]:
    add('prefixed_blake2b', PREFIX, message(length), hashlib.blake2b(PREFIX + message(length), digest_size=32).digest())

assert zlib.crc32(b'123456789') == 0xcbf43926
for start, data in [(0, b'123456789')] + [(s, message(n)) for s in (0, 0xffffffff, 0x12345678) for n in LENGTHS]:
    add('crc32', start, data, zlib.crc32(data, start).to_bytes(4, 'big'))

for length in LENGTHS:
    add('xxh64', message(length), xxh64(message(length)))

pathlib.Path(__file__).with_name('known_answers.txt').write_text('\n'.join(lines) + '\n')
