//! "All archives" and "Chunk index": the figures that `create` carries from run to run are those that Borg counts.

use std::{fs, path::PathBuf};

use nanoprobe_interop::{Content, Outcome, Program, World, grow_tree};
use serde_json::Value;

const SMALL_CHUNKS: [&str; 4] = ["--chunker-params", "buzhash,10,16,12,1023", "-C", "zstd,1"];

fn statistics(outcome: &Outcome) -> Value {
    outcome.json()["cache"]["stats"].clone()
}

fn info(world: &World, program: Program) -> Value {
    statistics(&world.run(program, ["info", "--json", &world.repository()]).success())
}

fn kept(world: &World) -> PathBuf {
    let document = world.run(Program::Nanoprobe, ["info", "--json", &world.repository()]).success().json();
    PathBuf::from(document["cache"]["path"].as_str().expect("a path")).join("totals")
}

fn create(world: &World, name: &str) -> Value {
    let options = ["--json"].into_iter().chain(SMALL_CHUNKS).collect::<Vec<_>>();
    statistics(&world.create(Program::Nanoprobe, name, "tree", &options))
}

/// What is kept, what a pass counts, and what Borg counts.
#[track_caller]
fn assert_exact(world: &World, figures: &Value) {
    assert_eq!(*figures, info(world, Program::Borg), "borg");
    assert_eq!(*figures, info(world, Program::Nanoprobe), "kept");
}

#[track_caller]
fn assert_counted_again(world: &World, figures: &Value) {
    fs::remove_file(kept(world)).expect("what was kept");
    assert_eq!(*figures, info(world, Program::Nanoprobe), "a pass");
}

#[test]
fn create_carries_the_figures_on() {
    for mode in ["repokey-blake2", "none"] {
        let world = World::with_repository(Program::Nanoprobe, mode);
        let tree = world.path("tree");
        grow_tree(&tree, 11, Content::Small);
        let noise: Vec<u8> =
            (0..90_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        fs::write(tree.join("empty"), b"").expect("a file");
        fs::write(tree.join("one"), &noise).expect("a file");
        fs::write(tree.join("same"), &noise).expect("a file");
        fs::hard_link(tree.join("one"), tree.join("linked")).expect("a link");
        fs::write(tree.join("zeros"), vec![0; 400_000]).expect("a file");
        let mut figures = create(&world, "first");
        for turn in 0..4 {
            assert_exact(&world, &figures);
            match turn {
                // Nothing new; then data that are known under another name, and data that are new.
                0 => {}
                1 => fs::write(tree.join("later"), &noise[100_000..]).expect("a file"),
                2 => fs::write(tree.join("new"), noise.iter().rev().copied().collect::<Vec<_>>()).expect("a file"),
                _ => fs::remove_file(tree.join("same")).expect("a file"),
            }
            figures = create(&world, &format!("turn-{turn}"));
        }
        assert_exact(&world, &figures);
        assert_counted_again(&world, &figures);
    }
}

#[test]
fn checkpoints_do_not_count() {
    let world = World::with_repository(Program::Nanoprobe, "repokey");
    grow_tree(&world.path("tree"), 12, Content::Small);
    create(&world, "before");
    for (name, seed) in [("a", 3_u32), ("b", 5)] {
        let noise = (0..60_000).flat_map(|number: u32| (number ^ seed).wrapping_mul(2_246_822_519).to_be_bytes());
        fs::write(world.path(name), noise.collect::<Vec<_>>()).expect("a file");
    }
    let archive = world.archive("parts");
    let command = ["--content-from-command", &archive, "--", "sh", "-c", "cat a; sleep 1.5; cat b; sleep 1.5; cat a"];
    let options = ["create", "--json", "--checkpoint-interval", "1"].into_iter().chain(SMALL_CHUNKS);
    let created = world.run(Program::Nanoprobe, options.chain(command)).success();
    let listed = world.run(Program::Borg, ["list", "--consider-part-files", "--short", &archive]).success();
    assert!(listed.text().lines().count() > 2, "no parts: {}", listed.text());
    assert_exact(&world, &statistics(&created));
    let after = create(&world, "after");
    assert_exact(&world, &after);
    assert_counted_again(&world, &after);
}

#[test]
fn what_another_client_adds_is_not_guessed() {
    let world = World::with_repository(Program::Borg, "repokey");
    grow_tree(&world.path("tree"), 13, Content::Small);
    world.create(Program::Borg, "theirs", "tree", &[]);
    fs::write(world.path("tree/new"), b"new".repeat(30_000)).expect("a file");
    let ours = create(&world, "ours");
    let counted = info(&world, Program::Borg);
    for name in ["total_size", "total_csize", "total_unique_chunks"] {
        assert_eq!(ours[name], counted[name], "{name}");
    }
    assert_eq!((&ours["total_chunks"], &ours["unique_size"]), (&Value::Null, &Value::Null));
    let [known, exact] = [&ours, &counted].map(|figures| figures["unique_csize"].as_u64().expect("a number"));
    assert!(known.abs_diff(exact) < 1000, "{known} is not about {exact}");
    let table = world.create(Program::Nanoprobe, "table", "tree", &["--stats"]).messages;
    let last = table.lines().find(|line| line.starts_with("Chunk index:")).expect("a line");
    assert!(last.ends_with(&format!("{:>20}", "n/a")), "{table}");

    // A pass mends it.
    assert_eq!(info(&world, Program::Nanoprobe), info(&world, Program::Borg));
    assert_exact(&world, &create(&world, "mended"));
}
