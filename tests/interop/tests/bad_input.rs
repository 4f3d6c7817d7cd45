//! Bad input ends both programs with the same exit code, in the legacy and the modern table, and never with a trace.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};

/// Compares both programs in a world of its own.
fn same_code(mode: &str, name: &str, run: impl Fn(&World, Program) -> Outcome) {
    same_code_in(&mut kept_world(mode), name, run);
}

/// A repository with one archive of a tree, kept to be put back before each run.
fn kept_world(mode: &str) -> World {
    let world = World::with_repository(Program::Borg, mode);
    grow_tree(&world.path("tree"), 21, Content::Small);
    world.create(Program::Borg, "archive", "tree", &[]);
    world.keep();
    world
}

/// Runs in the same world each time, as what is broken may be repaired by the first who opens it.
fn same_code_in(world: &mut World, name: &str, run: impl Fn(&World, Program) -> Outcome) {
    for codes in ["legacy", "modern"] {
        world.set("BORG_EXIT_CODES", codes);
        let [borg, ours] = Program::BOTH.map(|program| {
            world.put_back();
            run(world, program)
        });
        for words in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(!ours.messages.contains(words), "{name}: {}", ours.messages);
        }
        let context = format!("{name} ({codes})\n--- borg\n{}\n--- ours\n{}", borg.messages, ours.messages);
        assert_eq!(ours.code, borg.code, "{context}");
        assert_eq!(ours.messages.is_empty(), borg.messages.is_empty(), "{context}");
    }
}

#[test]
fn wrong_passphrase() {
    same_code("repokey", "wrong passphrase", |world, program| {
        Outcome::of({
            let mut command = world.command(program, ["list", &world.repository()]);
            command.env("BORG_PASSPHRASE", "wrong");
            command
        })
    });
}

#[test]
fn missing_key_file() {
    same_code("keyfile", "missing key file", |world, program| {
        fs::remove_dir_all(world.path("home/.config/borg/keys")).expect("the keys");
        world.run(program, ["list", &world.repository()])
    });
}

#[test]
fn places_that_are_no_repositories() {
    let world = &mut kept_world("none");
    same_code_in(world, "no such repository", |world, program| world.run(program, ["list", "nowhere"]));
    same_code_in(world, "an empty folder", |world, program| world.run(program, ["list", "home"]));
    same_code_in(world, "a tree", |world, program| world.run(program, ["list", "tree"]));
    same_code_in(world, "init twice", |world, program| world.run(program, ["init", "-e", "none", "repo"]));
    same_code_in(world, "init without parent", |world, program| world.run(program, ["init", "-e", "none", "a/b/c"]));
    same_code_in(world, "init in a full folder", |world, program| world.run(program, ["init", "-e", "none", "tree"]));
}

#[test]
fn archives_that_are_or_are_not_there() {
    let world = &mut kept_world("none");
    same_code_in(world, "list", |world, program| world.run(program, ["list", "repo::nope"]));
    same_code_in(world, "info", |world, program| world.run(program, ["info", "repo::nope"]));
    same_code_in(world, "extract", |world, program| world.run(program, ["extract", "repo::nope"]));
    same_code_in(world, "create", |world, program| world.run(program, ["create", "repo::archive", "tree"]));
}

#[test]
fn command_lines() {
    let mut world = kept_world("none");
    for arguments in [
        &["list", "--nope", "repo"][..],
        &["nope"],
        &["create", "repo", "tree"],
        &["create", "repo::a/b", "tree"],
        &["create", "-C", "nope", "repo::x", "tree"],
        &["create", "--chunker-params", "1,2,3", "repo::x", "tree"],
        &["create", "repo::x{nope}", "tree"],
        &["create", "repo::x"],
        &["init", "-e", "nope", "other"],
        &["init", "other"],
        &["list", "--json", "repo::archive"],
        &["list", "--json-lines", "repo"],
        &["list", "--format", "{nope}", "repo::archive"],
        &["extract"],
        &["--version"],
        &["list", "--help"],
    ] {
        same_code_in(&mut world, &format!("{arguments:?}"), |world, program| world.run(program, arguments));
    }
}

