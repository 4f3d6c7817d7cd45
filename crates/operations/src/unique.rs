//! What each item of an archive holds alone, for `list` with `dsize`, `dcsize` and `unique_chunks`: chunks that nothing else in
//! the repository refers to, counted as Borg counts them from its chunks cache.
//!
//! A first sorted pass brings all references to a chunk together; where one item makes all of them, a second pass adds up
//! by item. Items come out in the order of the archive.
//!
//! ```text
//! reference: id 32 | item u64 (all ones: another archive, or metadata) | references u32 | size u32 | stored size u32, big endian
//! sum:       item u64 | chunks u64 | size u64 | stored size u64, big endian
//! ```
//!
//! RAM: a sixteenth of the budget for each pass, an item.

use std::path::PathBuf;

use nanoprobe_archive::{ArchiveMetadata, ItemReader, ManifestEntry};
use nanoprobe_format::{ChunkRef, Id};

use crate::{
    Error, Event, Interrupt, Monitor, Session,
    sorted_pass::{Sorted, SortedPass},
};

const REFERENCE_BYTES: usize = 52;
/// Chunk and item.
const REFERENCE_KEY_BYTES: usize = 40;
const SUM_BYTES: usize = 32;
const ELSEWHERE: u64 = u64::MAX;

/// Chunks that one item has alone; a chunk that stands twice in its list counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unique {
    /// How many.
    pub chunks: u64,
    /// Their plain bytes.
    pub size_bytes: u64,
    /// Their stored bytes.
    pub csize_bytes: u64,
}

/// What the items of one archive have alone.
pub struct UniqueByItem {
    sums: Sorted<SUM_BYTES>,
    /// Read, but of an item that was not asked for yet.
    ahead: Option<(u64, Unique)>,
    scratch: PathBuf,
}

impl UniqueByItem {
    /// Reads the metadata of all archives.
    pub fn new(session: &Session, name: &str, monitor: &dyn Monitor, interrupt: &Interrupt) -> Result<Self, Error> {
        let scratch = session.scratch()?;
        let failed = || Error::local("temporary file in", &scratch);
        let memory_bytes = session.budget.sort_bytes(2);
        let mut references = SortedPass::new(&scratch, memory_bytes, add_references);
        let archives = session.manifest.archives();
        for (number, entry) in archives.iter().enumerate() {
            let each = &mut |reference: Reference| references.push(reference.packed()).map_err(failed());
            read(session, entry, entry.name == name, interrupt, each)?;
            let (done, total) = (number as u64 + 1, archives.len() as u64);
            let information = entry.name.as_bytes();
            monitor.event(Event::Progress { operation: "cache.sync", done, total, information });
        }
        monitor.event(Event::ProgressFinished { operation: "cache.sync" });

        let mut sums = SortedPass::new(&scratch, memory_bytes, add_sums);
        let mut only: Option<Reference> = None;
        for reference in references.finish().map_err(failed())? {
            let reference = Reference::unpack(&reference.map_err(failed())?);
            match &mut only {
                // Two items, or an item and something else.
                Some(before) if before.id == reference.id => before.item = ELSEWHERE,
                _ => {
                    if let Some(complete) = only.replace(reference) {
                        complete.sum().map_or(Ok(()), |sum| sums.push(sum)).map_err(failed())?;
                    }
                }
            }
        }
        if let Some(sum) = only.and_then(|complete| complete.sum()) {
            sums.push(sum).map_err(failed())?;
        }
        let sums = sums.finish().map_err(failed())?;
        Ok(Self { sums, ahead: None, scratch })
    }

    /// Of the item at `position`, counted from 0 over all items of the archive. Positions rise from call to call.
    pub fn at(&mut self, position: u64) -> Result<Unique, Error> {
        loop {
            match self.ahead {
                Some((item, unique)) if item == position => return Ok(unique),
                Some((item, _)) if item > position => return Ok(Unique::default()),
                _ => {}
            }
            let Some(sum) = self.sums.next() else { return Ok(Unique::default()) };
            self.ahead = Some(unpack_sum(&sum.map_err(Error::local("temporary file in", &self.scratch))?));
        }
    }
}

