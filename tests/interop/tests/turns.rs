//! Both programs take turns on one repository: what one saved the other does not save again, neither rebuilds an index,
//! and no counter is ever used twice.

use std::{fs, path::Path};

use nanoprobe_interop::{Content, MODES, Outcome, Program, World, assert_same_tree, grow_tree, overlaps, ranges};
use serde_json::Value;

fn statistic(created: &Outcome, name: &str) -> u64 {
    created.json()["archive"]["stats"][name].as_u64().unwrap_or_else(|| panic!("{name}: {}", created.text()))
}

/// Equal boundaries and ids: the second archive of the same files adds no content at all.
fn deduplicates(mode: &str, parameters: &[&str]) {
    let world = World::with_repository(Program::Borg, mode);
    for (first, seed) in [(Program::Borg, 1), (Program::Nanoprobe, 2)] {
        let tree = format!("tree-{seed}");
        grow_tree(&world.path(&tree), seed, Content::Large);
        let options: Vec<&str> = ["--json", "-C", "zstd,3"].into_iter().chain(parameters.iter().copied()).collect();
        let before = world.create(first, &format!("{seed}-before"), &tree, &options);
        let after = world.create(first.other(), &format!("{seed}-after"), &tree, &options);
        let context = format!("{mode}, first {first}");
        assert!(statistic(&before, "deduplicated_size") > 20 << 20, "{context}");
        assert_eq!(statistic(&after, "deduplicated_size"), 0, "{context}: boundaries or ids differ");
        for name in ["original_size", "compressed_size", "nfiles"] {
            assert_eq!(statistic(&after, name), statistic(&before, name), "{context}: {name}");
        }
        let found = world.extract(first.other(), &format!("{seed}-before"), "extracted", &[]);
        assert_same_tree(&world.path(&tree), &found);
    }
    Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
    assert_eq!(overlaps(&ranges(&world.path("repo"))), []);
}

#[test]
fn files_of_one_deduplicate_against_the_other() {
    deduplicates("repokey-blake2", &[]);
}

#[test]
fn so_do_they_without_a_key() {
    deduplicates("none", &[]);
}

#[test]
fn so_do_small_chunks() {
    deduplicates("authenticated", &["--chunker-params", "buzhash,10,16,12,1023"]);
}

#[test]
fn so_do_fixed_blocks() {
    deduplicates("keyfile", &["--chunker-params", "fixed,1048576,4096"]);
}

/// What a program says when it does not trust the index or hints it finds.
const DISTRUST: [&str; 5] = [
    "Replaying segments",
    "missing or corrupted",
    "Rebuilding sparse info",
    "Failed to read committed index",
    "corrupted index",
];

fn assert_trusted(world: &World, program: Program) {
    let listed = world.run(program, ["--debug", "list", &world.repository()]).success();
    for words in DISTRUST {
        assert!(!listed.messages.contains(words), "{program} does not trust the index:\n{}", listed.messages);
    }
}

#[test]
fn turns_in_every_mode() {
    for mode in MODES {
        let world = World::with_repository(Program::Nanoprobe, mode);
        let tree = world.path("tree");
        grow_tree(&tree, 7, Content::Small);
        for turn in 0..6_usize {
            let program = Program::BOTH[turn % 2];
            fs::write(tree.join(format!("new-{turn}")), format!("turn {turn}").repeat(5000)).expect("a file");
            world.create(program, &format!("turn-{turn}"), "tree", &[]);
            Program::BOTH.into_iter().for_each(|program| assert_trusted(&world, program));
            security_is_shared(&world, mode);
        }
        let found = world.extract(Program::Borg, "turn-4", "extracted", &[]);
        fs::remove_file(tree.join("new-5")).expect("the last file");
        assert_same_tree(&tree, &found);
        Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
        assert_eq!(overlaps(&ranges(&world.path("repo"))), [], "{mode}");
    }
}

fn security_is_shared(world: &World, mode: &str) {
    let security = world.security();
    let read = |name: &str| fs::read_to_string(security.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read("location"), world.repository());
    read("key-type").parse::<u8>().expect("a number");
    assert!(read("manifest-timestamp").starts_with("20"));
    if !(mode == "none" || mode.starts_with("authenticated")) {
        assert_eq!(read("nonce").len(), 16);
        let repository = fs::read_to_string(world.path("repo/nonce")).expect("the repository's nonce");
        assert_eq!(repository.len(), 16);
    }
}

#[test]
fn many_sessions_use_no_counter_twice() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    grow_tree(&world.path("tree"), 3, Content::Small);
    for turn in 0..12 {
        fs::write(world.path("tree/changing"), format!("{turn}").repeat(20_000)).expect("a file");
        // Lost local state must not lead back to used counters.
        match turn % 4 {
            1 => drop(fs::remove_file(world.security().join("nonce"))),
            2 => drop(fs::remove_file(world.path("repo/nonce"))),
            _ => {}
        }
        world.create(Program::BOTH[usize::from(turn % 3 == 2)], &format!("turn-{turn}"), "tree", &[]);
    }
    let ranges = ranges(&world.path("repo"));
    assert!(ranges.len() > 30, "{}", ranges.len());
    assert_eq!(overlaps(&ranges), []);
}

#[test]
fn an_older_repository_put_back_is_noticed() {
    for program in Program::BOTH {
        let world = World::with_repository(program, "repokey");
        grow_tree(&world.path("tree"), 4, Content::Small);
        world.create(program, "first", "tree", &[]);
        copy(&world.path("repo"), &world.path("old"));
        world.create(program.other(), "second", "tree", &[]);
        fs::remove_dir_all(world.path("repo")).expect("the repository");
        fs::rename(world.path("old"), world.path("repo")).expect("the old one");
        for program in Program::BOTH {
            let arguments = ["create", &world.archive("third"), "tree"];
            let refused = world.run(program, arguments).expect(2);
            assert!(refused.messages.contains("newer than repository"), "{program}: {}", refused.messages);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(status.success());
}

#[test]
fn json_of_create_has_borgs_shape() {
    let world = World::with_repository(Program::Borg, "repokey");
    grow_tree(&world.path("tree"), 5, Content::Small);
    let documents =
        Program::BOTH.map(|program| created_after_info(&world, program, &program.to_string(), "--json").json());
    assert_eq!(shape(&documents[1]), shape(&documents[0]));
    let [borg, ours] = Program::BOTH.map(|program| {
        let created = created_after_info(&world, program, &format!("{program}-stats"), "--stats");
        created.messages.lines().map(|line| line.split(':').next().unwrap_or(line).to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(ours, borg);
}

/// Ours knows every figure of the repository where its own `info` counted the archives of others.
fn created_after_info(world: &World, program: Program, name: &str, option: &str) -> Outcome {
    world.run(Program::Nanoprobe, ["info", &world.repository()]).success();
    world.create(program, name, "tree", &[option])
}

/// A document with every value replaced by its type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(values) => Value::from(values.first().map(shape).into_iter().collect::<Vec<_>>()),
        Value::String(_) => "text".into(),
        Value::Number(number) => if number.is_f64() { "float" } else { "integer" }.into(),
        Value::Bool(_) => "boolean".into(),
        Value::Null => Value::Null,
    }
}
