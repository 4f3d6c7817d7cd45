//! Manifest, archives and item streams that Borg 1.4.5 made, in four modes (see `vectors/record.py`).

mod support;

use std::sync::Arc;

use nanoprobe_archive::{
    ArchiveMetadata, Error, FeatureOperation, ItemReader, ItemWriter, Manifest, ManifestEntry, Stored, text, timestamp,
};
use nanoprobe_chunker::Parameters;
use nanoprobe_compress::Specification;
use nanoprobe_format::item::{Chunks, Item};
use nanoprobe_format::manifest::{ITEM_KEYS, Manifest as ManifestView};
use nanoprobe_format::msgpack::{Error as MsgpackError, Writer};
use nanoprobe_format::{ChunkRef, Id};
use nanoprobe_key::{Key, Sealer};
use nanoprobe_repository::Repository;
use support::MemoryRepository;

struct Recording {
    objects: &'static [u8],
    stream: &'static [u8],
    flushed: &'static [u8],
}

macro_rules! recording {
    ($mode:literal) => {
        Recording {
            objects: include_bytes!(concat!("vectors/", $mode, ".objects")),
            stream: include_bytes!(concat!("vectors/", $mode, ".stream")),
            flushed: include_bytes!(concat!("vectors/", $mode, ".flushed")),
        }
    };
}

const RECORDINGS: [Recording; 4] =
    [recording!("none"), recording!("repokey"), recording!("repokey-blake2"), recording!("authenticated")];

struct Opened {
    repository: Arc<MemoryRepository>,
    key: Key,
    sealer: Sealer,
    _directory: tempfile::TempDir,
}

impl Opened {
    fn new(recording: &Recording) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = MemoryRepository::recorded(recording.objects);
        let (key, sealer) = repository.unlock(directory.path());
        Self { repository, key, sealer, _directory: directory }
    }

    fn manifest(&self) -> Manifest {
        Manifest::open(&self.repository.object(&Id::MANIFEST), &self.key, &mut self.key.opener()).unwrap()
    }

    fn archive(&self, id: &Id) -> Result<ArchiveMetadata, Error> {
        ArchiveMetadata::open(&*self.repository, &self.key, &mut self.key.opener(), id)
    }

    /// Compresses, seals and puts what is to pass for an object of that name.
    fn forge(&self, id: &Id, data: &[u8]) {
        let mut object = vec![0; self.sealer.envelope_bytes()];
        nanoprobe_compress::Compressor::new(&Specification::default()).compress(data, &mut object).unwrap();
        self.sealer.seal(&mut object).unwrap();
        self.repository.put(id, &object).unwrap();
    }

    fn plain(&self, id: &Id) -> Vec<u8> {
        let mut data = Vec::new();
        let name = (*id != Id::MANIFEST).then_some(id);
        self.key.opener().open(name, &self.repository.object(id), &mut data).unwrap();
        data
    }
}

#[test]
fn archives_that_borg_made_are_read() {
    for recording in &RECORDINGS {
        let opened = Opened::new(recording);
        let manifest = opened.manifest();
        assert!(manifest.is_authentic());
        assert_eq!(manifest.requires_tam(), opened.key.is_tam_required());
        let packed = opened.plain(&Id::MANIFEST);
        let listed = ManifestView::parse(&packed).unwrap().item_keys;
        assert!(listed.iter().eq(ITEM_KEYS), "Borg knows the same item keys as we do");
        let names: Vec<_> = manifest.archives().iter().map(|entry| (&*entry.name, &*entry.time)).collect();
        assert_eq!(names, [("first", "2026-05-04T03:02:01.000000"), ("renamed", "2026-05-05T03:02:01.000000")]);

        let first = opened.archive(&manifest.archive("first").unwrap().id).unwrap();
        first.require_authentic(&opened.key).unwrap();
        assert_eq!(
            (&*first.name, &*first.comment, &*first.hostname, &*first.username),
            ("first", "café", "host", "user")
        );
        assert_eq!(first.command_line[..2], ["borg", "create"]);
        assert_eq!(first.working_directory.as_deref(), Some("/source"));
        assert_eq!(first.chunker_params, Some(Parameters::DEFAULT));
        assert_eq!(
            (first.files, first.size_bytes, first.files_parts),
            (Some(3), Some(12), Some(0)),
            "hard links count once"
        );
        let renamed = opened.archive(&manifest.archive("renamed").unwrap().id).unwrap();
        assert_eq!(renamed.chunker_params, Some(Parameters::Fixed { block_bytes: 4096, header_bytes: 0 }));

        let mut reader = ItemReader::new(&*opened.repository, opened.key.opener(), &first.items);
        let mut paths = Vec::new();
        while let Some(item) = reader.next().unwrap() {
            paths.push(text::decode(item.path));
        }
        paths.sort();
        let expected = [".", &text::decode(b"caf\xe9"), "folder", "folder/empty", "folder/link", "hello", "symlink"];
        assert_eq!(paths, expected);
        assert_eq!(opened.repository.preloaded(), first.items);
    }
}

