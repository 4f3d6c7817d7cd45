//! `check --repair` of archives beside the real one: the same damage, the same findings, the same archives afterwards.

use std::{
    collections::BTreeMap,
    fs::{self, create_dir_all},
    os::unix::fs::symlink,
    path::Path,
};

use nanoprobe_interop::{Outcome, Program, World};
use serde_json::Value;

const MANIFEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Long targets of links make many metadata chunks, and some files have many chunks.
fn grow(tree: &Path) {
    create_dir_all(tree.join("folder")).expect("a folder");
    for number in 0..300_u32 {
        let length = if number % 100 == 7 { 100_000 } else { number % 90 };
        let mut state = u64::from(number);
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        let content: Vec<u8> = (0..length).map(next).collect();
        let path = tree.join("folder").join(format!("{number:04}-file"));
        fs::write(&path, content).expect("a file");
        symlink(format!("{number}").repeat(900), path.with_extension("link")).expect("a link");
    }
    fs::hard_link(tree.join("folder/0007-file"), tree.join("zz-link")).expect("a link");
}

/// Three archives by both programs; they share most of what they have.
fn world(mode: &str) -> World {
    let world = World::with_repository(Program::Borg, mode).with("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
    let tree = world.path("tree");
    grow(&tree);
    let options = ["--chunker-params", "buzhash,10,14,12,1023"];
    world.create(Program::Borg, "one", "tree", &options);
    world.create(Program::Nanoprobe, "two", "tree", &options);
    fs::write(tree.join("more"), "more").expect("a file");
    world.create(Program::Borg, "three", "tree", &options);
    world
}

/// Every archive's items, and what its metadata says of it.
fn archives(world: &World) -> BTreeMap<String, Vec<Value>> {
    let listed = world.run(Program::Nanoprobe, ["list", "--short", &world.repository()]).success();
    let mut archives = BTreeMap::new();
    for name in listed.text().lines() {
        let dump = world.run(Program::Nanoprobe, ["debug", "dump-archive", &world.archive(name), "-"]).success().json();
        let mut values = dump["_items"].as_array().expect("items").clone();
        values.extend(["name", "cmdline", "time", "comment", "hostname"].map(|key| dump["_meta"][key].clone()));
        archives.insert(name.to_owned(), values);
    }
    archives
}

/// What is said of archives, in Borg's words; what counts objects that nobody misses is left out.
fn findings(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.messages.lines().skip_while(|line| !line.starts_with("Starting archive consistency"));
    let not_compared = ["Deleting ", "Finished deleting", "Writing Manifest", "Committing repo"];
    let compared = lines.filter(|line| !not_compared.iter().any(|start| line.starts_with(start)));
    let mut findings: Vec<String> = compared.map(str::to_owned).collect();
    // A manifest is rebuilt from objects in any order.
    let found = |line: &String| line.starts_with("Found archive");
    let from = findings.iter().position(found).unwrap_or(0);
    let to = findings.iter().rposition(found).map_or(0, |last| last + 1);
    findings[from..to].sort();
    findings
}

fn repair(world: &World, program: Program, options: &[&str]) -> Outcome {
    let repository = world.repository();
    world.run(program, ["check", "--repair", "--info"].into_iter().chain(options.iter().copied()).chain([&*repository]))
}

fn assert_sound(world: &World) {
    for program in Program::BOTH {
        let outcome = world.run(program, ["check", "--verify-data", &world.repository()]);
        assert_eq!((outcome.code, outcome.messages.as_str()), (0, ""), "{program}");
    }
}

/// Repairs the same damage by both programs. Gives what both came to.
fn repaired(world: &World, options: &[&str]) -> BTreeMap<String, Vec<Value>> {
    world.keep();
    let [borg, ours] = Program::BOTH.map(|program| {
        world.put_back();
        // Without --repair nothing changes, and the same is found; Borg itself does not get over a damaged archive's own object.
        let repository = world.repository();
        let check = ["check", "--info"].into_iter().chain(options.iter().copied()).chain([repository.as_str()]);
        let examined = world.run(program, check);
        let examined = if options.is_empty() { findings(&examined) } else { Vec::new() };
        let outcome = repair(world, program, options);
        assert_eq!(outcome.code, 0, "{program}: {}", outcome.messages);
        assert_sound(world);
        (archives(world), examined, findings(&outcome))
    });
    assert_eq!(ours.1, borg.1);
    assert_eq!(ours.2, borg.2);
    assert_eq!(ours.0.keys().collect::<Vec<_>>(), borg.0.keys().collect::<Vec<_>>());
    for (name, items) in &ours.0 {
        let differing = items.iter().zip(&borg.0[name]).find(|(ours, borg)| ours != borg);
        assert!(items.len() == borg.0[name].len() && differing.is_none(), "{name}: {differing:#?}");
    }
    ours.0
}

/// The ids of an archive's item stream.
fn stream(world: &World, archive: &str) -> Vec<String> {
    let dump = world.run(Program::Nanoprobe, ["debug", "dump-archive", &world.archive(archive), "-"]).success().json();
    let ids = dump["_meta"]["items"].as_array().expect("ids").iter();
    ids.map(plain).collect()
}

/// An id without what tells it from a text.
fn plain(id: &Value) -> String {
    id.as_str().expect("an id").trim_start_matches(|letter: char| !letter.is_ascii_hexdigit()).to_owned()
}

/// The ids of the chunks of the file that has most.
fn chunks(items: &[Value]) -> Vec<String> {
    let lists = items.iter().filter_map(|item| item.get("chunks")?.as_array());
    let longest = lists.max_by_key(|list| list.len()).expect("a file");
    longest.iter().map(|chunk| plain(&chunk[0])).collect()
}

fn delete(world: &World, id: &str) {
    world.run(Program::Borg, ["debug", "delete-obj", &world.repository(), id]).success();
}

/// The object has a wrong byte.
fn damage(world: &World, id: &str) {
    let path = world.path("object");
    let path = path.to_str().expect("UTF-8");
    world.run(Program::Borg, ["debug", "get-obj", &world.repository(), id, path]).success();
    let mut object = fs::read(path).expect("a file");
    let last = object.len() - 1;
    object[last] ^= 0x55;
    fs::write(path, object).expect("a file");
    world.run(Program::Borg, ["debug", "put-obj", &world.repository(), id, path]).success();
}

#[test]
fn chunks_of_files() {
    let world = world("repokey-blake2");
    let whole = archives(&world);
    let lost = chunks(&whole["one"]);
    delete(&world, &lost[1]);
    delete(&world, &lost[3]);
    let repaired_archives = repaired(&world, &[]);
    assert_ne!(repaired_archives, whole);
    let changed = |archive: &str| {
        repaired_archives[archive].iter().zip(&whole[archive]).filter(|(after, before)| after != before).count()
    };
    // The file in each archive, and nothing else.
    assert_eq!(["one", "two", "three"].map(changed), [1; 3]);
    // One comes back: it is healed in part. Then the other does.
    let copies = world.path("copies");
    create_dir_all(&copies).expect("a folder");
    let content = fs::read(world.path("tree/folder/0007-file")).expect("a file");
    fs::write(copies.join("beginning"), &content[..12_000]).expect("a file");
    world.create(Program::Nanoprobe, "copy", "copies", &["--chunker-params", "buzhash,10,14,12,1023"]);
    let again = repaired(&world, &[]);
    for archive in ["one", "two", "three"] {
        assert!(again[archive].len() == whole[archive].len());
    }
    world.create(Program::Borg, "all", "tree", &["--chunker-params", "buzhash,10,14,12,1023"]);
    let healed = repaired(&world, &[]);
    for archive in ["one", "two", "three"] {
        assert_eq!(healed[archive], whole[archive]);
    }
}

#[test]
fn damaged_data() {
    let world = world("authenticated-blake2");
    let whole = archives(&world);
    damage(&world, &chunks(&whole["two"])[2]);
    damage(&world, &stream(&world, "three")[1]);
    assert_ne!(repaired(&world, &["--verify-data"]), whole);
}

#[test]
fn item_streams() {
    let world = world("none");
    let streams = ["one", "three"].map(|name| stream(&world, name));
    assert!(streams[0].len() > 1, "{streams:?}");
    // Of all archives; of one; the end of one.
    for lost in
        [&streams[0][1], streams[1].iter().find(|id| !streams[0].contains(id)).expect("its own"), &streams[0][0]]
    {
        delete(&world, lost);
        repaired(&world, &[]);
    }
}

#[test]
fn archives_and_the_manifest() {
    let world = world("keyfile");
    let with_data = ["--verify-data"];
    let list = |world: &World| {
        let listed = world.run(Program::Borg, ["list", "--json", &world.repository()]).success().json();
        let archives = listed["archives"].as_array().expect("archives").clone();
        archives.iter().map(|archive| archive["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let whole = archives(&world);
    delete(&world, MANIFEST);
    assert_eq!(repaired(&world, &[]), whole);
    damage(&world, MANIFEST);
    assert_eq!(repaired(&world, &[]), whole);
    let ids = list(&world);
    delete(&world, &ids[0]);
    assert_eq!(repaired(&world, &[]).len(), 2);
    damage(&world, &ids[1]);
    // Borg needs --verify-data to get over this one.
    assert_eq!(repaired(&world, &with_data).len(), 1);
    // One archive alone: what the others lack stays as it is.
    world.create(Program::Nanoprobe, "again", "tree", &["--chunker-params", "buzhash,10,14,12,1023"]);
    let lost = chunks(&archives(&world)["again"]);
    delete(&world, &lost[0]);
    let archive = world.archive("again");
    world.keep();
    let dumps = Program::BOTH.map(|program| {
        world.put_back();
        let outcome = world.run(program, ["check", "--repair", "--info", "--archives-only", &archive]);
        assert_eq!(outcome.code, 0);
        (findings(&outcome), archives(&world))
    });
    assert_eq!(dumps[0], dumps[1]);
}

/// A sound repository is not touched: no file of it has another content.
#[test]
fn what_is_sound_stays_as_it_is() {
    let world = world("repokey");
    let files = || {
        let mut files = BTreeMap::new();
        let mut folders = vec![world.path("repo")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
                match entry.file_type().expect("a type").is_dir() {
                    true => folders.push(entry.path()),
                    false => drop(files.insert(entry.path(), fs::read(entry.path()).expect("a file"))),
                }
            }
        }
        files
    };
    let before = files();
    let outcome = repair(&world, Program::Nanoprobe, &["--verify-data"]);
    assert_eq!(outcome.code, 0, "{}", outcome.messages);
    assert!(outcome.messages.contains("no problems found"), "{}", outcome.messages);
    assert!(before == files());
}
