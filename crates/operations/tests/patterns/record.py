"""Records what the real Borg's PatternMatcher decides: python record.py > decisions.jsonl (with borgbackup 1.4.5 installed).

The first line holds the probes. Then one line a case: pattern lines, exclude lines, paths of the command line; one letter a
probe ("+" included, "-" excluded but entered, "!" excluded and not entered); and the paths that never matched. Bytes outside
printable ASCII are percent-encoded. A case that Borg refuses has "error" instead.
"""

import json
import os
import random
import urllib.parse

from borg.patterns import PatternMatcher, load_exclude_file, load_pattern_file

PRINTABLE = "".join(chr(c) for c in range(32, 127) if c != 0x25)

PROBES = [
    "a", "a/b", "a/b/c", "a/b/c/d.txt", "a/bb", "ab", "ab/c", "b", "b/a", "etc/shadow", "home/user/.cache/x", "home/user/file.o",
    "home/user/cache/file", "home/otto/junk/1.bak", "srv/data", "srv/[x]", "srv/x", "srv/{1}", "a b/c d", "A/B", "x*y", "x?y",
    "caf\u00e9/men\u00fc.txt", "caf\udce9/x", "\udcff", "\u65e5\u672c/\u8a9e", "a\nb", "line\n", "tmp/-", "tmp/^a", "tmp/]b", "tmp/\\d",
    "var/tmp/1", "var/tmp/12", "var/tmp/0123", "/lead/slash", "ends/slash/", "..", "../up", "foo.pyc", "dir/foo.pyc", "dir/foo.pyc/bar",
    ".hidden", "dir/.hidden/file", "abcabc", "aa", "aXa", "e\u0301", "_", "5", "\u0665",
]

CASES = [
    # pattern lines, exclude lines, paths
    (["- a"], [], []), (["! a"], [], []), (["+ a/b", "- a"], [], []), (["+ a/b", "! a"], [], []), (["-a", "+ b"], [], []),
    (["P fm", "- *.o", "P re", "- ^home/.*/junk", "+ b"], [], []), (["P pp", "- home/user"], [], []), (["P pf", "! a/b/c"], [], []),
    ([], ["*.pyc"], []), ([], ["dir/"], []), ([], ["dir/*"], []), ([], ["sh:**/.hidden"], []), ([], ["sh:home/**/*.o"], []),
    ([], ["sh:home/*/cache/"], []), ([], ["sh:*/b"], []), ([], ["sh:**/b/**"], []), ([], ["sh:**"], []), ([], ["sh:**/"], []),
    ([], ["home/*/junk/*"], []), ([], ["fm:*/[!b]*"], []), ([], ["fm:srv/[[]x]"], []), ([], ["sh:srv/[[]x[]]"], []),
    ([], ["fm:x[*]y", "fm:x[?]y"], []), ([], ["fm:[!]]*"], []), ([], ["fm:tmp/[]]b"], []), ([], ["fm:tmp/[^]a"], []), ([], ["fm:[a-"], []),
    ([], ["sh:tmp/[^-]*"], []), ([], ["sh:tmp/[!-]*"], []), ([], ["fm:tmp/[z-a]*"], []), ([], ["sh:tmp/[z-a]*"], []), ([], ["fm:tmp/[!z-a]*"], []),
    ([], ["fm:tmp/[\\]*"], []), ([], ["fm:[a-c-e]"], []), ([], ["fm:[--0]"], []), ([], ["fm:[&&~~||]"], []), ([], ["sh:[a&&b]"], []),
    ([], ["/a/"], []), ([], ["//a"], []), ([], ["/"], []), ([], ["."], []), ([], ["./a"], []), ([], ["a/../b"], []), ([], ["../up"], []),
    ([], ["sh:/"], []), ([], ["sh:/a"], []), ([], ["pp:/"], []), ([], ["pp:."], []), ([], ["pp:a/b/"], []), ([], ["pf:/a/b/"], []),
    ([], ["caf?/*"], []), ([], ["caf\udce9"], []), ([], ["?"], []), ([], ["sh:??"], []), ([], ["*\udce9/*"], []), ([], ["[\udcff\u65e5]*"], []),
    ([], ["re:\\.o$"], []), ([], ["re:^(a|b)/"], []), ([], ["re:^\\w$"], []), ([], ["re:^\\W"], []), ([], ["re:\\s"], []), ([], ["re:^\\d+$"], []),
    ([], ["re:[^/]+/[^/]+\\Z"], []), ([], ["re:line$"], []), ([], ["re:^line\\Z"], []), ([], ["re:a{2}"], []), ([], ["re:{1}"], []), ([], ["re:a{,2}$"], []),
    ([], ["re:a{x"], []), ([], ["re:[[]x]"], []), ([], ["re:[]]b"], []), ([], ["re:[a&&b]b"], []), ([], ["re:(?i)^a/b$"], []), ([], ["re:(?i:A)b"], []),
    ([], ["re:(?=a)"], []), ([], ["re:^(?!a)"], []), ([], ["re:(?<=user/)cache"], []), ([], ["re:(?<!user/)cache"], []), ([], ["re:(.)\\1"], []),
    ([], ["re:(?P<x>abc)(?P=x)"], []), ([], ["re:(?P<x>a).*a"], []), ([], ["re:\\<"], []), ([], ["re:\\x61/b"], []), ([], ["re:\\u00e9"], []),
    ([], ["re:\\141b"], []), ([], ["re:\\0"], []), ([], ["re:[\\w.]+\\.pyc"], []), ([], ["re:[^\\w/]"], []), ([], ["re:[\\d-]$"], []), ([], ["re:a.b"], []),
    ([], ["re:(?s)a.b"], []), ([], ["re:(?m)^b$"], []), ([], ["re:(?x) a / b $ # comment"], []), ([], ["re:a(?#comment)b"], []), ([], ["re:("], []),
    ([], ["re:*"], []), ([], ["re:[z-a]"], []), ([], ["re:\\q"], []), ([], ["re:"], []), ([], ["re:a|"], []), ([], ["re:[a-z]++c"], []), ([], ["re:a*?b"], []),
    ([], ["re:^tmp/(-|\\^)"], []), ([], ["re:\\/b\\/"], []), ([], ["re:^[^a-z]"], []), ([], ["re:\\bb\\b"], []), ([], ["re:^.$"], []), ([], ["re:^\u65e5"], []),
    ([], ["zz:a"], []), ([], ["a:b"], []), ([], ["C:\\x"], []), (["x a"], [], []), (["+"], [], []), (["P zz"], [], []), (["P  sh ", "- **/b"], [], []),
    (["# comment", "", "  - a  ", "\t! b"], [], []), (["R a", "- a/b"], [], []), (["r a", "p re", "-b$"], [], []), (["-zz:a"], [], []),
    ([], [], ["a"]), ([], [], ["a/b", "nothere"]), ([], [], ["a", "a"]), ([], [], ["/etc/"]), ([], [], ["pf:a/b", "pf:none"]), ([], [], ["sh:**/*.o", "re:^x", "fm:*.txt"]),
    ([], [], ["."]), ([], [], ["./a"]), ([], ["a/b"], ["a"]), (["+ a/b/c", "! a/b"], [], ["a"]), (["- *.o"], [], ["home"]), ([], [], ["caf\udce9"]),
    (["+ pf:a/b", "- pf:a/b"], ["pf:ab"], []), (["+ home/user/.cache", "- home/*/.cache"], ["home"], []),
]