#[test]
fn an_archive_is_stored_as_it_was() {
    for recording in &RECORDINGS {
        let opened = Opened::new(recording);
        for entry in opened.manifest().archives() {
            let archive = opened.archive(&entry.id).unwrap();
            let Stored { id, stored_bytes, .. } =
                archive.store(&*opened.repository, &opened.key, &opened.sealer).unwrap();
            assert_eq!(stored_bytes as usize, opened.repository.object(&id).len());
            assert_eq!(opened.archive(&id).unwrap(), archive);
            // Nothing differs but salt and HMAC.
            let [before, after] = [&entry.id, &id].map(|id| {
                let mut packed = opened.plain(id);
                let tam = packed.windows(4).position(|window| window == b"\xa3tam").unwrap();
                packed.drain(tam..tam + 160);
                packed
            });
            assert_eq!(before, after);
        }
    }
}

#[test]
fn a_manifest_is_stored_later_than_before() {
    for recording in &RECORDINGS {
        let opened = Opened::new(recording);
        let mut manifest = opened.manifest();
        let before = manifest.timestamp().to_owned();
        let entry = ManifestEntry { name: text::decode(b"caf\xe9"), id: Id([7; 32]), time: timestamp::now() };
        manifest.insert(entry.clone());
        let removed = manifest.remove("first").unwrap();
        assert_eq!(manifest.remove("first"), None);
        manifest.store(&*opened.repository, &opened.key, &opened.sealer).unwrap();

        let mut again = opened.manifest();
        assert!(again.is_authentic());
        assert!(again.timestamp() > &*before);
        assert_eq!(again.id(), manifest.id());
        assert_eq!(again.archives()[0], entry);
        again.insert(removed);
        let names: Vec<_> = again.archives().iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, [&*entry.name, "first", "renamed"]);

        // A clock that is behind does not matter.
        let data = String::from_utf8_lossy(&opened.plain(&Id::MANIFEST)).into_owned();
        assert!(data.contains("tam_required") == opened.key.is_tam_required());
        let first = again.timestamp().to_owned();
        again.store(&*opened.repository, &opened.key, &opened.sealer).unwrap();
        again.store(&*opened.repository, &opened.key, &opened.sealer).unwrap();
        assert!(again.timestamp() > &*first);
    }
}

