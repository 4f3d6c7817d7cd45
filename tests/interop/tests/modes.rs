//! Every mode × every compressor, both directions: what one writes the other lists, checks and extracts, equal in bytes
//! and attributes. At the end of a mode no counter was used twice, whoever wrote.

use nanoprobe_interop::{Content, Program, World, assert_same_tree, grow_tree, overlaps, ranges};

const COMPRESSIONS: [&str; 8] =
    ["none", "lz4", "zstd,3", "zlib,6", "lzma,2", "auto,zstd,3", "obfuscate,1,zstd,3", "auto,lzma,1"];

fn exchange(founder: Program, mode: &str) {
    let world = World::with_repository(founder, mode);
    for (place, compression) in COMPRESSIONS.into_iter().enumerate() {
        for program in Program::BOTH {
            // Trees that share no content: nothing is spared by deduplication.
            let seed = 2 * place as u64 + u64::from(program == Program::Borg);
            let name = format!("{program}-{place}");
            grow_tree(&world.path(&name), seed, Content::Small);
            world.create(program, &format!("of-{name}"), &name, &["-C", compression]);
        }
    }
    Program::BOTH.into_iter().for_each(|program| drop(world.check(program)));
    for place in 0..COMPRESSIONS.len() {
        for program in Program::BOTH {
            let name = format!("{program}-{place}");
            let found = world.extract(program.other(), &format!("of-{name}"), "extracted", &[]);
            assert_same_tree(&world.path(&name), &found);
        }
    }
    for archive in ["of-borg-1", "of-nanoprobe-2"].map(|name| world.archive(name)) {
        let [borg, ours] = Program::BOTH.map(|program| world.run(program, ["list", &archive]).success());
        assert_eq!(ours.text(), borg.text(), "{mode}: list of {archive}");
    }
    let ranges = ranges(&world.path("repo"));
    assert_eq!(ranges.is_empty(), mode == "none" || mode.starts_with("authenticated"), "{mode}");
    assert_eq!(overlaps(&ranges), [], "{mode}");
}

#[test]
fn none() {
    exchange(Program::Nanoprobe, "none");
}

#[test]
fn authenticated() {
    exchange(Program::Borg, "authenticated");
}

#[test]
fn authenticated_blake2() {
    exchange(Program::Nanoprobe, "authenticated-blake2");
}

#[test]
fn repokey() {
    exchange(Program::Borg, "repokey");
}

#[test]
fn repokey_blake2() {
    exchange(Program::Nanoprobe, "repokey-blake2");
}

#[test]
fn keyfile() {
    exchange(Program::Borg, "keyfile");
}

#[test]
fn keyfile_blake2() {
    exchange(Program::Nanoprobe, "keyfile-blake2");
}
