//! `info`: how much archives hold, and how much of it nobody else does, without a chunks cache.
//!
//! Every reference of every archive becomes a record; a sorted pass on disk brings all references of a chunk together. What one
//! archive alone refers to is its deduplicated size, exactly as Borg counts it from its chunks cache: file chunks count for the
//! archive; metadata chunks and the archive's own object count for the repository only.
//!
//! ```text
//! record: id 32 | archive u32 | kind u8 (0 file data, 1 metadata) | references u32 | size u32 | stored size u32, big endian
//! ```
//!
//! RAM: an eighth of the budget for the pass, a counter for each archive that was asked for.

use std::collections::BTreeMap;

pub use nanoprobe_archive::RepositoryTotals;
use nanoprobe_archive::{ArchiveMetadata, ManifestEntry};
use nanoprobe_format::{ChunkRef, Id, item::Item};
use nanoprobe_key::Opener;

use crate::{Error, Event, Interrupt, Monitor, Session, metadata_stream::Splitter, sorted_pass::SortedPass};

/// Metadata chunks that the repository is told of ahead of time.
const AHEAD: usize = 8;
const RECORD_BYTES: usize = 49;
const KEY_BYTES: usize = 37;
const FILE_DATA: u8 = 0;
const METADATA: u8 = 1;

/// Figures of the repository that are at hand; `None`: only a pass over all archives tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownTotals {
    /// Plain sizes of all files of all archives.
    pub size_bytes: Option<u64>,
    /// Stored sizes of the same.
    pub csize_bytes: Option<u64>,
    /// Plain size of all different chunks, metadata included.
    pub unique_size_bytes: Option<u64>,
    /// Stored size of all different chunks, metadata included: the deduplicated size.
    pub unique_csize_bytes: Option<u64>,
    /// Number of different chunks.
    pub unique_chunks: Option<u64>,
    /// Number of references to them.
    pub chunks: Option<u64>,
}

impl From<RepositoryTotals> for KnownTotals {
    fn from(totals: RepositoryTotals) -> Self {
        Self {
            size_bytes: Some(totals.size_bytes),
            csize_bytes: Some(totals.csize_bytes),
            unique_size_bytes: Some(totals.unique_size_bytes),
            unique_csize_bytes: Some(totals.unique_csize_bytes),
            unique_chunks: Some(totals.unique_chunks),
            chunks: Some(totals.chunks),
        }
    }
}

/// Figures of one archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveTotals {
    /// Plain sizes of all files.
    pub size_bytes: u64,
    /// Stored sizes of the same.
    pub csize_bytes: u64,
    /// Stored size of the chunks that no other archive refers to.
    pub deduplicated_bytes: u64,
    /// Number of files.
    pub files: u64,
}

/// Figures of the repository and of some of its archives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The repository.
    pub repository: RepositoryTotals,
    /// The archives asked for, in that order.
    pub archives: Vec<ArchiveTotals>,
}

