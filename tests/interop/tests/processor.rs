//! What the CPU has decides how fast, never what is written: the same repository comes from every implementation, and Borg reads
//! it. Also the mode that `init` recommends. These run under emulation too, of CPUs that have little.

use std::collections::BTreeMap;

use nanoprobe_interop::{Content, Program, World, assert_same_tree, grow_tree};
use serde_json::Value;

fn used(cpu: &Value) -> BTreeMap<&str, &str> {
    let forms = cpu["implementations"].as_array().expect("a list");
    let mut primitives = BTreeMap::new();
    for form in forms {
        assert!(["used", "slower", "missing", "masked"].contains(&form["standing"].as_str().expect("text")), "{form}");
        if form["standing"] == "used" {
            let (primitive, name) = (form["primitive"].as_str(), form["name"].as_str());
            assert_eq!(primitives.insert(primitive.expect("text"), name.expect("text")), None, "{form}");
        }
    }
    primitives
}

#[test]
fn cpu_tells_what_is_used_and_a_mask_takes_it_away() {
    let world = World::new();
    let cpu = world.run(Program::Nanoprobe, ["cpu", "--json"]).success().json();
    let plain = used(&cpu);
    for primitive in ["AES-256-CTR", "SHA-256", "BLAKE2b", "CRC-32", "buzhash"] {
        assert!(plain.contains_key(primitive), "{primitive}: {cpu}");
    }
    let text = world.run(Program::Nanoprobe, ["cpu"]).success().text();
    let suits = cpu["encryption"]["repokey"].as_str().expect("a mode");
    assert!(plain.values().all(|name| text.contains(name)) && text.contains(suits), "{text}");

    let masked = World::new().with("NANOPROBE_CPU_MASK", "all");
    let cpu = masked.run(Program::Nanoprobe, ["cpu", "--json"]).success().json();
    assert_eq!(cpu["masked"], cpu["features"]);
    let needless = |form: &&Value| form["standing"] == "used" && form["lacks"] == Value::Array(Vec::new());
    let forms = cpu["implementations"].as_array().expect("a list");
    assert_eq!(forms.iter().filter(needless).count(), used(&cpu).len());

    let wrong = World::new().with("NANOPROBE_CPU_MASK", "aes,mmx");
    let outcome = wrong.run(Program::Nanoprobe, ["cpu"]).expect(2);
    assert!(outcome.messages.contains("no such CPU feature: aes,mmx"), "{outcome:?}");
}

#[test]
fn every_implementation_writes_what_the_others_read() {
    for mode in ["repokey", "repokey-blake2"] {
        let mut world = World::with_repository(Program::Nanoprobe, mode);
        grow_tree(&world.path("tree"), 5, Content::Large);
        world.create(Program::Nanoprobe, "plain", "tree", &["-C", "lz4"]);
        world.set("NANOPROBE_CPU_MASK", "all");
        let options = &["-C", "lz4", "--files-cache", "disabled", "--json"];
        let masked = world.create(Program::Nanoprobe, "masked", "tree", options).json();
        // Only its own list of items is new.
        let new = masked["archive"]["stats"]["deduplicated_size"].as_u64().expect("bytes");
        assert!(new < 100_000, "{masked}");
        assert_eq!(
            world.run(Program::Nanoprobe, ["list", "--short", &world.repository()]).success().text(),
            "plain\nmasked\n"
        );
        assert_same_tree(&world.path("tree"), &world.extract(Program::Nanoprobe, "plain", "ours", &[]));
        world.check(Program::Nanoprobe);
        world.check(Program::Borg);
        assert_same_tree(&world.path("tree"), &world.extract(Program::Borg, "masked", "borg", &[]));
    }
}

#[test]
fn init_recommends_what_suits_this_machine() {
    let world = World::new();
    let outcome = world.run(Program::Nanoprobe, ["init", &world.repository()]).expect(2);
    assert!(outcome.messages.contains("the following arguments are required: -e/--encryption"), "{outcome:?}");
    assert!(outcome.messages.contains("--encryption=auto"), "{outcome:?}");
    assert!(!world.path("repo").exists());
    for (auto, family) in [("auto", "repokey"), ("auto-keyfile", "keyfile")] {
        let world = World::new();
        let outcome = world.run(Program::Nanoprobe, ["init", "--encryption", auto, &world.repository()]).success();
        let info = world.run(Program::Borg, ["info", "--json", &world.repository()]).success().json();
        let mode = info["encryption"]["mode"].as_str().expect("a mode");
        assert!(mode == family || mode == format!("{family}-blake2"), "{info}");
        assert!(outcome.messages.contains(&format!("Encryption mode: {mode} (")), "{outcome:?}");
    }
}