def quoted(text):
    return urllib.parse.quote(os.fsencode(text), safe=PRINTABLE)


def generated():
    source = random.Random(1405)
    pieces = ["a", "b", "c", "home", "user", "*", "**", "?", "/", "/", "/", "**/", ".", ".o", "[ab]", "[!a]", "[a-c]", "cache", "-", "tmp"]
    for _ in range(400):
        lines = []
        for _ in range(source.randint(1, 4)):
            style = source.choice(["", "", "fm:", "sh:", "pp:", "pf:"])
            lines.append(source.choice("+-!") + " " + style + "".join(source.choices(pieces, k=source.randint(1, 6))))
        paths = source.sample(["a", "home", "b", "var/tmp", "sh:**/c"], k=source.choice([0, 0, 0, 1, 2]))
        yield lines, [], paths


def record(lines, excludes, paths):
    case = {"lines": lines, "excludes": excludes, "paths": paths}
    case = {key: [quoted(value) for value in values] for key, values in case.items()}
    try:
        roots, commands = [], []
        load_pattern_file(lines, roots, commands)
        load_exclude_file(excludes, commands)
        matcher = PatternMatcher(fallback=True)
        matcher.add_inclexcl(commands)
        matcher.add_includepaths(paths)
        case["roots"] = [quoted(root) for root in roots]
        case["decisions"] = "".join(
            "+" if matcher.match(probe) else "-" if matcher.recurse_dir else "!" for probe in PROBES
        )
        case["unmatched"] = [quoted(str(pattern)) for pattern in matcher.get_unmatched_include_patterns()]
    except Exception as error:
        case["error"] = type(error).__name__
    print(json.dumps(case))


print(json.dumps([quoted(probe) for probe in PROBES]))
for case in CASES:
    record(*case)
for case in generated():
    record(*case)
