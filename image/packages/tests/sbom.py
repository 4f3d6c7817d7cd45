#!/usr/bin/env python3
"""image/packages/tests/sbom.py FILE…: each is CycloneDX by its schema, names every crate that cargo says is linked, and a licence for everything.

Needs cyclonedx-python-lib[json-validation], which has the schema.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[3]


def crates(triple, edges):
    command = ["cargo", "tree", "--locked", "-p", "nanoprobe-cli", "--target", triple, "-e", edges, "--prefix", "none", "-f", "{p}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return {tuple(line.split()[:2]) for line in lines if line}


for name in sys.argv[1:]:
    text = pathlib.Path(name).read_text()
    if error := JsonStrictValidator(SchemaVersion.V1_5).validate_str(text):
        sys.exit(f"{name}: {error}")
    bill = json.loads(text)
    program = bill["metadata"]["component"]
    triple = next(one["value"] for one in program["properties"] if one["name"] == "triple")
    binary = hashlib.sha256((ROOT / "target/boxes" / triple / "nanoprobe").read_bytes()).hexdigest()
    assert program["hashes"][0]["content"] == binary, f"{name} is of another binary"
    components = [program | {"name": "nanoprobe-cli"}, *bill["components"]]
    def named(scopes):
        return {(one["name"], "v" + one["version"]) for one in components if one.get("scope", "required") in scopes}
    missing = crates(triple, "normal") - named({"required", "excluded"})
    assert not missing, f"{name} does not name {sorted(missing)}"
    # What only runs while it is built is told apart from what is in it.
    linked = crates(triple, "normal,no-proc-macro")
    assert linked <= named({"required"}) and not linked & named({"excluded"}), f"{name} takes {sorted(linked - named({'required'}))} for tools"
    assert all(one["licenses"][0]["expression"] for one in components), f"{name}: something has no licence"
    generic = {one["name"] for one in components if one.get("purl", "").startswith("pkg:generic/")}
    wanted = {"openssl", "libssh2", "zlib", "zstd", "lz4", "xz", "musl", "rust-std", "compiler-rt-of-zig"}
    assert generic == wanted, f"{name}: {generic ^ wanted}"
    print(f"{pathlib.Path(name).name}: {len(components)} parts, {len(linked)} crates linked, {len(wanted)} libraries of others")
