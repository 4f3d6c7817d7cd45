"""Records vectors of every encryption mode from real Borg 1.4.

Run it with the Python that Borg 1.4 is installed in; it writes one file a mode beside itself:

    path/to/borgs/python record.py

Each line is a name and one or more values, separated by a blank; bytes are in hex. What the lines mean:

    repository ID           repository id
    key TEXT                key blob as stored, lines joined by "|"; in the keyfile modes the whole key file
    paper TEXT              what "key export --paper" prints, lines joined by "|"
    seed N                  chunk seed
    manifest OBJECT         stored object of the manifest
    object ID OBJECT DATA   one stored object and its plain data, one a codec
    tam CONTEXT SALT TAM PACKED   signature over PACKED, in which the signature's own bytes are zero
    nonce REPOSITORY LOCAL  text of both nonce files
    security TYPE TIMESTAMP text of key-type and manifest-timestamp
"""

import os
import subprocess
import sys
import tempfile

PASSPHRASE = "Grüße, Nanoprobe"
MODES = "none authenticated authenticated-blake2 repokey repokey-blake2 keyfile keyfile-blake2".split()
CODECS = "none lz4 zstd,3 zlib,6 lzma,1 obfuscate,1,lz4".split()

directory = tempfile.mkdtemp()
os.environ.update(
    BORG_BASE_DIR=os.path.join(directory, "home"),
    BORG_PASSPHRASE=PASSPHRASE,
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
)

from borg.compress import CompressionSpec  # noqa: E402
from borg.crypto.keymanager import KeyManager  # noqa: E402
from borg.helpers import Manifest, bin_to_hex, msgpack  # noqa: E402
from borg.logger import setup_logging  # noqa: E402
from borg.repository import Repository  # noqa: E402

setup_logging()

borg = os.path.join(os.path.dirname(sys.executable), "borg")


def read(*parts):
    with open(os.path.join(*parts)) as file:
        return file.read()


def tam(key, context):
    """Signs a small map; gives salt, signature and the bytes that were signed."""
    packed = key.pack_and_authenticate_metadata({"version": 1, "name": "x"}, context=context)
    signature = msgpack.unpackb(packed)[b"tam"]
    zeroed = packed.replace(signature[b"hmac"], bytes(64))
    return signature[b"salt"], signature[b"hmac"], zeroed


def record(mode, out):
    path = os.path.join(directory, mode)
    subprocess.run([borg, "init", "-e", mode, path], check=True, stderr=subprocess.DEVNULL)
    with Repository(path, exclusive=True) as repository:
        manifest, key = Manifest.load(repository, Manifest.NO_OPERATION_CHECK)
        home = os.environ["BORG_BASE_DIR"]
        security = os.path.join(home, ".config/borg/security", repository.id_str)
        out("repository", repository.id)
        if mode.startswith("keyfile"):
            out("key", read(key.target).replace("\n", "|"))
        elif mode != "none":
            out("key", repository.load_key().decode().replace("\n", "|"))
        if mode != "none":
            paper = os.path.join(directory, "paper")
            keys = KeyManager(repository)
            keys.load_keyblob()
            keys.export_paperkey(paper)
            out("paper", read(paper).replace("\n", "|"))
        out("seed", str(key.chunk_seed))
        out("manifest", repository.get(Manifest.MANIFEST_ID))
        for codec in CODECS:
            key.compressor = CompressionSpec(codec).compressor
            data = (codec.encode() + b", and again ") * 12
            out("object", key.id_hash(data), key.encrypt(data), data)
        for context in b"manifest", b"archive":
            out("tam", context.decode(), *tam(key, context))
        if os.path.exists(os.path.join(path, "nonce")):
            out("nonce", read(path, "nonce"), read(security, "nonce"))
        out("security", read(security, "key-type"), read(security, "manifest-timestamp"))


for mode in MODES:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), mode + ".txt"), "w") as file:
        def out(name, *values):
            texts = [value if isinstance(value, str) else bin_to_hex(bytes(value)) for value in values]
            print(name, *texts, file=file)

        record(mode, out)