#[test]
fn what_the_key_did_not_sign_is_refused() {
    for recording in &RECORDINGS {
        let opened = Opened::new(recording);
        let open = |data: &[u8]| {
            opened.forge(&Id::MANIFEST, data);
            Manifest::open(&opened.repository.object(&Id::MANIFEST), &opened.key, &mut opened.key.opener())
        };
        let manifest = opened.plain(&Id::MANIFEST);
        let changed = replaced(&manifest, b"renamed", b"Renamed");
        assert!(matches!(open(&changed), Err(Error::ManifestTamInvalid)));
        let other_suite = replaced(&manifest, b"HKDF_HMAC_SHA512", b"HKDF_HMAC_SHA513");
        let without = replaced(&manifest, b"\xa3tam", b"\xa3Tam");
        match opened.key.is_tam_required() {
            true => {
                assert!(
                    matches!(open(&other_suite), Err(Error::TamUnsupportedSuite(name)) if name == "HKDF_HMAC_SHA513")
                );
                assert!(matches!(open(&without), Err(Error::ManifestUnauthenticated)));
            }
            false => {
                assert!(!open(&other_suite).unwrap().is_authentic());
                assert!(!open(&without).unwrap().is_authentic());
            }
        }
        assert!(matches!(open(b"\xc1\xc1\xc1\xc1"), Err(Error::UnsupportedManifest)));
        assert!(matches!(open(b""), Err(Error::MalformedManifest(MsgpackError::Truncated))));

        let archive = opened.plain(&open(&manifest).unwrap().archives()[0].id);
        let open = |data: &[u8]| {
            let id = opened.key.id(data);
            opened.forge(&id, data);
            opened.archive(&id)
        };
        assert!(matches!(open(&replaced(&archive, b"first", b"First")), Err(Error::ArchiveTamInvalid)));
        let old = open(&replaced(&archive, b"\xa3tam", b"\xa3Tam")).unwrap();
        assert!(!old.authentic);
        let refused = old.require_authentic(&opened.key);
        assert_eq!(matches!(refused, Err(Error::ArchiveUnauthenticated(_))), opened.key.is_tam_required());
    }
}

#[test]
fn features_that_are_not_known_forbid_operations() {
    let opened = Opened::new(&RECORDINGS[0]);
    let manifest = opened.plain(&Id::MANIFEST);
    let flags = b"\xa6config\x81\xadfeature_flags\x81\xa5write\x81\xa9mandatory\x92\xa3one\xa3two";
    let manifest = replaced(&replaced(&manifest, b"\xa6config\x80", flags), b"\xa3tam", b"\xa3Tam");
    opened.forge(&Id::MANIFEST, &manifest);
    let manifest = opened.manifest();
    for operation in [FeatureOperation::Read, FeatureOperation::Check, FeatureOperation::Delete] {
        manifest.require(operation).unwrap();
    }
    let error = manifest.require(FeatureOperation::Write).unwrap_err();
    let expected = "Unsupported repository feature(s) ['one', 'two']. A newer version of Borg is required to access this \
                    repository.";
    assert_eq!(error.to_string(), expected);
}

/// The items that `record.py` packs.
fn write_stream(opened: &Opened, flush_at: Option<u32>) -> (Vec<Id>, nanoprobe_archive::StreamStatistics) {
    let mut writer = ItemWriter::new(&opened.key, opened.sealer.clone(), &Specification::default());
    for number in 0..60_000 {
        if Some(number) == flush_at {
            writer.flush(&*opened.repository).unwrap();
        }
        let path = format!("directory-{:03}/file-{number:05}", number / 100);
        let chunks = chunks(number);
        let item = Item {
            path: path.as_bytes(),
            mode: 0o100_644,
            uid: Some(1000),
            gid: Some(1000),
            user: Some(b"user"),
            mtime: Some(1_700_000_000_000_000_000 + i64::from(number) * 1_000_003),
            size: Some(u64::from(number) * chunks.len() as u64),
            chunks: Some(Chunks::Refs(&chunks)),
            ..Item::default()
        };
        writer.write(&item, &*opened.repository).unwrap();
    }
    (writer.flush(&*opened.repository).unwrap().to_vec(), writer.statistics())
}

fn chunks(number: u32) -> Vec<ChunkRef> {
    let chunk = |other: u32| ChunkRef {
        id: Id(std::array::from_fn(|at| (number + other).to_le_bytes()[at % 4])),
        size: number,
        csize: number / 2 + 40,
    };
    (0..if number == 20_000 { 30_000 } else { 1 }).map(chunk).collect()
}

