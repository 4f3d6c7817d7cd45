//! `diff`, `export-tar` and `import-tar` beside the real Borg.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};

/// Both programs say the same, on both channels, and end alike.
#[track_caller]
fn equal(world: &World, arguments: &[&str]) -> Outcome {
    let [borg, ours] = Program::BOTH.map(|program| world.run(program, arguments));
    assert_eq!(ours.text(), borg.text(), "{arguments:?}\n{}", ours.messages);
    assert_eq!(ours.messages, borg.messages, "{arguments:?}");
    assert_eq!(ours.code, borg.code, "{arguments:?}");
    ours
}

/// Changes of every kind, in a tree that `grow_tree` made.
fn change(tree: &Path) {
    let at = |name: &str| tree.join(name);
    fs::write(at("random-100"), b"shorter").expect("a file");
    fs::write(at("hard-1"), b"all three names").expect("a file");
    let mut grown = fs::read(at("random-300000")).expect("a file");
    grown.extend(b"something more");
    fs::write(at("random-300000"), grown).expect("a file");
    fs::remove_file(at("random-4096")).expect("it is there");
    fs::remove_file(at("a-hard-0")).expect("it is there");
    fs::remove_file(at("fifo")).expect("it is there");
    fs::remove_dir(at("empty-folder")).expect("it is there");
    fs::write(at("empty-folder"), b"a file now").expect("a file");
    for (link, target) in [("link", "elsewhere"), ("new-link", "größe")] {
        let _ = fs::remove_file(at(link));
        symlink(target, at(link)).expect("a link");
    }
    fs::remove_file(at("dangling")).expect("it is there");
    fs::create_dir(at("dangling")).expect("a folder");
    fs::write(at("added"), b"one file").expect("a file");
    fs::hard_link(at("added"), at("added-too")).expect("a link");
    fs::remove_file(at("modes/400")).expect("it is there");
    use std::os::unix::fs::{PermissionsExt, chown};
    fs::set_permissions(at("modes/755"), fs::Permissions::from_mode(0o4711)).expect("permissions");
    if rustix::process::geteuid().is_root() {
        chown(at("modes/644"), Some(1), Some(4713)).expect("an owner");
    }
    fs::set_permissions(at("text"), fs::Permissions::from_mode(0o600)).expect("permissions");
}

#[test]
fn differences() {
    let world = World::with_repository(Program::Borg, "repokey-blake2");
    grow_tree(&world.path("tree"), 21, Content::Small);
    world.create(Program::Borg, "borg-1", "tree", &[]);
    world.create(Program::Nanoprobe, "ours-1", "tree", &[]);
    change(&world.path("tree"));
    world.create(Program::Borg, "borg-2", "tree", &[]);
    world.create(Program::Nanoprobe, "ours-2", "tree", &[]);
    world.create(Program::Borg, "cut-otherwise", "tree", &["--chunker-params", "10,16,12,4095"]);
    for (old, new) in [
        ("borg-1", "borg-2"),
        ("borg-2", "borg-1"),
        ("ours-1", "ours-2"),
        ("ours-1", "borg-1"),
        ("borg-1", "cut-otherwise"),
        ("borg-2", "cut-otherwise"),
    ] {
        let old = world.archive(old);
        equal(&world, &["diff", &old, new]);
        equal(&world, &["diff", "--json-lines", "--content-only", &old, new]);
    }
    let old = world.archive("borg-1");
    let diff = |options: &[&str], paths: &[&str]| {
        let words: Vec<&str> =
            ["diff"].iter().chain(options).chain(&[old.as_str(), "ours-2"]).chain(paths).copied().collect();
        equal(&world, &words)
    };
    for fields in [">size,user", "size_added,>path", ">size_diff,gid", "<size_removed,>mtime_diff", "uid,>ctime"] {
        diff(&["--sort-by", fields], &[]);
    }
    diff(&["--sort", "--json-lines"], &[]);
    diff(&["--same-chunker-params", "--iec"], &["deep", "modes"]);
    diff(&["--exclude", "sh:modes/*", "--json-lines"], &[]);
    // A link whose first name is not looked at, in one archive or in both.
    assert_eq!(diff(&[], &["folder"]).code, 1);
    diff(&["--pattern=- added"], &[]);
    diff(&["--exclude", "added"], &[]);
    diff(&["--exclude", "hard-1", "--exclude", "a-hard-0"], &[]);
    assert_eq!(diff(&[], &["not-there"]).code, 1);
    for wrong in [["ours-2", "--sort-by=mode"], ["no::name", "-p"], ["", "-p"]] {
        assert_eq!(world.run(Program::Nanoprobe, ["diff", &old, wrong[0], wrong[1]]).code, 2, "{wrong:?}");
    }
    assert!(diff(&[], &[]).text().lines().count() > 15);
    assert_eq!(
        world.run(Program::Nanoprobe, ["diff", &old, "gone"]).code,
        world.run(Program::Borg, ["diff", &old, "gone"]).code
    );
}