#[test]
fn paths_that_vanish_or_do_not_match() {
    same_code("none", "a path that is not there", |world, program| {
        world.run(program, ["create", "repo::x", "tree/text", "tree/nope"])
    });
    same_code("none", "nothing matches", |world, program| {
        world.run(program, ["extract", "--dry-run", "repo::archive", "nope"])
    });
    same_code("none", "list of nothing", |world, program| world.run(program, ["list", "repo::archive", "nope"]));
    if !rustix::process::geteuid().is_root() {
        same_code("none", "unreadable", |world, program| {
            let forbidden = fs::Permissions::from_mode(0o0);
            fs::set_permissions(world.path("tree/text"), forbidden).expect("permissions");
            world.run(program, ["create", "repo::x", "tree"])
        });
    }
}

/// The newest file whose name begins so.
fn newest(directory: &Path, start: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let number = |path: &Path| name(path).trim_start_matches(start).parse::<u64>().ok();
    let matching = entries.filter(|path| name(path).starts_with(start) && number(path).is_some());
    matching.max_by_key(|path| number(path)).expect("a file")
}

/// The segment that holds most.
fn largest_segment(world: &World) -> std::path::PathBuf {
    let entries = fs::read_dir(world.path("repo/data/0")).expect("data").map(|entry| entry.expect("an entry").path());
    entries.max_by_key(|path| fs::metadata(path).expect("metadata").len()).expect("a segment")
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[place] ^= 0x40;
    fs::write(path, bytes).expect("a file");
}

#[test]
fn damage() {
    for command in
        [&["check", "repo"][..], &["check", "--verify-data", "repo"], &["extract", "--dry-run", "repo::archive"]]
    {
        same_code("repokey", &format!("a flipped bit, {command:?}"), |world, program| {
            let segment = largest_segment(world);
            flip(&segment, 200_000);
            world.run(program, command)
        });
    }
    for command in [&["check", "repo"][..], &["list", "repo"]] {
        same_code("repokey", &format!("a truncated index, {command:?}"), |world, program| {
            let index = newest(&world.path("repo"), "index.");
            let bytes = fs::read(&index).expect("an index");
            fs::write(&index, &bytes[..bytes.len() / 2]).expect("an index");
            world.run(program, command)
        });
        same_code("none", &format!("no hints, {command:?}"), |world, program| {
            fs::remove_file(newest(&world.path("repo"), "hints.")).expect("hints");
            world.run(program, command)
        });
        same_code("none", &format!("a missing segment, {command:?}"), |world, program| {
            fs::remove_file(largest_segment(world)).expect("a segment");
            world.run(program, command)
        });
    }
    same_code("none", "a config that is none", |world, program| {
        fs::write(world.path("repo/config"), "[repository]\nversion = 7\n").expect("a configuration");
        world.run(program, ["list", "repo"])
    });
}

#[test]
fn unknown_and_moved_repositories_are_refused() {
    same_code("none", "unknown and unencrypted", |world, program| {
        fs::remove_dir_all(world.security()).expect("security data");
        fs::remove_dir_all(world.path("home/.cache")).expect("caches");
        let mut command = world.command(program, ["create", "repo::x", "tree"]);
        command.env_remove("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK");
        Outcome::of(command)
    });
    same_code("repokey", "moved", |world, program| {
        fs::rename(world.path("repo"), world.path("moved")).expect("a move");
        world.run(program, ["create", "moved::x", "tree"])
    });
}

#[test]
fn locks() {
    same_code("none", "locked", |world, program| {
        let lock = world.path("repo/lock.exclusive");
        fs::create_dir(&lock).expect("a lock");
        fs::write(lock.join("elsewhere@1.4711-0"), "").expect("a holder");
        world.run(program, ["create", "--lock-wait", "1", "repo::x", "tree"])
    });
    same_code("none", "broken", |world, program| {
        let lock = world.path("repo/lock.exclusive");
        fs::create_dir(&lock).expect("a lock");
        fs::write(lock.join("elsewhere@1.4711-0"), "").expect("a holder");
        let broken = world.run(program, ["break-lock", "repo"]);
        assert!(!lock.exists());
        broken
    });
}