/// Tells of every reference of an archive; `listed` when its items are the ones that are asked for.
fn read(
    session: &Session,
    entry: &ManifestEntry,
    listed: bool,
    interrupt: &Interrupt,
    each: &mut dyn FnMut(Reference) -> Result<(), Error>,
) -> Result<(), Error> {
    let Session { repository, key, budget, .. } = session;
    let metadata = ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id)?;
    for id in metadata.items.iter().chain([&entry.id]) {
        each(Reference { id: *id, item: ELSEWHERE, references: 1, size: 0, csize: 0 })?;
    }
    let mut items = ItemReader::with_limit(&**repository, key.opener(), &metadata.items, budget.item_bytes());
    let mut position = 0;
    while let Some(item) = items.next()? {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        for ChunkRef { id, size, csize } in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            let item = if listed { position } else { ELSEWHERE };
            each(Reference { id, item, references: 1, size, csize })?;
        }
        position += 1;
    }
    Ok(())
}

/// References of one item to one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reference {
    id: Id,
    item: u64,
    references: u32,
    size: u32,
    csize: u32,
}

impl Reference {
    fn packed(&self) -> [u8; REFERENCE_BYTES] {
        let mut record = [0; REFERENCE_BYTES];
        record[..32].copy_from_slice(&self.id.0);
        record[32..40].copy_from_slice(&self.item.to_be_bytes());
        record[40..44].copy_from_slice(&self.references.to_be_bytes());
        record[44..48].copy_from_slice(&self.size.to_be_bytes());
        record[48..].copy_from_slice(&self.csize.to_be_bytes());
        record
    }

    fn unpack(record: &[u8; REFERENCE_BYTES]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(&record[..32]);
        let number = |range| big_endian(&record[range]) as u32;
        Self {
            id: Id(id),
            item: big_endian(&record[32..40]),
            references: number(40..44),
            size: number(44..48),
            csize: number(48..52),
        }
    }

    /// What it adds to its item, when nothing else refers to the chunk.
    fn sum(&self) -> Option<[u8; SUM_BYTES]> {
        let times = u64::from(self.references);
        let unique = Unique {
            chunks: times,
            size_bytes: times * u64::from(self.size),
            csize_bytes: times * u64::from(self.csize),
        };
        (self.item != ELSEWHERE).then(|| packed_sum(self.item, &unique))
    }
}

fn add_references(first: &mut [u8; REFERENCE_BYTES], second: &[u8; REFERENCE_BYTES]) -> bool {
    if first[..REFERENCE_KEY_BYTES] != second[..REFERENCE_KEY_BYTES] {
        return false;
    }
    let (one, other) = (Reference::unpack(first), Reference::unpack(second));
    let references = one.references.saturating_add(other.references);
    *first = Reference { references, ..one }.packed();
    true
}

fn packed_sum(item: u64, unique: &Unique) -> [u8; SUM_BYTES] {
    let mut record = [0; SUM_BYTES];
    record[..8].copy_from_slice(&item.to_be_bytes());
    record[8..16].copy_from_slice(&unique.chunks.to_be_bytes());
    record[16..24].copy_from_slice(&unique.size_bytes.to_be_bytes());
    record[24..].copy_from_slice(&unique.csize_bytes.to_be_bytes());
    record
}

fn unpack_sum(record: &[u8; SUM_BYTES]) -> (u64, Unique) {
    let number = |range| big_endian(&record[range]);
    (number(0..8), Unique { chunks: number(8..16), size_bytes: number(16..24), csize_bytes: number(24..32) })
}

fn add_sums(first: &mut [u8; SUM_BYTES], second: &[u8; SUM_BYTES]) -> bool {
    let ((item, one), (other_item, other)) = (unpack_sum(first), unpack_sum(second));
    if item != other_item {
        return false;
    }
    let unique = Unique {
        chunks: one.chunks.saturating_add(other.chunks),
        size_bytes: one.size_bytes.saturating_add(other.size_bytes),
        csize_bytes: one.csize_bytes.saturating_add(other.csize_bytes),
    };
    *first = packed_sum(item, &unique);
    true
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
