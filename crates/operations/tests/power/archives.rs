//! Archives that share chunks of files and of metadata, and what they hold when they are read to the end.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use nanoprobe_archive::{ArchiveMetadata, ItemReader, ManifestEntry};
use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_format::{
    ChunkRef, Id,
    item::{Chunks, Item},
    msgpack::Writer,
};
use nanoprobe_operations::{Error, Session};

/// Every archive of a repository, and a digest of all that can be read of it but times and names of the archive itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Archives(pub(crate) BTreeMap<String, u64>);

/// Five archives, one a day; each changes some files of the one before.
pub(crate) fn fill(session: &mut Session) {
    let mut files: BTreeMap<u64, u64> = (0..40).map(|number| (number, number)).collect();
    for day in 1..=5 {
        for change in 0..4 {
            files.insert((day * 11 + change * 7) % 45, 1000 * day + change);
        }
        files.remove(&(day * 3));
        archive(session, &format!("day{day}"), day, &files);
    }
}

/// Reads every archive to its last chunk.
pub(crate) fn read_all(session: &Session) -> Result<Archives, Error> {
    let archives = session.manifest.archives().iter();
    let archives = archives.map(|entry| Ok((entry.name.clone(), digest(session, entry)?)));
    archives.collect::<Result<_, Error>>().map(Archives)
}

/// The same, where an archive that is damaged counts as what is said of it.
pub(crate) fn read_what_is_left(session: &Session) -> Archives {
    let digest_or_error = |entry| {
        digest(session, entry).unwrap_or_else(|error| {
            let mut hasher = DefaultHasher::new();
            error.to_string().hash(&mut hasher);
            hasher.finish()
        })
    };
    let archives = session.manifest.archives().iter();
    Archives(archives.map(|entry| (entry.name.clone(), digest_or_error(entry))).collect())
}

/// Some files lose a chunk, and some archives a part of their items.
pub(crate) fn damage(session: &Session) {
    let Session { repository, key, manifest, .. } = session;
    let opened = |name| {
        let entry = manifest.archive(name).expect("there");
        ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id).expect("readable")
    };
    let metadata = opened("day2");
    let mut items = ItemReader::new(&**repository, key.opener(), &metadata.items);
    let chunks = items.next().expect("readable").expect("an item").chunks.expect("content");
    repository.delete(&chunks.iter().next().expect("a chunk").id).expect("deleted");
    repository.delete(&opened("day4").items[1]).expect("deleted");
    repository.commit().expect("committed");
}

fn digest(session: &Session, entry: &ManifestEntry) -> Result<u64, Error> {
    let Session { repository, key, .. } = session;
    let (mut opener, mut hasher) = (key.opener(), DefaultHasher::new());
    let metadata = ArchiveMetadata::open(&**repository, key, &mut opener, &entry.id)?;
    assert_eq!((&metadata.name, &metadata.time), (&entry.name, &entry.time));
    let mut items = ItemReader::new(&**repository, key.opener(), &metadata.items);
    let (mut object, mut data) = (Vec::new(), Vec::new());
    while let Some(item) = items.next()? {
        (item.path, item.mode, item.mtime).hash(&mut hasher);
        for chunk in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            repository.get(&chunk.id, &mut object)?;
            opener.open(Some(&chunk.id), &object, &mut data)?;
            assert_eq!(data.len(), chunk.size as usize);
            data.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn archive(session: &mut Session, name: &str, day: u64, files: &BTreeMap<u64, u64>) {
    let (mut stream, mut items) = (Vec::new(), Vec::new());
    for (place, (path, seed)) in files.iter().enumerate() {
        let chunks: Vec<ChunkRef> = (0..1 + seed % 3).map(|part| put(session, &content(seed + part))).collect();
        let path = format!("tree/{path}");
        let chunks = Some(Chunks::Refs(&chunks));
        let item =
            Item { path: path.as_bytes(), mode: 0o100_644, mtime: Some(*seed as i64), chunks, ..Item::default() };
        let Ok(()) = item.emit(&mut Writer::new(&mut stream));
        // Metadata chunks that end within an item, the same in every archive as long as the items are.
        if place % 8 == 5 || place + 1 == files.len() {
            let end = if place + 1 == files.len() { stream.len() } else { stream.len() - 9 };
            items.push(put(session, &stream[..end]).id);
            stream.drain(..end);
        }
    }
    let time = format!("2026-03-{day:02}T12:00:00.000000");
    let metadata = ArchiveMetadata {
        name: name.to_owned(),
        time: time.clone(),
        time_end: time.clone(),
        items,
        ..ArchiveMetadata::default()
    };
    let Session { repository, key, sealer, .. } = &*session;
    let id = metadata.store(&**repository, key, sealer).expect("stored").id;
    session.manifest.insert(ManifestEntry { name: name.to_owned(), id, time });
    session.commit_manifest().expect("committed");
}

/// What a chunk holds: one of few texts, so that archives and files share them.
fn content(seed: u64) -> Vec<u8> {
    (0..20 + seed % 50).flat_map(|place| (seed * 1_000_003 + place * place).to_le_bytes()).collect()
}

fn put(session: &Session, data: &[u8]) -> ChunkRef {
    let Session { repository, key, sealer, .. } = session;
    let id: Id = key.id(data);
    let mut object = vec![0; sealer.envelope_bytes()];
    Compressor::new(&Specification::default()).compress(data, &mut object).expect("compressed");
    sealer.seal(&mut object).expect("sealed");
    if repository.stored_bytes(&id).expect("looked up").is_none() {
        repository.put(&id, &object).expect("stored");
    }
    ChunkRef { id, size: data.len() as u32, csize: object.len() as u32 }
}
