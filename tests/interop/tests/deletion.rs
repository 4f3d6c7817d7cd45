//! What delete, prune and rename tell is what Borg tells. (What they do is tested in `sequences`.)

use std::{
    fs::{self, create_dir_all},
    path::Path,
};

use nanoprobe_interop::{Program, World};

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A file whose path is long, so that few files make many metadata chunks.
fn write(tree: &Path, number: u64, random: &mut Random) {
    let name = format!("{number:04}-{}", "long".repeat(55));
    let seed = random.below(1 << 30);
    let content: Vec<u8> = (0..random.below(3000)).flat_map(|place| (place * seed).to_le_bytes()).collect();
    fs::write(tree.join(format!("{}", number % 7)).join(name), content).expect("a file");
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
