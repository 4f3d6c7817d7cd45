//! Structures that Borg 1.4.5 packed (see `vectors/record.py`): read as it meant them, emitted again to the byte.

use nanoprobe_format::archive::{Archive, ChunkerParams};
use nanoprobe_format::item::Item;
use nanoprobe_format::manifest::{
    ITEM_KEYS, Manifest, NewManifest, config_requires_tam, emit_config_requiring_tam, mandatory_features,
};
use nanoprobe_format::msgpack::{Error, Reader, Scanner, Writer};
use nanoprobe_format::tam::Tam;
use nanoprobe_format::{ChunkRef, Id};
use proptest::prelude::*;

const EVERY_ATTRIBUTE: &[u8] = include_bytes!("vectors/item_every_attribute.msgpack");
const ITEMS: &[u8] = include_bytes!("vectors/items.msgpack");
const OLD_ITEM: &[u8] = include_bytes!("vectors/item_old.msgpack");
const MANIFEST: &[u8] = include_bytes!("vectors/manifest.msgpack");
const OLD_MANIFEST: &[u8] = include_bytes!("vectors/manifest_old.msgpack");
const ARCHIVE: &[u8] = include_bytes!("vectors/archive.msgpack");
const RECREATED_ARCHIVE: &[u8] = include_bytes!("vectors/archive_recreated.msgpack");
const OLD_ARCHIVE: &[u8] = include_bytes!("vectors/archive_old.msgpack");

fn emitted<T>(emit: impl FnOnce(&mut Writer<&mut [u8]>) -> T) -> (T, Vec<u8>) {
    let mut buffer = vec![0; 1 << 16];
    let mut writer = Writer::new(&mut buffer[..]);
    let result = emit(&mut writer);
    let written = writer.written_bytes();
    buffer.truncate(written);
    (result, buffer)
}

fn chunk(number: u8, size: u32, csize: u32) -> ChunkRef {
    ChunkRef { id: Id([number; 32]), size, csize }
}

#[test]
fn every_attribute_is_read() {
    let item = Item::parse(EVERY_ATTRIBUTE).unwrap();
    assert_eq!((item.path, item.source), (&b"home/caf\xe9"[..], Some(&b"home/first"[..])));
    assert_eq!(
        (item.mode, item.uid, item.gid, item.user, item.group),
        (0o100_640, Some(1000), Some(-1), Some(&b"user"[..]), None)
    );
    assert_eq!((item.rdev, item.bsdflags, item.part, item.size), (Some(0x801), Some(1), Some(2), Some(8_388_613)));
    assert_eq!((item.mtime, item.atime, item.ctime), (Some(1_777_863_721_123_456_789), Some(-1), Some(0)));
    assert_eq!((item.birthtime, item.hardlink_master, item.nlink), (Some(i64::MAX), Some(true), None));
    assert!(item.chunks.unwrap().iter().eq([chunk(1, 8_388_608, 300), chunk(2, 5, 48)]));
    assert!(item.chunks_healthy.unwrap().iter().eq([chunk(3, 70_000, 255), chunk(2, 5, 48)]));
    let xattrs: Vec<_> = item.xattrs.unwrap().iter().collect();
    assert_eq!(xattrs, [(&b"security.long"[..], &[b'x'; 300][..]), (b"user.a", b""), (b"user.b", b"\x00\xff")]);
    assert_eq!((item.acl_access, item.acl_default), (Some(&b"user::rw-\n"[..]), Some(&b"user::rwx\n"[..])));
    assert_eq!((item.acl_extended, item.acl_nfs4), (Some(&b"!#acl 1\n"[..]), Some(&b"everyone@:r::allow\n"[..])));
}

#[test]
fn items_are_emitted_as_borg_packs_them() {
    let mut reader = Reader::new(EVERY_ATTRIBUTE);
    for stream in [EVERY_ATTRIBUTE, ITEMS] {
        reader = Reader::new(stream);
        while !reader.is_empty() {
            let before = reader.rest();
            let item = Item::read(&mut reader).unwrap();
            let packed = &before[..before.len() - reader.rest().len()];
            assert_eq!(emitted(|writer| item.emit(writer).unwrap()).1, packed);
            assert_eq!(Scanner::default().feed(before), Ok(Some(packed.len())));
        }
    }
    assert!(reader.is_empty());
}

