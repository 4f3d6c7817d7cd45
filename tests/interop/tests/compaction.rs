//! Compaction and low-level repair by both programs on the same repositories, and on a disk that is full.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nanoprobe_interop::{Content, Program, World, assert_same_tree, grow_tree};

/// What a program says when it does not trust the index or hints it finds.
const DISTRUST: [&str; 4] =
    ["Replaying segments", "missing or corrupted", "Corrupted segment", "not found, but listed"];

/// Small segments, so that there are many.
fn world() -> World {
    let mut world = World::with_repository(Program::Borg, "repokey-blake2");
    world.set("BORG_CHECK_I_KNOW_WHAT_I_AM_DOING", "YES");
    world.run(Program::Nanoprobe, ["config", &world.repository(), "max_segment_size", "200000"]).success();
    grow_tree(&world.path("tree"), 1, Content::Small);
    world
}

fn change(world: &World, turn: usize) {
    let bytes: Vec<u8> = (0..150_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 ^ turn as u8).collect();
    fs::write(world.path("tree").join(format!("turn-{}", turn % 3)), bytes).expect("a file");
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp").success());
}

/// All segments, in order.
fn segments(repository: &Path) -> Vec<(u32, PathBuf)> {
    let mut segments = Vec::new();
    for directory in fs::read_dir(repository.join("data")).expect("data directories") {
        for segment in fs::read_dir(directory.expect("an entry").path()).expect("segments") {
            let segment = segment.expect("an entry");
            let number = segment.file_name().to_str().and_then(|name| name.parse().ok());
            segments.extend(number.map(|number| (number, segment.path())));
        }
    }
    segments.sort();
    segments
}

fn total_bytes(repository: &Path) -> u64 {
    segments(repository).iter().map(|(_, path)| fs::metadata(path).expect("a segment").len()).sum()
}

/// The ids that the index holds.
fn indexed(repository: &Path) -> BTreeSet<Vec<u8>> {
    let index = fs::read_dir(repository).expect("a repository").map(|entry| entry.expect("an entry").path());
    let index = index.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.")));
    let bytes = fs::read(index.max().expect("an index")).expect("an index");
    let live = bytes[18..].chunks(40).filter(|bucket| !matches!(bucket[32..36], [0xff | 0xfe, 0xff, 0xff, 0xff]));
    live.map(|bucket| bucket[..32].to_vec()).collect()
}

#[test]
fn both_compact_in_turns() {
    let world = world();
    let repository = world.repository();
    for turn in 0..10_usize {
        let program = Program::BOTH[turn % 2];
        change(&world, turn);
        world.create(program, &format!("turn-{turn}"), "tree", &[]);
        if turn >= 2 {
            let old = world.archive(&format!("turn-{}", turn - 2));
            world.run(Program::BOTH[(turn / 2) % 2], ["delete", &old]).success();
        }
        let threshold = ["--threshold=10", "--threshold=0", "--cleanup-commits"][turn % 3];
        let compactor = Program::BOTH[(turn / 3) % 2];
        let before = total_bytes(&world.path("repo"));
        let compacted = world.run(compactor, ["compact", "-v", threshold, &repository]).success();
        assert!(compacted.messages.contains("compaction freed about "), "{}", compacted.messages);
        assert!(total_bytes(&world.path("repo")) <= before + 1000, "turn {turn}");
        for program in Program::BOTH {
            let checked = world.run(program, ["check", "-v", &repository]).success();
            for words in DISTRUST {
                assert!(!checked.messages.contains(words), "turn {turn}, {program}:\n{}", checked.messages);
                assert!(!compacted.messages.contains(words), "turn {turn}:\n{}", compacted.messages);
            }
        }
    }
    for program in Program::BOTH {
        let found = world.extract(program, "turn-9", &program.to_string(), &[]);
        assert_same_tree(&world.path("tree"), &found);
        world.check(program);
    }
}

#[test]
fn both_free_the_same() {
    let world = world();
    for turn in 0..6 {
        change(&world, turn);
        world.create(Program::BOTH[turn % 2], &format!("turn-{turn}"), "tree", &[]);
    }
    for turn in 0..5 {
        world.run(Program::Borg, ["delete", &world.archive(&format!("turn-{turn}"))]).success();
    }
    copy(&world.path("repo"), &world.path("uncompacted"));
    let bytes = Program::BOTH.map(|program| {
        fs::remove_dir_all(world.path("repo")).expect("a repository");
        copy(&world.path("uncompacted"), &world.path("repo"));
        world.run(program, ["compact", "--threshold=0", &world.repository()]).success();
        Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
        (total_bytes(&world.path("repo")), indexed(&world.path("repo")))
    });
    assert_eq!(bytes[0], bytes[1]);
    // Neither finds anything to do after the other.
    let before = segments(&world.path("repo"));
    world.run(Program::Nanoprobe, ["compact", "--threshold=0", &world.repository()]).success();
    assert_eq!(segments(&world.path("repo")), before);
    // An append-only repository keeps everything.
    world.run(Program::Nanoprobe, ["config", &world.repository(), "append_only", "1"]).success();
    world.run(Program::Nanoprobe, ["delete", &world.archive("turn-5")]).success();
    let before = segments(&world.path("repo"));
    world.run(Program::Nanoprobe, ["compact", "-v", &world.repository()]).success();
    assert_eq!(segments(&world.path("repo")), before);
}

