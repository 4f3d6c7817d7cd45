//! Items become what they say.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
};

use nanoprobe_format::{ChunkRef, item::Item};
use nanoprobe_key::Mode;
use nanoprobe_operations::extract::Options;

use super::fixture::{Fixture, file, other};

#[test]
fn kinds_and_attributes() {
    let mut fixture = Fixture::new(Mode::Repokey);
    let (first, second) = (fixture.chunk(b"first half, "), fixture.chunk(b"second half"));
    let entry = fixture.archive(
        "kinds",
        &[
            other(b"dir", 0o040_750, None),
            Item {
                hardlink_master: Some(true),
                size: Some(23),
                mode: 0o104_751,
                ..file(b"dir/file", &[first, second])
            },
            other(b"dir/hard", 0o104_751, Some(b"dir/file")),
            other(b"dir/soft", 0o120_777, Some(b"../nowhere")),
            other(b"dir/fifo", 0o010_640, None),
            file(b"dir/empty", &[]),
        ],
    );
    let target = fixture.directory("target");
    let heard = fixture.extract(&entry, &target, &[], 0, &Options::default());
    assert!(heard.warnings.into_inner().expect("sound").is_empty());
    let dir = target.join("dir");
    assert_eq!(fs::read(dir.join("file")).expect("readable"), b"first half, second half");
    let metadata = fs::metadata(dir.join("file")).expect("there");
    assert_eq!((metadata.mode(), metadata.nlink()), (0o104_751, 2));
    assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (1_700_000_000, 123_456_789));
    assert_eq!(metadata.ino(), fs::metadata(dir.join("hard")).expect("there").ino());
    assert_eq!(fs::read_link(dir.join("soft")).expect("a link").as_os_str(), "../nowhere");
    assert!(fs::metadata(dir.join("fifo")).expect("there").file_type().is_fifo());
    assert_eq!(fs::metadata(dir.join("empty")).expect("there").len(), 0);
    let metadata = fs::metadata(&dir).expect("there");
    assert_eq!((metadata.permissions().mode(), metadata.mtime()), (0o040_750, 1_600_000_000));
}

#[test]
fn replaces_what_is_there() {
    let mut fixture = Fixture::new(Mode::None);
    let chunk = fixture.chunk(b"new");
    let entry = fixture.archive("new", &[file(b"a", &[chunk]), file(b"b", &[chunk]), other(b"c", 0o040_755, None)]);
    let target = fixture.directory("target");
    fs::write(target.join("a"), "old and longer").expect("written");
    fs::hard_link(target.join("a"), target.join("kept")).expect("linked");
    fs::create_dir(target.join("b")).expect("made");
    fs::write(target.join("c"), "in the way").expect("written");
    let heard = fixture.extract(&entry, &target, &[], 0, &Options::default());
    assert!(heard.warnings.into_inner().expect("sound").is_empty());
    assert_eq!(fs::read(target.join("a")).expect("readable"), b"new");
    assert_eq!(fs::read(target.join("kept")).expect("readable"), b"old and longer");
    assert_eq!(fs::read(target.join("b")).expect("readable"), b"new");
    assert!(target.join("c").is_dir());
}

#[test]
fn parts_of_an_archive() {
    let mut fixture = Fixture::new(Mode::None);
    let chunk = fixture.chunk(b"shared");
    let entry = fixture.archive(
        "parts",
        &[
            Item { hardlink_master: Some(true), ..file(b"one/master", &[chunk]) },
            other(b"two/first", 0o100_644, Some(b"one/master")),
            other(b"two/second", 0o100_644, Some(b"one/master")),
        ],
    );
    let target = fixture.directory("target");
    let heard = fixture.extract(&entry, &target, &["two", "three"], 1, &Options::default());
    let warnings = heard.warnings.into_inner().expect("sound");
    assert_eq!(warnings, [(101, "Include pattern 'three' never matched.".to_owned())]);
    assert_eq!(fs::read(target.join("first")).expect("readable"), b"shared");
    let inode = |name: &str| fs::metadata(target.join(name)).expect("there").ino();
    assert_eq!(inode("first"), inode("second"));
    assert!(!target.join("master").exists());
}

#[test]
fn many_chunks_in_order_with_holes() {
    let mut fixture = Fixture::new(Mode::None);
    let zeros = fixture.chunk(&vec![0; 300 << 10]);
    let chunks: Vec<ChunkRef> = (0..100u32).map(|number| fixture.chunk(&number.to_le_bytes().repeat(5000))).collect();
    let all = [&[zeros], &chunks[..], &[zeros]].concat();
    let entry = fixture.archive("large", &[file(b"large", &all), file(b"small", &chunks[..1])]);
    let expected: Vec<u8> = [
        vec![0; 300 << 10],
        (0..100u32).flat_map(|number| number.to_le_bytes().repeat(5000)).collect(),
        vec![0; 300 << 10],
    ]
    .concat();
    for sparse in [false, true] {
        let target = fixture.directory(if sparse { "sparse" } else { "full" });
        fixture.extract(&entry, &target, &[], 0, &Options { sparse, ..Options::default() });
        assert!(fs::read(target.join("large")).expect("readable") == expected);
        let blocks = fs::metadata(target.join("large")).expect("there").blocks();
        assert_eq!(blocks * 512 < expected.len() as u64, sparse);
    }
}

#[test]
fn goes_on_where_it_stopped() {
    let mut fixture = Fixture::new(Mode::None);
    let chunk = fixture.chunk(b"content");
    let entry = fixture.archive("again", &[file(b"done", &[chunk]), file(b"cut", &[chunk])]);
    let target = fixture.directory("target");
    let options = Options { skip_present: true, ..Options::default() };
    fixture.extract(&entry, &target, &[], 0, &options);
    let inode = |name: &str| fs::metadata(target.join(name)).expect("there").ino();
    let before = inode("done");
    fs::write(target.join("cut"), "con").expect("written");
    fixture.extract(&entry, &target, &[], 0, &options);
    assert_eq!(inode("done"), before);
    assert_eq!(fs::read(target.join("cut")).expect("readable"), b"content");
}

#[test]
fn says_what_does_not_add_up() {
    let mut fixture = Fixture::new(Mode::None);
    let chunk = [fixture.chunk(b"content")];
    let healthy = file(b"healed", &chunk).chunks;
    let entry = fixture.archive(
        "odd",
        &[
            Item { size: Some(9), ..file(b"short", &chunk) },
            Item { chunks_healthy: healthy, ..file(b"healed", &chunk) },
        ],
    );
    let heard = fixture.extract(&entry, &fixture.directory("target"), &[], 0, &Options::default());
    let warnings = heard.warnings.into_inner().expect("sound");
    assert_eq!(warnings[0].1, "short: Size inconsistency detected: size 9, chunks size 7: backup error");
    assert_eq!(
        warnings[1].1,
        "healed: File has damaged (all-zero) chunks. Try running borg check --repair.: backup error"
    );
}