/// What no tree of an unprivileged user holds, or `grow_tree` has not: long names and targets, large numbers, old times.
fn unusual(tree: &Path) {
    let long = tree.join("l".repeat(120)).join("m".repeat(120));
    fs::create_dir_all(&long).expect("folders");
    fs::write(long.join("n".repeat(101)), b"at the end of a long path").expect("a file");
    fs::hard_link(long.join("n".repeat(101)), long.join("hard")).expect("a link");
    fs::write(tree.join("x".repeat(100)), b"just fits").expect("a file");
    symlink("t".repeat(300), tree.join("to-far-away")).expect("a link");
    symlink("t".repeat(100), tree.join("to-near")).expect("a link");
    for (name, seconds) in [("ancient", -1_000_000_000), ("late", 9_000_000_000)] {
        let file = fs::File::create(tree.join(name)).expect("a file");
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 999_999_999 };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        rustix::fs::futimens(file, &times).expect("times");
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(tree.join("late"), Some(4_000_000_000), Some(3_000_000)).expect("an owner");
    }
}

/// A tree's archives of both programs, exported by both: equal byte for byte.
#[test]
fn exports() {
    let world = World::with_repository(Program::Borg, "repokey");
    let tree = world.path("tree");
    grow_tree(&tree, 22, Content::Large);
    unusual(&tree);
    world.create(Program::Borg, "of-borg", "tree", &[]);
    world.create(Program::Nanoprobe, "of-ours", "tree", &[]);
    for (archive, options, paths) in [
        ("of-borg", &[][..], &[][..]),
        ("of-ours", &["--list"], &[]),
        ("of-borg", &["--strip-components=1", "--list"], &[]),
        ("of-ours", &["--tar-filter", "tr a-z A-Z"], &["folder", "a-hard-0", "re:^x+$"]),
        // Links whose first name, which has the content, is left out.
        ("of-borg", &["--exclude", "a-hard-0", "--exclude", "hard-1", "-e", "random-*"], &[]),
        ("of-ours", &["--exclude", "a-hard-0", "--progress", "-e", "sh:deep/**"], &[]),
        ("of-borg", &[], &["not-there"]),
    ] {
        let archive = world.archive(archive);
        let words: Vec<&str> =
            ["export-tar"].iter().chain(options).chain(&[archive.as_str(), "-"]).chain(paths).copied().collect();
        let [borg, ours] = Program::BOTH.map(|program| world.run(program, &words));
        assert!(
            borg.output == ours.output,
            "{words:?}: {} bytes, {} bytes\n{}",
            borg.output.len(),
            ours.output.len(),
            ours.messages
        );
        assert_eq!(ours.code, borg.code, "{words:?}");
        if !options.contains(&"--progress") {
            assert_eq!(ours.messages, borg.messages, "{words:?}");
        }
    }
    let archive = world.archive("of-ours");
    for (name, decompress) in [
        ("a.tar", "cat"),
        ("a.tgz", "gzip"),
        ("a.tar.bz2", "bzip2"),
        ("a.txz", "xz"),
        ("a.tar.zst", "zstd"),
        ("a.tar.lz4", "lz4"),
    ] {
        world.run(Program::Nanoprobe, ["export-tar", &archive, name, "deep", "folder"]).success();
        let command = if decompress == "cat" { "cat a.tar".to_owned() } else { format!("{decompress} -dc {name}") };
        let shell = Command::new("sh").args(["-c", &command]).current_dir(world.path("")).output().expect("sh");
        assert!(shell.status.success() && shell.stdout == fs::read(world.path("a.tar")).expect("the tar"), "{name}");
    }
    let folder = world.path("by-tar");
    fs::create_dir(&folder).expect("a folder");
    world.run(Program::Nanoprobe, ["export-tar", &archive, "all.tar"]).success();
    let tar = Command::new("tar")
        .args(["-xpf", "../all.tar", "--warning=no-timestamp"])
        .current_dir(&folder)
        .status()
        .expect("tar");
    assert!(tar.success());
    for name in ["random-20971520", "folder/hard-2", "text", "sparse"] {
        assert!(fs::read(folder.join(name)).expect("a file") == fs::read(tree.join(name)).expect("a file"), "{name}");
    }
    // A filter that is not there, one that fails, a place that is not there.
    equal(&world, &["export-tar", "--tar-filter", "no-such-program -x", &archive, "-"]);
    let [borg, ours] = Program::BOTH.map(|program| {
        world.run(program, ["export-tar", "--tar-filter=sh -c 'cat >&2; exit 3'", &archive, "x.tar", "modes/400"])
    });
    assert_eq!((ours.code, ours.messages), (borg.code, borg.messages));
    assert_eq!(world.run(Program::Nanoprobe, ["export-tar", &archive, "no/such/place.tar"]).code, 2);
}