#[test]
fn streams_are_cut_as_borg_cuts_them() {
    for recording in &RECORDINGS {
        let opened = Opened::new(recording);
        let before = opened.repository.len();
        let (ids, statistics) = write_stream(&opened, None);
        assert_eq!(ids.iter().flat_map(|id| id.0).collect::<Vec<_>>(), recording.stream);
        assert_eq!(opened.repository.len(), before + ids.len());
        assert_eq!((statistics.chunks, statistics.new_chunks), (ids.len() as u64, ids.len() as u64));
        assert_eq!(statistics.compressed_bytes, statistics.deduplicated_bytes);

        // Again: nothing new. With a checkpoint in the middle: one chunk becomes two.
        let (again, statistics) = write_stream(&opened, None);
        assert_eq!((again, statistics.new_chunks, statistics.deduplicated_bytes), (ids.clone(), 0, 0));
        let (flushed, statistics) = write_stream(&opened, Some(30_000));
        assert_eq!(flushed.iter().flat_map(|id| id.0).collect::<Vec<_>>(), recording.flushed);
        assert!(statistics.new_chunks < ids.len() as u64 / 2);

        let mut reader = ItemReader::new(&*opened.repository, opened.key.opener(), &flushed);
        for number in 0..60_000 {
            let item = reader.next().unwrap().unwrap();
            assert!(item.path.ends_with(format!("{number:05}").as_bytes()));
            assert_eq!(item.chunks.unwrap().len(), if number == 20_000 { 30_000 } else { 1 });
        }
        assert!(reader.next().unwrap().is_none());
        assert_eq!(reader.fetched_chunks(), flushed.len());
    }
}

/// Stores `pieces` as metadata chunks.
fn stored(opened: &Opened, pieces: &[&[u8]]) -> Vec<Id> {
    let store = |piece: &&[u8]| {
        let id = opened.key.id(piece);
        opened.forge(&id, piece);
        id
    };
    pieces.iter().map(store).collect()
}

#[test]
fn items_may_be_cut_anywhere() {
    let opened = Opened::new(&RECORDINGS[0]);
    let mut stream = Vec::new();
    for path in [&b"one"[..], b"two", b"three"] {
        let Ok(()) = Item { path, ..Item::default() }.emit(&mut Writer::new(&mut stream));
    }
    for piece_bytes in 1..=stream.len() {
        let pieces: Vec<_> = stream.chunks(piece_bytes).collect();
        let ids = stored(&opened, &pieces);
        let mut reader = ItemReader::new(&*opened.repository, opened.key.opener(), &ids);
        for path in [&b"one"[..], b"two", b"three"] {
            assert_eq!(reader.next().unwrap().unwrap().path, path);
        }
        assert_eq!(reader.next().unwrap(), None);
    }
}

#[test]
fn nothing_is_skipped_in_silence() {
    let opened = Opened::new(&RECORDINGS[0]);
    let items = |pieces: &[&[u8]], limit_bytes: usize| {
        let ids = stored(&opened, pieces);
        let mut reader = ItemReader::with_limit(&*opened.repository, opened.key.opener(), &ids, limit_bytes);
        std::iter::from_fn(|| reader.next().map(|item| item.map(|item| text::decode(item.path))).transpose())
            .take(4)
            .collect::<Vec<_>>()
    };
    let item = b"\x82\xa4mode\x00\xa4path\xa1x";
    let got = items(&[item, &item[..9]], 1000);
    assert!(matches!(&got[..], [Ok(_), Err(Error::TruncatedItems)]), "{got:?}");
    let got = items(&[item, b"\x82\xa4mode\x00\xa4path\xc1", item], 1000);
    assert!(matches!(&got[..], [Ok(_), Err(Error::MalformedItem(MsgpackError::UnexpectedType(0xc1)))]), "{got:?}");
    let got = items(&[item, b"\x07", item], 1000);
    assert!(matches!(&got[..], [Ok(_), Err(Error::MalformedItem(_)), Ok(_)]), "{got:?}");
    let got = items(&[item, b"\xdd\xff\xff\xff\xff", &[0; 600], &[1; 600], &[2; 600]], 1000);
    assert!(matches!(&got[..], [Ok(_), Err(Error::ItemTooLarge { limit_bytes: 1000 })]), "{got:?}");
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the recording holds it");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}
