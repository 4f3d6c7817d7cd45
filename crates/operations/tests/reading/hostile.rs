//! Archives made to reach outside the destination: nothing there may change, and the run goes on to the next item.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, os::unix::fs::symlink, path::Path};

use nanoprobe_format::{ChunkRef, item::Item};
use nanoprobe_key::Mode;
use nanoprobe_operations::extract::Options;

use super::fixture::{Fixture, file, other};

const DIRECTORY: u32 = 0o040_755;
const SYMLINK: u32 = 0o120_777;
const REGULAR: u32 = 0o100_644;
const FIFO: u32 = 0o010_644;
const CHARACTER: u32 = 0o020_666;
const BLOCK: u32 = 0o060_666;

/// Everything about the files outside: kind, mode, owner, size, links, time, content.
fn audit(directory: &Path, seen: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let metadata = fs::symlink_metadata(&path).expect("there");
        let content = if metadata.is_file() { fs::read(&path).expect("readable") } else { Vec::new() };
        let facts = (metadata.mode(), metadata.uid(), metadata.nlink(), metadata.mtime_nsec(), metadata.ctime_nsec());
        seen.insert(path.display().to_string(), format!("{facts:?} {content:?}"));
        if metadata.is_dir() {
            audit(&path, seen);
        }
    }
}

/// Archives by what they try; each is extracted into a fresh destination beside `outside`.
fn attacks<'a>(chunks: &'a [ChunkRef], outside: &'a str, file_outside: &'a str) -> Vec<Vec<Item<'a>>> {
    let (outside, file_outside) = (outside.as_bytes(), file_outside.as_bytes());
    let link = |path, target| other(path, SYMLINK, Some(target));
    let hard = |path, source| other(path, REGULAR, Some(source));
    let directory = |path| other(path, DIRECTORY, None);
    let device = |path, mode, rdev| Item { rdev: Some(rdev), ..other(path, mode, None) };
    let mut attacks: Vec<Vec<Item<'a>>> = Vec::new();
    // Paths that lead out by themselves, for every kind of item.
    for path in [
        &b"../outside/secret"[..],
        b"../outside/new",
        b"a/../../outside/secret",
        b"./../outside/secret",
        b"a/..",
        b"..",
        b"../",
        b"/",
        b"//",
        b"a/b/../../../outside/secret",
        file_outside,
        b"nul\0/../../outside/secret",
    ] {
        attacks.push(vec![file(path, chunks)]);
        attacks.push(vec![directory(path)]);
        attacks.push(vec![link(path, b"/etc")]);
        attacks.push(vec![other(path, FIFO, None)]);
        attacks.push(vec![hard(path, b"inside")]);
    }
    // A link as parent, made by the archive.
    for target in [outside, b"../outside", b"./../outside", b"/proc/self/cwd/../outside"] {
        attacks.push(vec![link(b"l", target), file(b"l/secret", chunks)]);
        attacks.push(vec![link(b"l", target), directory(b"l/directory")]);
        attacks.push(vec![link(b"l", target), directory(b"l"), file(b"l/kept", chunks)]);
        attacks.push(vec![directory(b"l"), link(b"l", target), file(b"l/secret", chunks)]);
        attacks.push(vec![directory(b"l"), file(b"l/x", chunks), link(b"l", target), file(b"l/secret", chunks)]);
        attacks.push(vec![link(b"l", target), link(b"l/secret", b"/etc/passwd")]);
        attacks.push(vec![link(b"l", target), other(b"l/secret", FIFO, None)]);
        attacks.push(vec![link(b"l", target), hard(b"h", b"l/secret"), file(b"h", chunks)]);
        attacks.push(vec![directory(b"d"), link(b"d/l", target), link(b"m", b"d/l"), file(b"m/secret", chunks)]);
        attacks.push(vec![directory(b"l"), link(b"l/", target), file(b"l/secret", chunks)]);
        attacks.push(vec![link(b"l", target), directory(b"l/."), file(b"./l//secret", chunks)]);
    }
    // A link as the item itself is replaced, not followed.
    attacks.push(vec![link(b"s", file_outside), file(b"s", chunks)]);
    attacks.push(vec![link(b"s", file_outside), directory(b"s")]);
    attacks.push(vec![link(b"s", file_outside), hard(b"t", b"s"), file(b"t", chunks)]);
    attacks.push(vec![link(b"s", file_outside), Item { xattrs: None, ..link(b"s", file_outside) }]);
    // Sources of hard links.
    for source in [file_outside, b"../outside/secret", b"a/../../outside/secret", b"..", b"", b"/", b"x\0y"] {
        attacks.push(vec![hard(b"h", source), file(b"h", chunks)]);
    }
    // Devices, kinds and sizes that are none.
    attacks.push(vec![device(b"zero", CHARACTER, 0x105), file(b"zero", chunks)]);
    attacks.push(vec![device(b"disk", BLOCK, u64::MAX)]);
    attacks.push(vec![other(b"socket", 0o140_777, None), other(b"none", 0, None), other(b"all", u32::MAX, None)]);
    attacks.push(vec![Item { size: Some(u64::MAX), ..file(b"huge", chunks) }]);
    attacks.push(vec![Item { uid: Some(i64::MAX), gid: Some(-7), ..file(b"owner", chunks) }]);
    attacks.push(vec![Item { mtime: Some(i64::MIN), atime: Some(i64::MAX), ..file(b"time", chunks) }]);
    attacks.push(vec![Item { acl_access: Some(b"user:x"), bsdflags: Some(u64::MAX), ..file(b"acl", chunks) }]);
    attacks
}

