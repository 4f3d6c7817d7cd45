#!/usr/bin/env python3
"""image/packages/sbom.py TRIPLE BINARY: what is in that binary, as CycloneDX 1.5 in JSON.

Crates come from Cargo.lock, as cargo resolves them for that triple and the features that the program is built with: what is linked into it, and
what ran while it was built (scope "excluded"). C libraries have the versions that their crates' sources name. The same sources and
binary give the same bytes.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = "nanoprobe-cli"
# Library, the crate that has its source, where the version stands there, its pattern, licence.
LIBRARIES = [
    ("openssl", "openssl-src", "openssl/VERSION.dat", r"MAJOR=(\d+)\nMINOR=(\d+)\nPATCH=(\d+)", "Apache-2.0"),
    ("libssh2", "libssh2-sys", "libssh2/include/libssh2.h", r'LIBSSH2_VERSION +"([^"]+)"', "BSD-3-Clause"),
    ("zlib", "libz-sys", "src/zlib/zlib.h", r'ZLIB_VERSION "([^"]+)"', "Zlib"),
    ("zstd", "zstd-sys", "zstd/lib/zstd.h", r"VERSION_MAJOR +(\d+)\n#define ZSTD_VERSION_MINOR +(\d+)\n#define ZSTD_VERSION_RELEASE +(\d+)", "BSD-3-Clause"),
    ("lz4", "lz4-sys", "liblz4/lib/lz4.h", r"VERSION_MAJOR +(\d+).*\n#define LZ4_VERSION_MINOR +(\d+).*\n#define LZ4_VERSION_RELEASE +(\d+)", "BSD-2-Clause"),
    ("xz", "liblzma-sys", "xz/src/liblzma/api/lzma/version.h", r"VERSION_MAJOR (\d+)[^#]*#define LZMA_VERSION_MINOR (\d+)[^#]*#define LZMA_VERSION_PATCH (\d+)", "0BSD"),
]


def cargo(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "RUSTC"}
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, env=environment).stdout


def checksums():
    """Of crates, by name and version."""
    found = {}
    for entry in (ROOT / "Cargo.lock").read_text().split("[[package]]")[1:]:
        values = dict(re.findall(r'^(name|version|checksum) = "(.*)"$', entry, re.M))
        found[values["name"], values["version"]] = values.get("checksum")
    return found


def tree(triple, edges):
    """Name and version of every crate that cargo says the program needs."""
    lines = cargo("tree", "--locked", "-p", PROGRAM, "--target", triple, "-e", edges, "--prefix", "none", "-f", "{p}").splitlines()
    return {(name, version.removeprefix("v")) for name, version in (line.split()[:2] for line in lines if line)}


def graph(triple):
    """Crates by id, and of each what it needs, from the resolution for that triple."""
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", triple))
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {node["id"]: [dependency["pkg"] for dependency in node["deps"]] for node in metadata["resolve"]["nodes"]}
    return packages, needs


def licence(expression):
    return [{"expression": re.sub(r" */ *", " OR ", expression)}]


def crate(package, checksum, is_linked):
    name, version = package["name"], package["version"]
    component = {"type": "library", "bom-ref": f"pkg:cargo/{name}@{version}", "name": name, "version": version,
                 "scope": "required" if is_linked else "excluded", "licenses": licence(package["license"]), "purl": f"pkg:cargo/{name}@{version}"}
    if package.get("description"):
        component["description"] = " ".join(package["description"].split())
    if checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return component


def library(name, version, expression, scope="required"):
    return {"type": "library", "bom-ref": f"pkg:generic/{name}@{version}", "name": name, "version": version, "scope": scope,
            "licenses": licence(expression), "purl": f"pkg:generic/{name}@{version}"}


def c_libraries(packages, present):
    """The C libraries whose crates are part of it; OpenSSL is built from its own crate, which no triple names."""
    by_name = {package["name"]: package for package in packages.values()}
    for name, owner, file, pattern, expression in LIBRARIES:
        needed = "openssl-sys" if name == "openssl" else owner
        if needed not in present:
            continue
        text = (pathlib.Path(by_name[owner]["manifest_path"]).parent / file).read_text()
        version = ".".join(re.search(pattern, text).groups())
        yield needed, library(name, version, expression)


def compiler(content):
    """What compiled and linked it, as the binary says itself."""
    for name, pattern in (("rustc", rb"rustc version ([0-9.]+)"), ("clang", rb"clang version ([0-9.]+)"), ("lld", rb"LLD ([0-9.]+)")):
        if found := re.search(pattern, content):
            yield {"type": "application", "name": name, "version": found[1].decode()}


def runtime(tools):
    """What the compiler adds: Rust's standard library, and of Zig musl and what C leaves to it."""
    rust = next(tool["version"] for tool in tools if tool["name"] == "rustc")
    zig = re.search(r"ziglang==([0-9.]+)", (ROOT / "targets/compiler.sh").read_text())[1]
    yield library("rust-std", rust, "MIT OR Apache-2.0")
    yield library("compiler-rt-of-zig", zig, "MIT")
    yield library("musl", musl(), "MIT")


def musl():
    """As the compiler's sources say, where they are; else what that version of it is known to have."""
    for file in ROOT.glob("target/compiler/venv/lib/python3*/site-packages/ziglang/lib/libc/musl/src/internal/version.h"):
        return re.search(r'VERSION "([^"]+)"', file.read_text())[1]
    return "1.2.5"


def bill(triple, binary):
    packages, needs = graph(triple)
    linked, all_of_it = tree(triple, "normal,no-proc-macro"), tree(triple, "normal,build")
    sums = checksums()
    mine = {identity: package for identity, package in packages.items() if (package["name"], package["version"]) in all_of_it}
    reference = {identity: f"pkg:cargo/{package['name']}@{package['version']}" for identity, package in mine.items()}
    components = [crate(package, sums[package["name"], package["version"]], (package["name"], package["version"]) in linked)
                  for package in mine.values() if package["name"] != PROGRAM]
    root = next(identity for identity, package in mine.items() if package["name"] == PROGRAM)
    version = mine[root]["version"]
    depends = {reference[identity]: {reference[need] for need in needs[identity] if need in mine} for identity in mine}
    for owner, component in c_libraries(packages, {package["name"] for package in mine.values()}):
        components.append(component)
        depends[next(reference[identity] for identity, package in mine.items() if package["name"] == owner)].add(component["bom-ref"])
    content = pathlib.Path(binary).read_bytes()
    tools = list(compiler(content))
    for component in runtime(tools):
        components.append(component)
        depends[reference[root]].add(component["bom-ref"])
    digest = hashlib.sha256(content).hexdigest()
    main = {"type": "application", "bom-ref": reference[root], "name": "nanoprobe", "version": version, "licenses": licence(mine[root]["license"]),
            "hashes": [{"alg": "SHA-256", "content": digest}], "properties": [{"name": "triple", "value": triple}]}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # A name that only these bytes have.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{triple} {digest}')}",
        "version": 1,
        "metadata": {"component": main, "tools": {"components": tools}},
        "components": sorted(components, key=lambda component: component["bom-ref"]),
        "dependencies": [{"ref": name, "dependsOn": sorted(depends[name])} for name in sorted(depends)],
    }


def main():
    triple, binary = sys.argv[1:]
    json.dump(bill(triple, binary), sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
