//! check --max-duration of both programs in turn: each goes on where the other stopped, and says the same.
//!
//! strace makes the first opening of one segment take longer than the check may, so that it ends there.

use std::fs;

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};

fn arguments<'a>(repository: &'a str, seconds: &'a str) -> [&'a str; 6] {
    ["check", "-v", "--repository-only", "--max-duration", seconds, repository]
}

/// A check that ends at `segment`.
fn check_until(world: &World, program: Program, segment: u32) -> Outcome {
    let file = world.path(&format!("repo/data/0/{segment}"));
    assert!(file.exists(), "there is no segment {segment}");
    let calls = "open,openat,openat2";
    let inject = format!("inject={calls}:delay_enter=1500000:when=1");
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", file.to_str().expect("UTF-8"), "-e", &inject];
    Outcome::of(world.command_under(&wrapper, program, arguments(&world.repository(), "1")))
}

/// A check that has all the time there is.
fn check(world: &World, program: Program) -> Outcome {
    world.run(program, arguments(&world.repository(), "10000"))
}

fn config(world: &World) -> String {
    fs::read_to_string(world.path("repo/config")).expect("a configuration")
}

fn remembered(world: &World) -> Option<u32> {
    let config = config(world);
    let line = config.lines().find_map(|line| line.strip_prefix("last_segment_checked = "))?;
    Some(line.parse().expect("a number"))
}

fn segments(world: &World) -> Vec<u32> {
    let names = fs::read_dir(world.path("repo/data/0")).expect("segments").map(|entry| entry.expect("one").file_name());
    let mut numbers: Vec<u32> =
        names.map(|name| name.to_str().and_then(|name| name.parse().ok()).expect("one")).collect();
    numbers.sort_unstable();
    numbers
}

/// Both programs do the same to the same repository and say the same; what `last` did counts.
fn both(world: &World, last: Program, run: impl Fn(&World, Program) -> Outcome) -> Outcome {
    world.keep();
    let other = run(world, last.other());
    let config_of_other = config(world);
    world.put_back();
    fs::remove_dir_all(world.path("kept")).expect("what was kept");
    let outcome = run(world, last);
    assert_eq!((outcome.code, &outcome.messages), (other.code, &other.messages), "{last}, then the other");
    assert_eq!(outcome.text(), other.text());
    assert_eq!(config(world), config_of_other);
    outcome
}

#[test]
fn each_goes_on_where_the_other_stopped() {
    let world = World::with_repository(Program::Borg, "repokey");
    let repository = world.repository();
    world.run(Program::Nanoprobe, ["config", &repository, "max_segment_size", "30000"]).success();
    grow_tree(&world.path("tree"), 3, Content::Small);
    for (program, name, seed) in [(Program::Borg, "one", 1), (Program::Nanoprobe, "two", 300_000)] {
        let noise: Vec<u8> = (seed..seed + 280_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        fs::write(world.path("tree/noise"), noise).expect("a file");
        world.create(program, name, "tree", &["--chunker-params", "fixed,4096"]);
    }
    let all = segments(&world);
    assert!(all.len() > 12, "{all:?}");
    let [first, second, third] = [2, 5, all.len() / 2].map(|place| all[place]);

    let said = both(&world, Program::Borg, |world, program| check_until(world, program, first)).success().messages;
    assert!(said.contains("skipping to segments >= 0") && said.contains(&format!("last segment checked is {first}")));
    let said =
        both(&world, Program::Nanoprobe, |world, program| check_until(world, program, second)).success().messages;
    assert!(said.contains(&format!("skipping to segments >= {}", first + 1)), "{said}");
    assert_eq!(remembered(&world), Some(second));

    // Damage that lies behind is not seen, damage ahead is; the place counts all the same.
    let flip = |segment: u32| {
        let path = world.path(&format!("repo/data/0/{segment}"));
        let mut bytes = fs::read(&path).expect("a segment");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("a segment");
    };
    flip(first);
    let said = both(&world, Program::Borg, |world, program| check_until(world, program, third)).success().messages;
    assert!(said.contains("Finished partial repository check, no problems found."), "{said}");
    flip(first);
    let ahead = all[all.len() - 3];
    flip(ahead);
    let said = both(&world, Program::Nanoprobe, check).expect(1).messages;
    assert!(said.contains("Finished partial repository check, errors found."), "{said}");
    assert_eq!(remembered(&world), None, "it came to the end");
    flip(ahead);

    // Compaction takes segments away, the one it ended at among them, and adds others.
    let compact = || {
        world.run(Program::Borg, ["delete", &world.archive("one")]).success();
        world.run(Program::Nanoprobe, ["compact", "--threshold", "0", &repository]).success();
        segments(&world)
    };
    world.keep();
    let left = compact();
    world.put_back();
    fs::remove_dir_all(world.path("kept")).expect("what was kept");
    let gone: Vec<u32> = all.iter().copied().filter(|segment| !left.contains(segment)).collect();
    assert!(gone.len() > 4, "{gone:?}");
    let second = gone[gone.len() / 2];
    both(&world, Program::Nanoprobe, |world, program| check_until(world, program, second)).success();
    compact();
    assert_eq!(remembered(&world), Some(second));
    let next = segments(&world).into_iter().find(|&segment| segment > second + 1).expect("a segment");
    let said = both(&world, Program::Borg, |world, program| check_until(world, program, next)).success().messages;
    assert!(said.contains(&format!("skipping to segments >= {}", second + 1)), "{said}");
    // A full check begins at the start, and forgets.
    let full = ["check", "-v", "--repository-only", &repository];
    both(&world, Program::Nanoprobe, |world, program| world.run(program, full)).success();
    assert_eq!(remembered(&world), None);
    // A place behind the end is the end.
    world.run(Program::Nanoprobe, ["config", &repository, "last_segment_checked", "100000"]).success();
    let said = both(&world, Program::Borg, check).success().messages;
    assert!(said.contains("skipping to segments >= 100001"), "{said}");
    assert_eq!(remembered(&world), None);
}