#[test]
fn nothing_outside_changes() {
    let mut fixture = Fixture::new(Mode::None);
    let chunks = [fixture.chunk(b"written by an attacker")];
    let outside = fixture.directory("outside");
    fs::write(outside.join("secret"), "secret").expect("written");
    fs::create_dir(outside.join("directory")).expect("made");
    symlink("secret", outside.join("link")).expect("a link");
    let (shown, file_shown) = (outside.display().to_string(), outside.join("secret").display().to_string());
    let mut before = BTreeMap::new();
    audit(&outside, &mut before);

    let attacks = attacks(&chunks, &shown, &file_shown);
    assert!(attacks.len() >= 80, "{} attacks", attacks.len());
    for (number, attack) in attacks.into_iter().enumerate() {
        let mut items = vec![file(b"inside", &chunks)];
        let paths: Vec<_> = attack.iter().map(|item| String::from_utf8_lossy(item.path).into_owned()).collect();
        items.extend(attack);
        items.push(file(b"last", &chunks));
        let entry = fixture.archive(&format!("attack{number}"), &items);
        let target = fixture.directory(&format!("target{number}"));
        fixture.extract(&entry, &target, &[], 0, &Options::default());
        let mut after = BTreeMap::new();
        audit(&outside, &mut after);
        assert_eq!(before, after, "attack {number}: {paths:?}");
        assert_eq!(fs::read(target.join("last")).expect("readable"), b"written by an attacker", "{paths:?}");
        fs::remove_dir_all(target).expect("removed");
    }
    let beside: Vec<_> = fs::read_dir(fixture.base.path()).expect("readable").flatten().collect();
    assert!(beside.iter().all(|entry| entry.file_name() != "new"), "{beside:?}");
}

#[test]
fn links_that_were_there_are_not_followed() {
    let mut fixture = Fixture::new(Mode::None);
    let chunks = [fixture.chunk(b"content")];
    let outside = fixture.directory("outside");
    let target = fixture.directory("target");
    symlink(&outside, target.join("there")).expect("a link");
    let entry = fixture.archive("there", &[file(b"there/file", &chunks)]);
    let heard = fixture.extract(&entry, &target, &[], 0, &Options::default());
    let warnings = heard.warnings.into_inner().expect("sound");
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].0, 108);
    assert_eq!(fs::read_dir(&outside).expect("readable").count(), 0);
}

#[test]
fn names_that_are_too_long_are_refused_one_by_one() {
    let mut fixture = Fixture::new(Mode::None);
    let chunks = [fixture.chunk(b"content")];
    let (long, deep) = (vec![b'x'; 300], b"d/".repeat(3000));
    let entry = fixture.archive("long", &[file(&long, &chunks), file(&deep, &chunks), file(b"last", &chunks)]);
    let target = fixture.directory("target");
    let heard = fixture.extract(&entry, &target, &[], 0, &Options::default());
    assert_eq!(heard.warnings.into_inner().expect("sound").len(), 2);
    assert!(target.join("last").is_file());
}