#[test]
fn times_beyond_64_bits_are_the_end_of_time() {
    let item = Item::parse(OLD_ITEM).unwrap();
    assert_eq!((item.mtime, item.ctime, item.atime), (Some(i64::MAX), Some(i64::MIN), Some(i64::MAX)));
    assert_eq!((item.path, item.user, item.group), (&b"old"[..], None, None));
}

#[test]
fn a_manifest_is_read_and_emitted() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    assert_eq!(manifest.timestamp, Some(&b"2999-12-31T23:59:59.999999"[..]), "one microsecond after the one before");
    let archives: Vec<_> = manifest.archives.iter().collect();
    assert_eq!(archives.len(), 21);
    assert!(archives.is_sorted_by_key(|archive| archive.name));
    assert_eq!(
        (archives[7].name, archives[7].id, archives[7].time),
        (&b"archive-07"[..], Id([1; 32]), &b"2026-01-02T03:02:01.000000"[..])
    );
    assert_eq!(archives[20].name, b"caf\xe9");
    let keys: Vec<_> = manifest.item_keys.iter().collect();
    assert_eq!(keys, [&b"mtime"[..], b"path", b"zebra"]);

    let features =
        |operation: &[u8]| mandatory_features(manifest.config, operation).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(features(b"write"), [b"alpha".as_slice(), b"beta"]);
    for operation in [&b"read"[..], b"delete", b"check"] {
        assert!(features(operation).is_empty());
    }
    assert!(config_requires_tam(manifest.config));

    let Tam::Present { salt, hmac, hmac_range } = manifest.tam.clone() else { panic!("{:?}", manifest.tam) };
    assert_eq!(MANIFEST[hmac_range.clone()], hmac);
    let new = NewManifest {
        config: manifest.config,
        item_keys: manifest.item_keys,
        timestamp: manifest.timestamp.unwrap(),
        salt: &salt,
    };
    let (range, mut again) = emitted(|writer| new.emit(archives.iter().copied(), writer).unwrap());
    assert_eq!(again[range.clone()], [0; 64]);
    again[range].copy_from_slice(&hmac);
    // We list every item key that Borg knows, which this recording does not.
    let listed = Manifest::parse(&again).unwrap().item_keys;
    let expected: Vec<_> = ITEM_KEYS.into_iter().chain([&b"zebra"[..]]).collect();
    assert_eq!(listed.iter().collect::<Vec<_>>(), expected);
    assert!(ITEM_KEYS.is_sorted());
    let splice = |packed: &[u8], keys: &[u8]| {
        let at = packed.windows(10).position(|window| window == b"\xa9item_keys").unwrap() + 10;
        [&packed[..at], &packed[at + keys.len()..]].concat()
    };
    let array = |keys: &[&[u8]]| {
        emitted(|writer| {
            writer.array(keys.len()).unwrap();
            keys.iter().for_each(|key| writer.raw(key).unwrap());
        })
        .1
    };
    assert_eq!(splice(&again, &array(&expected)), splice(MANIFEST, &array(&keys)));
}

#[test]
fn an_old_manifest_has_no_tam() {
    let manifest = Manifest::parse(OLD_MANIFEST).unwrap();
    assert_eq!((manifest.archives.len(), manifest.item_keys.len(), manifest.tam), (0, 0, Tam::Absent));
    assert!(!config_requires_tam(manifest.config));
}

#[test]
fn a_config_is_made_to_require_tam() {
    for (config, expected) in [
        (&b"\x80"[..], &b"\x81\xactam_required\xc3"[..]),
        (b"\x81\xactam_required\xc2", b"\x81\xactam_required\xc3"),
        (b"\x82\xa1a\x01\xa1z\x81\xa1b\xc0", b"\x83\xa1a\x01\xactam_required\xc3\xa1z\x81\xa1b\xc0"),
    ] {
        assert_eq!(emitted(|writer| emit_config_requiring_tam(config, writer).unwrap()).1, expected);
    }
}