#[test]
fn both_save_the_same_from_damage() {
    let world = world();
    for turn in 0..3 {
        change(&world, turn);
        world.create(Program::BOTH[turn % 2], &format!("turn-{turn}"), "tree", &[]);
    }
    copy(&world.path("repo"), &world.path("whole"));
    let whole = indexed(&world.path("whole"));
    for case in 0..4_usize {
        let saved = Program::BOTH.map(|program| {
            fs::remove_dir_all(world.path("repo")).expect("a repository");
            copy(&world.path("whole"), &world.path("repo"));
            // The last one is the COMMIT, whose loss costs Borg the transaction, and us nothing.
            let segments = segments(&world.path("repo"));
            let large: Vec<_> = segments[..segments.len() - 1]
                .iter()
                .filter(|(_, path)| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 1000))
                .collect();
            let (_, path) = large[case * 7 % large.len()];
            let mut bytes = fs::read(path).expect("a segment");
            let place = (case * 7919 + 11) % bytes.len();
            match case % 4 {
                0 => bytes.truncate(place),
                1 => bytes[place] ^= 0x20,
                2 => bytes[place..].iter_mut().take(4096).for_each(|byte| *byte = 0),
                _ => bytes.clear(),
            }
            if case % 4 == 3 { fs::remove_file(path) } else { fs::write(path, &bytes) }.expect("damage");
            world.run(program, ["check", "--repair", "--repository-only", &world.repository()]).success();
            for program in Program::BOTH {
                world.run(program, ["check", "--repository-only", &world.repository()]).success();
            }
            indexed(&world.path("repo"))
        });
        assert_eq!(saved[0], saved[1], "case {case}");
        assert!(saved[1].is_subset(&whole) && saved[1].len() > whole.len() / 4, "case {case}");
    }
}

/// A small file system of its own; gone at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&at).expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(&at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_recovered_by_delete_and_compact() {
    let world = World::new();
    let Some(disk) = Disk::mount(world.path("disk"), "size=6m") else {
        println!("skipped: a_full_disk_is_recovered_by_delete_and_compact needs to mount a file system");
        return;
    };
    let repository = disk.0.join("repo").to_str().expect("UTF-8").to_owned();
    world.run(Program::Nanoprobe, ["init", "-e", "none", &repository]).success();
    world.run(Program::Nanoprobe, ["config", &repository, "max_segment_size", "400000"]).success();
    fs::create_dir(world.path("tree")).expect("a folder");
    let mut seed = 1_u64;
    let mut archives = 0;
    loop {
        let bytes: Vec<u8> = (0..300_000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        fs::write(world.path("tree/file"), bytes).expect("a file");
        let created = world.run(Program::Nanoprobe, ["create", &format!("{repository}::{archives}"), "tree"]);
        if created.code != 0 {
            assert!(created.messages.contains("space"), "{}", created.messages);
            break;
        }
        archives += 1;
        assert!(archives < 40, "the disk is never full");
    }
    // Somebody else takes nearly all that is left.
    let status = rustix::fs::statvfs(&disk.0).expect("a file system");
    let left = (status.f_bavail * status.f_frsize) as usize;
    fs::write(disk.0.join("filler"), vec![1; left.saturating_sub(260_000)]).expect("a filler");
    for archive in 0..archives - 1 {
        world.run(Program::Nanoprobe, ["delete", &format!("{repository}::{archive}")]).success();
    }
    world.run(Program::Nanoprobe, ["compact", "-v", &repository]).success();
    let status = rustix::fs::statvfs(&disk.0).expect("a file system");
    let free = status.f_bavail * status.f_frsize;
    assert!(archives >= 3 && free > 250_000 * (archives - 1), "{free} bytes are free of {archives} archives");
    for program in Program::BOTH {
        world.run(program, ["check", "--verify-data", &repository]).success();
    }
    fs::remove_file(disk.0.join("filler")).expect("the filler");
    world.run(Program::Nanoprobe, ["create", &format!("{repository}::after"), "tree"]).success();
}
