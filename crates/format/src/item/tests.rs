use super::*;
use crate::{ChunkRef, Id};

const CHUNKS: [ChunkRef; 2] =
    [ChunkRef { id: Id([1; 32]), size: 8 << 20, csize: 300 }, ChunkRef { id: Id([2; 32]), size: 5, csize: 48 }];

fn emitted<'b>(item: &Item<'_>, buffer: &'b mut [u8]) -> &'b [u8] {
    let room = buffer.len();
    let mut writer = Writer::new(&mut *buffer);
    item.emit(&mut writer).unwrap();
    let left = writer.into_inner().len();
    &buffer[..room - left]
}

#[test]
fn what_is_emitted_is_read_again() {
    let item = Item {
        path: b"home/\xff",
        mode: 0o100_644,
        uid: Some(1000),
        gid: Some(-2),
        user: Some(b"user"),
        mtime: Some(-1),
        atime: Some(i64::MAX),
        source: Some(b"elsewhere"),
        rdev: Some(0x801),
        hardlink_master: Some(true),
        bsdflags: Some(1),
        xattrs: Some(Xattrs::Pairs(&[(b"user.a", b"1"), (b"user.b", b"")])),
        acl_access: Some(b"user::rw-"),
        chunks: Some(Chunks::Refs(&CHUNKS)),
        chunks_healthy: Some(Chunks::Refs(&[])),
        size: Some((8 << 20) + 5),
        part: Some(1),
        ..Item::default()
    };
    let mut buffer = [0; 1024];
    let bytes = emitted(&item, &mut buffer);
    let parsed = Item::parse(bytes).unwrap();
    assert_eq!(parsed, item);
    assert_eq!(parsed.chunks.unwrap().size_bytes(), (8 << 20) + 5);
    let mut again = [0; 1024];
    assert_eq!(emitted(&parsed, &mut again), bytes, "a packed view emits what it was made from");
}

#[test]
fn attributes_are_sorted_by_name() {
    let pairs: [(&[u8], &[u8]); 4] = [(b"user.c", b"3"), (b"user.a", b""), (b"", b"0"), (b"user.b", b"2")];
    let mut sorted = pairs;
    sorted.sort_unstable();
    let item = |xattrs| Item { path: b"x", xattrs: Some(Xattrs::Pairs(xattrs)), ..Item::default() };
    let (mut one, mut other) = ([0; 256], [0; 256]);
    assert_eq!(emitted(&item(&pairs), &mut one), emitted(&item(&sorted), &mut other));
}

#[test]
fn old_forms_are_read() {
    let mut bytes =
        *b"\x85\xa4path\xa1x\xa4mode\x00\xa5mtime\xa9\x00\x00\x00\x00\x00\x00\x00\x80\x00\xa5atime\xa1\xff\xa3acl\xc0";
    let item = Item::parse(&bytes).unwrap();
    assert_eq!((item.mtime, item.atime), (Some(i64::MAX), Some(-1)));
    *bytes.last_mut().unwrap() = 0xc1;
    assert!(Item::parse(&bytes).is_err(), "unknown values must still be msgpack");
}

#[test]
fn what_is_not_an_item_is_refused_by_name() {
    assert_eq!(Item::parse(b"\x81\xa4mode\x00"), Err(Error::Missing("path")));
    assert_eq!(Item::parse(b"\x81\xa4path\xa1x"), Err(Error::Missing("mode")));
    assert_eq!(Item::parse(b"\x82\xa4mode\x00\xa4path\xa1x\xc0"), Err(Error::TrailingBytes));
    assert_eq!(Item::parse(b"\x82\xa4mode\x00\xa4path\xa2x"), Err(Error::Truncated));
    assert_eq!(Item::parse(b"\x93\x01\x02\x03"), Err(Error::UnexpectedType(0x93)));
    assert_eq!(Item::parse(b"\x81\xa6chunks\x91\x92\xa1x\x00"), Err(Error::WrongLength), "two where three belong");
    assert_eq!(Item::parse(b"\x81\xa6chunks\x91\x93\xa1x\x00\x00"), Err(Error::WrongLength), "a short id");
    assert_eq!(Item::parse(b"\x81\xa6chunks\xdd\xff\xff\xff\xff"), Err(Error::Truncated), "a long list of nothing");
}