/// What an import makes of a member, all of it.
const EVERYTHING: &str = "{mode} {uid}:{gid} {user}:{group} {size} {num_chunks} {mtime} {ctime} {sha256} {type} {bpath} {source} {linktarget}{NL}";

/// Tar archives of every format, imported by both programs: equal archives, equal words.
#[test]
fn imports() {
    let world = World::with_repository(Program::Borg, "authenticated-blake2");
    let tree = world.path("tree");
    grow_tree(&tree, 23, Content::Large);
    unusual(&tree);
    let tar = |options: &[&str], name: &str| {
        let mut command = Command::new("tar");
        command.arg("-cf").arg(world.path(name)).args(options).current_dir(&tree);
        command
            .args(["--exclude=sub", "--sort=name"])
            .args(["deep", "folder", "hard-1", "link", "dangling", "fifo", "modes", "late"]);
        command.args([
            "sparse",
            "hole",
            "text",
            "random-3145728",
            "empty-folder",
            "device",
            "to-near",
            "link-to-stray",
        ]);
        // Some formats cannot hold everything, and where devices are forbidden there is none.
        let _ = command.output().expect("tar");
    };
    let sparse = |version: &'static str| ["--format=posix", "--sparse", version];
    for (name, options) in [
        ("gnu.tar", &["--format=gnu"][..]),
        ("oldgnu.tar", &["--format=oldgnu", "--sparse"]),
        ("pax.tar", &["--format=posix"]),
        ("ustar.tar", &["--format=ustar"]),
        ("v7.tar", &["--format=v7"]),
        ("sparse-0.0.tar", &sparse("--sparse-version=0.0")),
        ("sparse-0.1.tar", &sparse("--sparse-version=0.1")),
        ("sparse-1.0.tar", &sparse("--sparse-version=1.0")),
        ("volume.tgz", &["--format=gnu", "--gzip", "--label=a volume", "--numeric-owner"]),
    ] {
        tar(options, name);
        let imported = Program::BOTH.map(|program| {
            let archive = world.archive(&format!("{name}-{program}"));
            let comment = format!("from {name}");
            world.run(program, ["import-tar", "--list", "--comment", &comment, "-C", "zstd", &archive, name])
        });
        assert_eq!(imported[1].messages, imported[0].messages, "{name}");
        assert_eq!(imported[1].code, imported[0].code, "{name}");
        let lists = Program::BOTH.map(|program| {
            let archive = world.archive(&format!("{name}-{program}"));
            world.run(Program::Borg, ["list", "--format", EVERYTHING, &archive]).success().text()
        });
        assert!(lists[0].lines().count() > 30, "{name}: {}", lists[0]);
        assert_eq!(lists[1], lists[0], "{name}");
        let diff =
            world.run(Program::Borg, ["diff", &world.archive(&format!("{name}-borg")), &format!("{name}-nanoprobe")]);
        assert_eq!(diff.success().text(), "", "{name}");
    }
    for name in ["gnu.tar", "sparse-1.0.tar"] {
        let folder = world.extract(Program::Nanoprobe, &format!("{name}-nanoprobe"), "out", &[]);
        for file in ["sparse", "hole", "text", "random-3145728", "folder/hard-2"] {
            assert!(
                fs::read(folder.join(file)).expect("a file") == fs::read(tree.join(file)).expect("a file"),
                "{name}: {file}"
            );
        }
    }
    // There and back: the same tar archive.
    world.run(Program::Nanoprobe, ["export-tar", &world.archive("gnu.tar-nanoprobe"), "once.tar"]).success();
    let input = fs::File::open(world.path("once.tar")).expect("the tar archive");
    let mut command =
        world.command(Program::Nanoprobe, ["import-tar", "--json", "-c", "1", &world.archive("again"), "-"]);
    command.stdin(input);
    let json = Outcome::of(command).success().json();
    assert!(json["archive"]["stats"]["nfiles"].as_u64().is_some_and(|files| files > 20), "{json}");
    let again = world.run(Program::Borg, ["export-tar", &world.archive("again"), "-"]).success();
    assert!(again.output == fs::read(world.path("once.tar")).expect("the tar archive"));
    refused(&world);
    world.check(Program::Borg);
}