/// Figures of the repository alone: those that are kept, else by a pass.
pub fn repository_totals(
    session: &Session,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<RepositoryTotals, Error> {
    match RepositoryTotals::load(&session.cache, &session.key, session.manifest.archives()) {
        Some(totals) => Ok(totals),
        None => totals(session, &[], monitor, interrupt).map(|totals| totals.repository),
    }
}

/// What can be told of the repository without a pass: all of it where the figures are kept; else what the archives say of
/// themselves (one small object each) and what the repository counts, chunks included that no archive refers to any more.
pub fn known_totals(session: &Session, interrupt: &Interrupt) -> Result<KnownTotals, Error> {
    let Session { repository, key, manifest, cache, .. } = session;
    if let Some(totals) = RepositoryTotals::load(cache, key, manifest.archives()) {
        return Ok(totals.into());
    }
    let mut opener = key.opener();
    let (mut size_bytes, mut csize_bytes) = (Some(0), Some(0));
    for entry in manifest.archives() {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        // An archive that cannot be read is no reason to fail here; archives older than Borg 1.2 do not say it.
        let metadata = ArchiveMetadata::open(&**repository, key, &mut opener, &entry.id).unwrap_or_default();
        size_bytes = size_bytes.zip(metadata.size_bytes).map(|(sum, bytes)| sum + bytes);
        csize_bytes = csize_bytes.zip(metadata.csize_bytes).map(|(sum, bytes)| sum + bytes);
    }
    let totals = repository.totals()?;
    let manifest_bytes = repository.stored_bytes(&Id::MANIFEST)?.unwrap_or(0);
    Ok(KnownTotals {
        size_bytes,
        csize_bytes,
        unique_csize_bytes: totals.stored_bytes.map(|bytes| bytes.saturating_sub(u64::from(manifest_bytes))),
        unique_chunks: Some(totals.objects.saturating_sub(1)),
        unique_size_bytes: None,
        chunks: None,
    })
}

/// Figures of the repository and of the archives of these names: one pass over all archives' metadata. The repository's
/// are kept.
pub fn totals(
    session: &Session,
    names: &[&str],
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Totals, Error> {
    let scratch = session.scratch()?;
    let failed = || Error::local("temporary file in", &scratch);
    let mut pass = SortedPass::new(&scratch, session.budget.sort_bytes(1), add_up);
    let mut totals = Totals { archives: vec![ArchiveTotals::default(); names.len()], ..Totals::default() };
    let mut wanted: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let archives = session.manifest.archives();
    for (number, entry) in archives.iter().enumerate() {
        let mut reader = ReferenceReader::new(session, number as u32);
        let content = reader.read(entry, interrupt, &mut |record| pass.push(record).map_err(failed()))?;
        totals.repository.size_bytes += content.size_bytes;
        totals.repository.csize_bytes += content.csize_bytes;
        for (place, _) in names.iter().enumerate().filter(|(_, name)| **name == entry.name) {
            totals.archives[place] = content;
            wanted.entry(number as u32).or_default().push(place);
        }
        let (done, total) = (number as u64 + 1, archives.len() as u64);
        let information = entry.name.as_bytes();
        monitor.event(Event::Progress { operation: "cache.sync", done, total, information });
    }
    monitor.event(Event::ProgressFinished { operation: "cache.sync" });
    if let Some(name) = names.iter().find(|name| session.manifest.archive(name).is_none()) {
        return Err(Error::NoSuchArchive((*name).to_owned()));
    }

    let mut sums = Sums { session, wanted: &wanted, totals: &mut totals, shares: Vec::new(), id: Id([0; 32]) };
    for record in pass.finish().map_err(failed())? {
        sums.add(Record::unpack(&record.map_err(failed())?))?;
    }
    sums.chunk_is_complete()?;
    // What cannot be kept is found again by the next pass.
    let _ = totals.repository.save(&session.cache, &session.key, archives);
    Ok(totals)
}

/// How often archives refer to each of `ids`, of those that they refer to at all: one pass over all archives' metadata.
pub fn references(
    session: &Session,
    ids: &[Id],
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<BTreeMap<Id, u64>, Error> {
    let mut counted = BTreeMap::new();
    let archives = if ids.is_empty() { &[] } else { session.manifest.archives() };
    for (number, entry) in archives.iter().enumerate() {
        let mut reader = ReferenceReader::new(session, number as u32);
        reader.read(entry, interrupt, &mut |record| {
            let record = Record::unpack(&record);
            if ids.contains(&record.id) {
                *counted.entry(record.id).or_default() += u64::from(record.references);
            }
            Ok(())
        })?;
        let (done, total) = (number as u64 + 1, archives.len() as u64);
        let information = entry.name.as_bytes();
        monitor.event(Event::Progress { operation: "cache.sync", done, total, information });
    }
    monitor.event(Event::ProgressFinished { operation: "cache.sync" });
    Ok(counted)
}

/// One archive's references to one chunk.
#[derive(Clone, Copy, Debug)]
struct Record {
    id: Id,
    archive: u32,
    kind: u8,
    references: u32,
    size: u32,
    csize: u32,
}

impl Record {
    fn packed(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..32].copy_from_slice(&self.id.0);
        record[32..36].copy_from_slice(&self.archive.to_be_bytes());
        record[36] = self.kind;
        record[37..41].copy_from_slice(&self.references.to_be_bytes());
        record[41..45].copy_from_slice(&self.size.to_be_bytes());
        record[45..].copy_from_slice(&self.csize.to_be_bytes());
        record
    }

    fn unpack(record: &[u8; RECORD_BYTES]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(&record[..32]);
        let number =
            |start: usize| record[start..start + 4].iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
        Self {
            id: Id(id),
            archive: number(32),
            kind: record[36],
            references: number(37),
            size: number(41),
            csize: number(45),
        }
    }
}

/// Combines references of one archive to one chunk.
fn add_up(first: &mut [u8; RECORD_BYTES], second: &[u8; RECORD_BYTES]) -> bool {
    if first[..KEY_BYTES] != second[..KEY_BYTES] {
        return false;
    }
    let (one, other) = (Record::unpack(first), Record::unpack(second));
    let references = one.references.saturating_add(other.references);
    // A stored size of zero says that it is not known.
    *first = Record { references, csize: one.csize.max(other.csize), ..one }.packed();
    true
}

/// Adds up what the sorted records say.
struct Sums<'a> {
    session: &'a Session,
    wanted: &'a BTreeMap<u32, Vec<usize>>,
    totals: &'a mut Totals,
    /// All that refers to the chunk `id`.
    shares: Vec<Record>,
    id: Id,
}

impl Sums<'_> {
    fn add(&mut self, record: Record) -> Result<(), Error> {
        if record.id != self.id {
            self.chunk_is_complete()?;
            self.id = record.id;
        }
        // Of more than two archives only the number of references matters: none of them has the chunk alone.
        match self.shares.as_mut_slice() {
            [_, _, _, last] => {
                last.references = last.references.saturating_add(record.references);
                last.csize = last.csize.max(record.csize);
            }
            _ => self.shares.push(record),
        }
        Ok(())
    }

    fn chunk_is_complete(&mut self) -> Result<(), Error> {
        let Some(last) = self.shares.last().copied() else { return Ok(()) };
        let references: u64 = self.shares.iter().map(|share| u64::from(share.references)).sum();
        let mut csize = self.shares.iter().map(|share| share.csize).max().unwrap_or(0);
        if csize == 0 {
            csize = self.session.repository.stored_bytes(&self.id)?.unwrap_or(0);
        }
        let repository = &mut self.totals.repository;
        repository.unique_chunks += 1;
        repository.chunks += references;
        repository.unique_size_bytes += u64::from(last.size);
        repository.unique_csize_bytes += u64::from(csize);
        if let [only] = self.shares.as_slice()
            && only.kind == FILE_DATA
            && let Some(places) = self.wanted.get(&only.archive)
        {
            for &place in places {
                self.totals.archives[place].deduplicated_bytes += u64::from(csize);
            }
        }
        self.shares.clear();
        Ok(())
    }
}

