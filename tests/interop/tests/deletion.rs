//! delete, prune, rename and recreate of both programs in turn on one repository: what stays is whole, and nothing else stays.
//!
//! NANOPROBE_SEQUENCES random sequences are run (2 by default), from NANOPROBE_SEED on.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, create_dir_all},
    path::Path,
};

use nanoprobe_interop::{Entry, Program, World, read_tree};

const STEPS: usize = 14;

fn variable(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn program(&mut self) -> Program {
        Program::BOTH[self.below(2) as usize]
    }
}

/// A file whose path is long, so that few files make many metadata chunks.
fn write(tree: &Path, number: u64, random: &mut Random) {
    let name = format!("{number:04}-{}", "long".repeat(55));
    let seed = random.below(1 << 30);
    let content: Vec<u8> = (0..random.below(3000)).flat_map(|place| (place * seed).to_le_bytes()).collect();
    fs::write(tree.join(format!("{}", number % 7)).join(name), content).expect("a file");
}

/// An archive's name and its tree.
type Archives = BTreeMap<String, BTreeMap<Vec<u8>, Entry>>;

fn names(world: &World) -> Vec<String> {
    let listed = world.run(Program::Borg, ["list", "--short", &world.repository()]).success().text();
    listed.lines().map(str::to_owned).collect()
}

fn step(world: &World, archives: &mut Archives, number: usize, random: &mut Random) -> String {
    let (program, repository) = (random.program(), world.repository());
    let pick = |random: &mut Random| archives.keys().nth(random.below(archives.len() as u64) as usize).cloned();
    match random.below(8) {
        0 if archives.len() > 1 => {
            let (one, other) = (pick(random).expect("one"), pick(random).expect("one"));
            let arguments = ["delete", "--stats", &repository, &one].into_iter();
            let other = (other != one).then_some(other);
            world.run(program, arguments.chain(other.as_deref())).success();
            archives.retain(|name, _| *name != one && Some(name) != other.as_ref());
            format!("{program} delete {one} {other:?}")
        }
        1 if archives.len() > 2 => {
            let count = (1 + random.below(archives.len() as u64)).to_string();
            let dry = ["prune", "--dry-run", "--list", "--keep-last", &count, &repository];
            let lists = Program::BOTH.map(|program| world.run(program, dry).success().messages);
            assert_eq!(lists[0], lists[1]);
            world.run(program, ["prune", "--keep-last", &count, &repository]).success();
            let left = names(world);
            archives.retain(|name, _| left.contains(name));
            assert_eq!(archives.len(), left.len());
            format!("{program} prune {count}")
        }
        2 if !archives.is_empty() => {
            let old = pick(random).expect("one");
            let new = format!("renamed-{number}");
            world.run(program, ["rename", &world.archive(&old), &new]).success();
            let tree = archives.remove(&old).expect("known");
            archives.insert(new.clone(), tree);
            format!("{program} rename {old} {new}")
        }
        3 if !archives.is_empty() => {
            let name = pick(random).expect("one");
            let options = [
                &["--recompress", "-C", "zstd,1"][..],
                &["--chunker-params", "buzhash,11,15,13,1023"],
                &["--comment", "another"],
                &["--exclude", "no/such/path"],
            ][random.below(4) as usize];
            let archive = world.archive(&name);
            let arguments = ["recreate"].iter().chain(options).copied().chain([archive.as_str()]);
            // Cut anew it may be what it is already.
            let outcome = world.run(program, arguments);
            assert!(outcome.code == 0 || outcome.messages.contains("Nothing to do"), "{}", outcome.messages);
            format!("{program} recreate {name} {options:?}")
        }
        _ => {
            let tree = world.path("tree");
            for _ in 0..random.below(5) {
                write(&tree, random.below(1500), random);
            }
            let name = format!("archive-{number}");
            world.create(program, &name, "tree", &["--chunker-params", "buzhash,10,14,12,1023"]);
            archives.insert(name.clone(), read_tree(&tree));
            format!("{program} create {name}")
        }
    }
}

fn sequence(seed: u64) {
    let mut random = Random(seed);
    let mode = ["repokey", "none", "keyfile-blake2"][seed as usize % 3];
    let world = World::with_repository(random.program(), mode);
    let tree = world.path("tree");
    (0..7).for_each(|number| create_dir_all(tree.join(number.to_string())).expect("a folder"));
    (0..1000).for_each(|number| write(&tree, number, &mut random));
    let (mut archives, mut history) = (Archives::new(), Vec::new());
    for number in 0..STEPS {
        history.push(step(&world, &mut archives, number, &mut random));
    }
    println!("seed {seed}: {history:#?}");
    // Both find neither an object too many nor one too few.
    for program in Program::BOTH {
        world.check(program);
    }
    for (name, expected) in &archives {
        let folder = world.extract(random.program(), name, "out", &[]);
        assert!(read_tree(&folder) == *expected, "seed {seed}: {name} differs after {history:#?}");
    }
    let figures = Program::BOTH.map(|program| {
        world.run(program, ["info", "--json", &world.repository()]).success().json()["cache"]["stats"].clone()
    });
    assert_eq!(figures[0], figures[1], "seed {seed}: {history:#?}");
    let rest = world.run(random.program(), ["delete", "--stats", "-a", "*", &world.repository()]).success();
    assert_eq!(rest.messages.contains("Deleted data:"), !archives.is_empty());
    world.check(Program::Borg);
}

#[test]
fn what_stays_is_whole_and_nothing_else_stays() {
    let first = variable("NANOPROBE_SEED", 1);
    (first..first + variable("NANOPROBE_SEQUENCES", 2)).for_each(sequence);
}

/// What goes is told in Borg's figures and words.
#[test]
fn what_goes_is_told_as_borg_tells_it() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    let tree = world.path("tree");
    let mut random = Random(99);
    (0..7).for_each(|number| create_dir_all(tree.join(number.to_string())).expect("a folder"));
    for number in 0..300 {
        write(&tree, number, &mut random);
    }
    for name in ["one", "two", "three", "four"] {
        world.create(Program::Nanoprobe, name, "tree", &[]);
        write(&tree, random.below(300), &mut random);
    }
    // Both know the figures beforehand.
    for program in Program::BOTH {
        world.run(program, ["info", &world.repository()]).success();
    }
    world.keep();
    let (repository, one) = (world.repository(), world.archive("one"));
    let three = world.archive("three");
    for arguments in [
        vec!["delete", "--stats", "--list", &one, "three"],
        vec!["delete", "--stats", "--iec", "--list", &three, "nothing", "two"],
        vec!["delete", "--stats", "--dry-run", "--list", &three, "two"],
        vec!["delete", "--force", "--force", "--list", &three, "two", "two"],
        vec!["delete", "--quick-stats", "--last", "2", "--list", &repository],
        vec!["delete", "--first", "2", &one],
        vec!["delete", "--cache-only", "--info", &repository],
        vec!["prune", "--stats", "--list", "--keep-last", "1", "--info", &repository],
        vec!["prune", "--list", "--dry-run", "--keep-daily", "0", &repository],
        vec!["prune", "--list", "--keep-within", "1H", &repository],
        vec!["rename", &one, "three"],
        vec!["rename", &world.archive("nothing"), "other"],
    ] {
        let [borg, ours] = Program::BOTH.map(|program| {
            world.put_back();
            world.run(program, arguments.iter())
        });
        assert_eq!((ours.code, &ours.messages), (borg.code, &borg.messages), "{arguments:?}");
        assert_eq!(ours.text(), borg.text(), "{arguments:?}");
    }
}