#[test]
fn archives_are_read_and_emitted() {
    for bytes in [ARCHIVE, RECREATED_ARCHIVE] {
        let archive = Archive::parse(bytes).unwrap();
        let Tam::Present { salt, hmac, hmac_range } = archive.tam.clone() else { panic!("{:?}", archive.tam) };
        assert_eq!(bytes[hmac_range], hmac);
        let (range, mut again) = emitted(|writer| archive.emit(&salt, writer).unwrap());
        again[range].copy_from_slice(&hmac);
        assert_eq!(again, bytes);
    }
}

#[test]
fn an_archives_fields_are_read() {
    let archive = Archive::parse(ARCHIVE).unwrap();
    assert_eq!((archive.name, archive.comment, archive.cwd), (&b"caf\xe9"[..], Some(&b""[..]), Some(&b"/"[..])));
    assert_eq!((archive.hostname, archive.username), (Some(&b"host"[..]), Some(&b"user"[..])));
    assert_eq!((archive.size, archive.csize, archive.nfiles), (Some(1 << 40), Some(1 << 32), Some(1000)));
    assert_eq!((archive.size_parts, archive.csize_parts, archive.nfiles_parts), (Some(0), Some(0), Some(0)));
    assert_eq!(
        (archive.time, archive.time_end),
        (&b"2026-05-04T03:02:01.000042"[..], Some(&b"2026-05-04T03:02:02.000000"[..]))
    );
    assert!(archive.items.iter().eq((0..17).map(|number| Id([number; 32]))));
    assert_eq!(archive.cmdline.iter().collect::<Vec<_>>(), [&b"borg"[..], b"create", b"::name", b"/home"]);
    let buzhash = ChunkerParams::Buzhash { minimum_exponent: 19, maximum_exponent: 23, mask_bits: 21, window: 4095 };
    assert_eq!(archive.chunker_params, Some(buzhash));

    let recreated = Archive::parse(RECREATED_ARCHIVE).unwrap();
    assert_eq!(recreated.recreate_cmdline.unwrap().iter().collect::<Vec<_>>(), [&b"borg"[..], b"recreate"]);
    assert_eq!(recreated.chunker_params, Some(ChunkerParams::Fixed { block_bytes: 4_194_304, header_bytes: 512 }));
    assert_eq!(recreated.comment, Some("café".as_bytes()));

    let old = Archive::parse(OLD_ARCHIVE).unwrap();
    assert_eq!((old.tam, old.comment, old.time_end, old.nfiles), (Tam::Absent, None, None, None));
    assert_eq!(old.chunker_params, Some(buzhash), "the four numbers alone");
}

#[test]
fn chunkers_that_are_not_known_are_kept() {
    let renamed = with(OLD_ARCHIVE, b"\x94\x13\x17\x15\xcd\x0f\xff", b"\x92\xa4cdc2\x13");
    let archive = Archive::parse(&renamed).unwrap();
    assert_eq!(archive.chunker_params, Some(ChunkerParams::Other(b"\x92\xa4cdc2\x13")));
    let (_, again) = emitted(|writer| archive.emit(&[0; 64], writer).unwrap());
    assert_eq!(Archive::parse(&again).unwrap().chunker_params, archive.chunker_params);
}

#[test]
fn a_broken_tam_is_told_from_none() {
    let suite = with(MANIFEST, b"HKDF_HMAC_SHA512", b"HKDF_HMAC_SHA513");
    assert!(matches!(Manifest::parse(&suite).unwrap().tam, Tam::Unsupported(name) if name == b"HKDF_HMAC_SHA513"));
    let salt = with(MANIFEST, b"\xa4salt\xda\x00\x40\x00", b"\xa4salt\xda\x00\x3f");
    assert_eq!(Manifest::parse(&salt).unwrap().tam, Tam::Malformed);
    let field = with(OLD_MANIFEST, b"\xa9timestamp", b"\xa3tam\x07\xa9timestamp");
    assert_eq!(Manifest::parse(&with(&field, b"\x84", b"\x85")).unwrap().tam, Tam::Malformed);
}