/// What is no tar archive, or not whole, makes no archive.
fn refused(world: &World) {
    let whole = fs::read(world.path("gnu.tar")).expect("the tar archive");
    fs::write(world.path("cut.tar"), &whole[..whole.len() / 2]).expect("a file");
    fs::write(world.path("none.tar"), b"nothing like it".repeat(1000)).expect("a file");
    fs::write(world.path("empty.tar"), b"").expect("a file");
    let gzipped = fs::read(world.path("volume.tgz")).expect("the tar archive");
    fs::write(world.path("cut.tgz"), &gzipped[..gzipped.len() - 20]).expect("a file");
    let archive = world.archive("refused");
    for name in ["cut.tar", "none.tar", "empty.tar", "cut.tgz", "not-there.tar"] {
        let outcome = world.run(Program::Nanoprobe, ["import-tar", &archive, name]).expect(2);
        assert!(!outcome.messages.contains("panicked"), "{}", outcome.messages);
    }
    for filter in ["no-such-program", "false", ""] {
        let words =
            ["import-tar", "--tar-filter", filter, &archive, if filter.is_empty() { "cut.tgz" } else { "gnu.tar" }];
        world.run(Program::Nanoprobe, words).expect(2);
    }
    let list =
        world.run(Program::Nanoprobe, ["list", "--short", "--consider-checkpoints", &world.repository()]).success();
    assert!(!list.text().contains("refused"), "{}", list.text());
    // Names that lead out of the tree stay inside.
    let script = "import io, tarfile\n\
        tar = tarfile.open('evil.tar', 'w')\n\
        for name in ['/absolute', '../../up', 'a/../../b', './dot/./x', '..', 'n' * 300 + '/../c', '']:\n    \
            entry = tarfile.TarInfo(name); entry.size = 3; tar.addfile(entry, io.BytesIO(b'abc'))\n\
        entry = tarfile.TarInfo('odd'); entry.type = b'D'; tar.addfile(entry)\n\
        tar.close()";
    let python = Program::Borg.path().with_file_name("python");
    assert!(Command::new(python).args(["-c", script]).current_dir(world.path("")).status().expect("python").success());
    let outcomes = Program::BOTH.map(|program| {
        world.run(program, ["import-tar", "--list", &world.archive(&format!("evil-{program}")), "evil.tar"])
    });
    assert_eq!((outcomes[1].code, &outcomes[1].messages), (outcomes[0].code, &outcomes[0].messages));
    let names = Program::BOTH.map(|program| {
        world.run(Program::Borg, ["list", "--short", &world.archive(&format!("evil-{program}"))]).success().text()
    });
    assert_eq!(names[1], names[0]);
}

/// Archives in different orders, larger than what may wait in memory.
#[test]
fn differences_of_large_archives() {
    let world = World::with_repository(Program::Borg, "none");
    fs::create_dir(world.path("tree")).expect("a tree");
    for folder in ["x", "y", "z"] {
        fs::create_dir(world.path("tree").join(folder)).expect("a folder");
        for number in 0..3000 {
            let name = format!("{folder}/{:x}", number * 7919 % 65_536);
            fs::write(world.path("tree").join(&name), if number % 9 == 0 { "content" } else { "" }).expect("a file");
            if number % 50 == 0 {
                fs::hard_link(world.path("tree").join(&name), world.path("tree").join(name + "-link")).expect("a link");
            }
        }
    }
    let tree = world.path("tree");
    let create = |program, archive: &str, roots: &[&str]| {
        let archive = world.archive(archive);
        let words: Vec<&str> = ["create", archive.as_str()].iter().chain(roots).copied().collect();
        world.run_in(&tree, program, words).success();
    };
    create(Program::Borg, "old", &["x", "y", "z"]);
    create(Program::Nanoprobe, "old-sorted", &["x", "y", "z"]);
    for folder in ["x", "z"] {
        for number in (0..3000).step_by(50) {
            fs::write(tree.join(format!("{folder}/{:x}", number * 7919 % 65_536)), "other content").expect("a file");
            fs::write(tree.join(format!("{folder}/new-{number}")), "new").expect("a file");
            fs::remove_file(tree.join(format!("{folder}/{:x}", (number + 1) * 7919 % 65_536))).expect("it is there");
        }
    }
    create(Program::Borg, "new", &["z", "y", "x"]);
    create(Program::Nanoprobe, "new-sorted", &["x", "y", "z"]);
    let limit = ["--memory-limit", "16M"];
    for (old, new, options) in [
        ("old", "new", &[][..]),
        ("new", "old", &["--json-lines"]),
        ("old-sorted", "new-sorted", &[]),
        ("old-sorted", "new", &["--sort-by", ">size,path"]),
    ] {
        let old = world.archive(old);
        let words: Vec<&str> = ["diff", old.as_str(), new].iter().chain(options).copied().collect();
        let borg = world.run(Program::Borg, &words).success();
        let ours = world.run(Program::Nanoprobe, words.iter().chain(&limit)).success();
        assert!(borg.text().lines().count() > 300);
        assert!(ours.text() == borg.text(), "{words:?}");
    }
}
