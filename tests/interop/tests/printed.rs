//! What both programs print about one repository is equal, byte for byte where Borg itself is steady.

use std::fs;

use nanoprobe_interop::{Content, Program, World, grow_tree};
use serde_json::Value;

/// A repository with an archive of each program.
fn filled(mode: &str) -> World {
    let world = World::with_repository(Program::Borg, mode);
    grow_tree(&world.path("tree"), 11, Content::Small);
    world.create(Program::Borg, "of-borg", "tree", &["--comment", "it's größer"]);
    world.create(Program::Nanoprobe, "of-nanoprobe", "tree", &["--comment", "", "-C", "zstd,3"]);
    world
}

#[track_caller]
fn equal(world: &World, arguments: &[&str]) {
    let [borg, ours] = Program::BOTH.map(|program| world.run(program, arguments).success());
    assert_eq!(ours.text(), borg.text(), "{arguments:?}");
}

#[test]
fn lists_of_archives() {
    let world = filled("repokey");
    let repository = &world.repository();
    for options in [
        &[][..],
        &["--short"],
        &["--json"],
        &["--last", "1"],
        &["--first", "1", "--json"],
        &["--glob-archives", "*nano*"],
        &[
            "--sort-by",
            "name",
            "--format",
            "{name:>15} {time:%Y} {comment} {hostname} {username} {end} {command_line} {tam}{NL}",
        ],
        &["--json", "--format", "{comment}{hostname}{command_line}{end}{bcomment}{username}{tam}"],
    ] {
        let arguments: Vec<&str> = ["list"].iter().chain(options).copied().chain([repository.as_str()]).collect();
        equal(&world, &arguments);
    }
}

const ITEM_FORMATS: [&str; 6] = [
    "{type} {mode} {uid:5} {gid:<5} {user:8} {group:>8} {path}{extra}{NL}",
    "{size:10} {csize} {num_chunks} {mtime} {ctime:%s} {isomtime} {path}{NUL}",
    "{bpath} {source} {linktarget} {flags} {health} {archivename} {archiveid}{NL}",
    "{xxh64} {sha256} {md5} {path}{NL}",
    "{blake2b} {blake2s} {sha1} {sha224} {sha384} {sha512} {sha3_256}{NL}",
    "{dsize} {dcsize} {unique_chunks} {path}{NL}",
];

#[test]
fn lists_of_items() {
    let world = filled("repokey-blake2");
    for archive in ["of-borg", "of-nanoprobe"].map(|name| world.archive(name)) {
        equal(&world, &["list", &archive]);
        equal(&world, &["list", "--short", &archive]);
        equal(&world, &["list", &archive, "deep", "sparse"]);
        equal(&world, &["list", "--exclude", "*/er", &archive]);
        for format in ITEM_FORMATS {
            equal(&world, &["list", "--format", format, &archive]);
        }
    }
}

#[test]
fn lists_of_items_as_json() {
    let world = filled("none");
    let archive = world.archive("of-nanoprobe");
    for options in [&[][..], &["--format", "{xxh64}{path}{linktarget}{isomtime}"]] {
        let arguments: Vec<&str> =
            ["list", "--json-lines"].iter().chain(options).copied().chain([archive.as_str()]).collect();
        let [borg, ours] = Program::BOTH.map(|program| world.run(program, &arguments).success().json_lines());
        assert_eq!(ours, borg);
    }
}

/// Where the cache is differs by design; nothing else may.
fn without_cache_path(mut document: Value) -> Value {
    if let Some(cache) = document["cache"].as_object_mut() {
        cache.remove("path");
    }
    document
}

#[test]
fn information() {
    for mode in ["none", "repokey", "keyfile-blake2"] {
        let world = filled(mode);
        let (repository, archive) = (world.repository(), world.archive("of-nanoprobe"));
        for arguments in [
            &["info", "--json", &repository][..],
            &["info", "--json", &archive],
            &["info", "--json", "--last", "2", &repository],
        ] {
            let [borg, ours] = Program::BOTH.map(|program| world.run(program, arguments).success().json());
            assert_eq!(without_cache_path(ours), without_cache_path(borg), "{mode}: {arguments:?}");
        }
        for arguments in [
            &["info", &repository][..],
            &["info", &archive],
            &["info", "--iec", "--glob-archives", "of-*", &repository],
        ] {
            let [borg, ours] = Program::BOTH.map(|program| {
                let text = world.run(program, arguments).success().text();
                text.lines().filter(|line| !line.starts_with("Cache: ")).collect::<Vec<_>>().join("\n")
            });
            assert_eq!(ours, borg, "{mode}: {arguments:?}");
        }
    }
}