/// Reads an archive's metadata and tells of every reference.
struct ReferenceReader<'a> {
    session: &'a Session,
    opener: Opener,
    number: u32,
    object: Vec<u8>,
    data: Vec<u8>,
}

impl<'a> ReferenceReader<'a> {
    fn new(session: &'a Session, number: u32) -> Self {
        Self { session, opener: session.key.opener(), number, object: Vec::new(), data: Vec::new() }
    }

    fn read(
        &mut self,
        entry: &ManifestEntry,
        interrupt: &Interrupt,
        each: &mut dyn FnMut([u8; RECORD_BYTES]) -> Result<(), Error>,
    ) -> Result<ArchiveTotals, Error> {
        let Session { repository, key, budget, .. } = self.session;
        each(self.fetch(&entry.id)?.packed())?;
        let metadata = ArchiveMetadata::open(&**repository, key, &mut self.opener, &entry.id)?;
        let mut splitter = Splitter::new(budget.item_bytes());
        let mut counted = ArchiveTotals::default();
        for (place, id) in metadata.items.iter().enumerate() {
            if interrupt.requested() {
                return Err(Error::Interrupted);
            }
            if place.is_multiple_of(AHEAD) {
                let end = metadata.items.len().min(place + 2 * AHEAD);
                let start = if place == 0 { 0 } else { place + AHEAD };
                repository.preload(metadata.items.get(start..end).unwrap_or_default());
            }
            each(self.fetch(id)?.packed())?;
            let number = self.number;
            splitter.feed(&self.data, &mut |value| {
                let item = Item::parse(value)?;
                let Some(chunks) = item.chunks else { return Ok(()) };
                for ChunkRef { id, size, csize } in chunks.iter() {
                    if item.part.is_none() {
                        counted.size_bytes += u64::from(size);
                        counted.csize_bytes += u64::from(csize);
                    }
                    each(Record { id, archive: number, kind: FILE_DATA, references: 1, size, csize }.packed())?;
                }
                counted.files += u64::from(item.part.is_none());
                Ok::<(), Error>(())
            })?;
        }
        // Archives older than Borg 1.2 do not say it themselves.
        Ok(match (metadata.size_bytes, metadata.csize_bytes, metadata.files) {
            (Some(size_bytes), Some(csize_bytes), Some(files)) => {
                ArchiveTotals { size_bytes, csize_bytes, files, deduplicated_bytes: 0 }
            }
            _ => counted,
        })
    }

    /// Opens a metadata object into `data`; gives the reference to it.
    fn fetch(&mut self, id: &Id) -> Result<Record, Error> {
        self.session.repository.get(id, &mut self.object)?;
        let csize = self.object.len() as u32;
        self.opener.open_in_place(Some(id), &mut self.object, &mut self.data)?;
        let size = self.data.len() as u32;
        Ok(Record { id: *id, archive: self.number, kind: METADATA, references: 1, size, csize })
    }
}