#[test]
fn what_borg_would_not_write_is_refused_by_name() {
    let manifest = |bytes: &[u8]| Manifest::parse(bytes).unwrap_err();
    assert_eq!(manifest(b"\xc1\xc1\xc1\xc1rest"), Error::UnknownVersion);
    assert_eq!(manifest(&with(OLD_MANIFEST, b"\xa7version\x01", b"\xa7version\x03")), Error::UnknownVersion);
    assert_eq!(manifest(&with(OLD_MANIFEST, b"\xa7version", b"\xa7Version")), Error::UnknownVersion);
    assert_eq!(manifest(&with(OLD_MANIFEST, b"\xa8archives", b"\xa8Archives")), Error::Missing("archives"));
    assert_eq!(manifest(&with(OLD_MANIFEST, b"\xa6config", b"\xa6Config")), Error::Missing("config"));
    assert_eq!(manifest(&[OLD_MANIFEST, b"\xc0"].concat()), Error::TrailingBytes);
    let keys = [&b"\xdc\x00\x65"[..], &[0xa0; 101]].concat();
    let many = with(
        &with(OLD_MANIFEST, b"\xa9timestamp", &[b"\xa9item_keys", &keys[..], b"\xa9timestamp"].concat()),
        b"\x84",
        b"\x85",
    );
    assert_eq!(manifest(&many), Error::TooMany("item keys"));

    let archive = |bytes: &[u8]| Archive::parse(bytes).unwrap_err();
    assert_eq!(archive(&with(OLD_ARCHIVE, b"\xa7version\x01", b"\xa7version\x02")), Error::UnknownVersion);
    for (key, other) in
        [("version", "Version"), ("name", "Name"), ("items", "Items"), ("cmdline", "Cmdline"), ("time", "Time")]
    {
        let marker = [0xa0 + key.len() as u8];
        let packed = |key: &str| [&marker[..], key.as_bytes()].concat();
        assert_eq!(archive(&with(OLD_ARCHIVE, &packed(key), &packed(other))), Error::Missing(key));
    }
}

/// `bytes` with the first `old` in it replaced.
fn with(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the recording holds it");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

/// Has every parser look at `bytes`, and walks and emits what they accept.
fn exercise(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    while let Ok(item) = Item::read(&mut reader) {
        let (_, again) = emitted(|writer| item.emit(writer));
        let parsed = Item::parse(&again).expect("what is emitted can be read");
        assert!(parsed == Item { nlink: None, ..item }, "and is the same");
    }
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.archives.iter().count(), manifest.archives.len());
        assert_eq!(manifest.item_keys.iter().count(), manifest.item_keys.len());
        let _ = mandatory_features(manifest.config, b"write").map(|features| features.iter().count());
        let (_, config) = emitted(|writer| emit_config_requiring_tam(manifest.config, writer));
        assert!(config_requires_tam(&config));
        if let Tam::Present { hmac, hmac_range, .. } = manifest.tam {
            assert_eq!(bytes[hmac_range], hmac);
        }
    }
    if let Ok(archive) = Archive::parse(bytes) {
        assert_eq!(archive.items.iter().count(), archive.items.len());
        let (range, again) = emitted(|writer| archive.emit(&[7; 64], writer));
        let range = range.expect("room enough");
        let parsed = Archive::parse(&again).expect("what is emitted can be read");
        assert_eq!(parsed.tam, Tam::Present { salt: [7; 64], hmac: [0; 64], hmac_range: range });
        assert!(parsed == Archive { tam: parsed.tam.clone(), ..archive });
    }
}

const ALL: [&[u8]; 8] =
    [EVERY_ATTRIBUTE, ITEMS, OLD_ITEM, MANIFEST, OLD_MANIFEST, ARCHIVE, RECREATED_ARCHIVE, OLD_ARCHIVE];

#[test]
fn no_truncation_and_no_bit_flip_makes_a_parser_panic() {
    for bytes in ALL {
        let bytes = &bytes[..bytes.len().min(2000)];
        for end in 0..bytes.len() {
            exercise(&bytes[..end]);
        }
        let mut flipped = bytes.to_vec();
        for bit in 0..bytes.len() * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8);
            exercise(&flipped);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_danger(bytes: Vec<u8>) {
        exercise(&bytes);
    }

    #[test]
    fn neither_is_heavy_damage(
        which in 0..ALL.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut: prop::sample::Index,
    ) {
        let mut bytes = ALL[which].to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        exercise(&bytes);
    }
}