/// Lines of both programs in one order: Borg walks by inode, we by name.
fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn file_lists_of_create() {
    let world = filled("authenticated");
    let create = |program: Program, place: usize, options: &[&str]| {
        let archive = world.archive(&format!("{program}-{place}"));
        let arguments = ["create"].iter().chain(options).copied().chain([archive.as_str(), "."]);
        world.run_in(&world.path("tree"), program, arguments).success()
    };
    for (place, options) in [
        &["--dry-run", "--list"][..],
        &["--list", "--exclude", "*/deep", "--exclude", "re:hard"],
        &["--list", "--filter", "AMdx", "--files-cache", "disabled"],
        &["--list", "--log-json", "--files-cache", "disabled", "--exclude", "fifo"],
    ]
    .into_iter()
    .enumerate()
    {
        let [borg, ours] = Program::BOTH.map(|program| create(program, place, options).messages);
        assert_eq!(sorted_lines(&ours), sorted_lines(&borg), "{options:?}");
    }
}

#[test]
fn file_lists_of_extract() {
    let world = filled("keyfile");
    let archive = world.archive("of-borg");
    for (place, options) in
        [&["--list", "--dry-run"][..], &["--list", "--exclude", "deep"], &["--list", "--strip-components", "1"]]
            .into_iter()
            .enumerate()
    {
        let [borg, ours] = Program::BOTH.map(|program| {
            let folder = world.path(&format!("{program}-{place}"));
            fs::create_dir(&folder).expect("a folder");
            let arguments = ["extract"].iter().chain(options).copied().chain([archive.as_str()]);
            world.run_in(&folder, program, arguments).success().messages
        });
        assert_eq!(ours, borg, "{options:?}");
    }
    let path = "text";
    let [borg, ours] =
        Program::BOTH.map(|program| world.run(program, ["extract", "--stdout", &archive, path]).success());
    assert!(!ours.output.is_empty());
    assert_eq!(ours.output, borg.output);
}

#[test]
fn a_quota_is_spoken_of_where_borg_speaks_of_it() {
    let world = World::new();
    fs::create_dir(world.path("tree")).expect("a folder");
    fs::write(world.path("tree/file"), "content".repeat(9000)).expect("a file");
    let repository = &world.repository();
    let (one, two, new) = (&world.archive("one"), &world.archive("two"), &world.archive("new"));
    for arguments in [
        &["init", "--info", "-e", "none", "--storage-quota", "50M", repository][..],
        &["create", "--info", one, "tree"],
        &["create", "--info", "--log-json", two, "tree"],
        &["create", "--dry-run", "--info", new, "tree"],
        &["list", "--info", repository],
        &["info", "--info", repository],
        &["recreate", "--info", "--comment", "new", one],
        &["rename", "--info", two, "new"],
        &["delete", "--info", one],
        &["compact", "--info", repository],
        &["check", "--info", repository],
        &["config", "--info", repository, "storage_quota", "0"],
        &["create", "--info", one, "tree"],
    ] {
        let said = Program::BOTH.map(|program| {
            if arguments[0] != "init" {
                world.put_back();
            }
            let outcome = world.run(program, arguments).success();
            if arguments[0] == "init" && program == Program::Borg {
                fs::remove_dir_all(world.path("repo")).expect("a repository");
                fs::remove_dir_all(world.path("home")).expect("a home");
                fs::create_dir(world.path("home")).expect("a home");
            }
            quota_lines(&outcome.messages)
        });
        assert_eq!(said[0].len(), said[1].len(), "{arguments:?}: {said:?}");
        for (place, (borg, ours)) in said[0].iter().zip(&said[1]).enumerate() {
            // What a program itself stores, its name in the archive for one, may be some bytes more or less.
            if place == 0 && arguments[0] != "init" {
                assert_eq!(ours, borg, "{arguments:?}");
            } else {
                assert_eq!(numberless(ours), numberless(borg), "{arguments:?}");
            }
        }
        if world.path("kept").exists() {
            fs::remove_dir_all(world.path("kept")).expect("what was kept");
        }
        world.keep();
    }
}

fn quota_lines(messages: &str) -> Vec<String> {
    let lines = messages.lines().filter(|line| line.contains("Storage quota"));
    // The time of a JSON line.
    let timeless = lines.map(|line| match line.split_once("\"message\"") {
        Some((_, rest)) => rest.to_owned(),
        None => line.to_owned(),
    });
    timeless.collect()
}

fn numberless(line: &str) -> String {
    line.replace(|character: char| character.is_ascii_digit(), "")
}
