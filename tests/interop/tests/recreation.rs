//! recreate of both programs on the same repository: what they say, and every byte of what the new archive says.

use std::fs;

use nanoprobe_interop::{Content, Program, World, grow_tree};
use serde_json::Value;

/// A repository with archives of Borg's, cut in two ways, and a partial one that holds part files.
fn world() -> World {
    let world = World::with_repository(Program::Borg, "repokey");
    let tree = world.path("tree");
    grow_tree(&tree, 5, Content::Small);
    for name in ["cache", "no", "linked"] {
        fs::create_dir(tree.join(name)).expect("a folder");
        fs::write(tree.join(name).join("data"), name.repeat(3000)).expect("a file");
    }
    fs::write(tree.join("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n").expect("a file");
    fs::write(tree.join("no/.nobackup"), "").expect("a file");
    fs::write(tree.join("a-master"), "several names\n".repeat(20_000)).expect("a file");
    for name in ["linked/one", "linked/two"] {
        fs::hard_link(tree.join("a-master"), tree.join(name)).expect("a link");
    }
    world.create(Program::Borg, "fixed", "tree", &["--chunker-params", "fixed,4096", "--comment", "old", "-C", "zlib"]);
    world.create(Program::Borg, "default", "tree", &["-C", "none"]);
    world
}

/// Everything that the archives say and hold, but for what is random or a duration.
fn dumped(world: &World, program: Program, timed: bool) -> Vec<Value> {
    let names =
        world.run(Program::Borg, ["list", "--short", "--sort-by", "name", &world.repository()]).success().text();
    let dumps = names.lines().map(|name| {
        let file = world.path("dump.json");
        let file = file.to_str().expect("UTF-8");
        world.run(Program::Nanoprobe, ["debug", "dump-archive", &world.archive(name), file]).success();
        let mut dump: Value = serde_json::from_slice(&fs::read(file).expect("a dump")).expect("JSON");
        fs::remove_file(file).expect("a dump");
        dump["_manifest_entry"]["id"].take();
        let says = dump["_meta"].as_object_mut().expect("metadata");
        says.remove("tam").expect("authentication");
        if let Some(words) = says.get_mut("recreate_cmdline") {
            assert_eq!(words[0].take(), program.path().to_str().expect("UTF-8"));
        }
        if timed {
            let end = says.remove("time_end").expect("an end");
            assert!(end.as_str().expect("text") >= says["time"].as_str().expect("text"));
        }
        dump
    });
    dumps.collect()
}

#[test]
fn new_archives_are_borgs() {
    let mut world = world();
    world.keep();
    world.set("BORG_HOSTNAME", "another");
    let (repository, fixed, default) = (world.repository(), world.archive("fixed"), world.archive("default"));
    for arguments in [
        &["--comment", "new", fixed.as_str()][..],
        &["--list", "--exclude", "a-master", "--exclude", "deep", &fixed],
        &["--list", "--filter", "x", &default, "linked", "no"],
        &["--list", "--dry-run", "--exclude-caches", "--exclude-if-present", ".nobackup", &repository],
        &["--exclude-caches", "--exclude-if-present", ".nobackup", &repository],
        &["--exclude-caches", "--exclude-if-present", ".nobackup", "--keep-exclude-tags", "--target", "new", &default],
        &["--timestamp", "2020-02-03T04:05:06", "--exclude", "sh:**/data", &default],
        &["--recompress", "-C", "none", &fixed],
        &["--recompress=always", "-C", "none", "--comment", "", &repository],
        &["--chunker-params", "buzhash,10,14,12,1023", "-C", "none", &default],
        &["--chunker-params", "fixed,10000,600", "--recompress", "-C", "none", "--target", "cut", &fixed],
        &["--info", "--chunker-params", "fixed,4096", &fixed],
        &["--info", "--chunker-params", "default", "-C", "none", &repository],
        &["--info", "--exclude-caches", &world.archive("nothing")],
        &["--target", "default", &fixed],
        &["--target", "new", &repository],
        &["--comment", "new", &world.archive("fixed.recreate")],
        &[&default],
    ] {
        let arguments: Vec<&str> = ["recreate"].iter().chain(arguments).copied().collect();
        let timed = arguments.contains(&"--timestamp");
        let [borg, ours] = Program::BOTH.map(|program| {
            world.put_back();
            let outcome = world.run(program, &arguments);
            world.run(program.other(), ["check", &repository]).success();
            (outcome, dumped(&world, program, timed))
        });
        assert_eq!((ours.0.code, &ours.0.messages), (borg.0.code, &borg.0.messages), "{arguments:?}");
        assert_eq!(ours.0.text(), borg.0.text(), "{arguments:?}");
        assert_eq!(ours.1.len(), borg.1.len(), "{arguments:?}");
        for (ours, borg) in ours.1.iter().zip(&borg.1) {
            assert_eq!(ours["_meta"], borg["_meta"], "{arguments:?}");
            assert!(ours == borg, "{arguments:?}:\n{ours}\n{borg}");
        }
    }
}
