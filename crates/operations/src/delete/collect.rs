//! Pass 1: what the archives to be deleted refer to becomes a candidate, and is counted.

use nanoprobe_format::{ChunkRef, Id, item::Item};

use super::{
    Force,
    candidates::{Candidates, Reference},
    known::KnownChunks,
};
use crate::{
    Error,
    mark::{Chunk, Extent, Visitor},
    select::PartFiles,
};

/// What archives refer to, with every reference counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// File content, part files left out: plain, stored.
    pub(super) size_bytes: u64,
    pub(super) csize_bytes: u64,
    /// Part files.
    pub(super) size_parts_bytes: u64,
    pub(super) csize_parts_bytes: u64,
    /// Item streams and the archives' own objects.
    pub(super) metadata_size_bytes: u64,
    pub(super) metadata_csize_bytes: u64,
    /// References.
    pub(super) chunks: u64,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.size_bytes = self.size_bytes.saturating_add(other.size_bytes);
        self.csize_bytes = self.csize_bytes.saturating_add(other.csize_bytes);
        self.size_parts_bytes = self.size_parts_bytes.saturating_add(other.size_parts_bytes);
        self.csize_parts_bytes = self.csize_parts_bytes.saturating_add(other.csize_parts_bytes);
        self.metadata_size_bytes = self.metadata_size_bytes.saturating_add(other.metadata_size_bytes);
        self.metadata_csize_bytes = self.metadata_csize_bytes.saturating_add(other.metadata_csize_bytes);
        self.chunks = self.chunks.saturating_add(other.chunks);
    }

    /// A metadata object.
    pub(super) fn metadata(&mut self, chunk: &Chunk) {
        self.metadata_size_bytes += u64::from(chunk.size);
        self.metadata_csize_bytes += u64::from(chunk.csize);
        self.chunks += 1;
    }
}

/// Listens to the walk over the archives to be deleted.
pub(super) struct Collector<'a> {
    pub(super) candidates: &'a mut Candidates,
    pub(super) kept: &'a KnownChunks,
    pub(super) sums: Sums,
    pub(super) force: Force,
    /// Whether part files count like other files.
    pub(super) part_files: PartFiles,
    /// Something was no item.
    pub(super) damaged: bool,
}

impl Visitor for Collector<'_> {
    type Tally = Sums;

    fn chunk(&mut self, chunk: &Chunk, tally: &mut Sums) -> Result<(), Error> {
        tally.metadata(chunk);
        self.sums.metadata(chunk);
        Ok(())
    }

    fn item(&mut self, value: &[u8], extent: Extent<'_>, tally: &mut Sums) -> Result<(), Error> {
        let Some(item) = parsed(value, self.force, &mut self.damaged)? else { return Ok(()) };
        let mut sums = Sums::default();
        for ChunkRef { size, csize, .. } in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            let (sizes, csizes) = match item.part {
                None => (&mut sums.size_bytes, &mut sums.csize_bytes),
                Some(_) => (&mut sums.size_parts_bytes, &mut sums.csize_parts_bytes),
            };
            *sizes += u64::from(size);
            *csizes += u64::from(csize);
            sums.chunks += 1;
        }
        tally.add(&sums);
        self.sums.add(&sums);
        if is_candidate(self.kept, extent) {
            let reference = match item.part {
                Some(_) if self.part_files == PartFiles::Skip => Reference::Part,
                _ => Reference::File,
            };
            item.chunks.iter().flat_map(|chunks| chunks.iter()).for_each(|chunk| {
                self.candidates.insert(&chunk.id, reference);
            });
            item.chunks_healthy.iter().flat_map(|chunks| chunks.iter()).for_each(|chunk| {
                self.candidates.insert(&chunk.id, Reference::Part);
            });
        }
        Ok(())
    }

    fn again(&mut self, tally: &Sums) {
        self.sums.add(tally);
    }
}

/// The item, if it is one; when deletion is forced, others only count as damage.
pub(super) fn parsed<'i>(value: &'i [u8], force: Force, damaged: &mut bool) -> Result<Option<Item<'i>>, Error> {
    match (Item::parse(value), force) {
        (Ok(item), _) => Ok(Some(item)),
        (Err(error), Force::No) => Err(nanoprobe_archive::Error::MalformedItem(error).into()),
        (Err(_), Force::Yes) => {
            *damaged = true;
            Ok(None)
        }
    }
}

/// What lies within a chunk that an archive lists that stays, stays.
pub(super) fn is_candidate(kept: &KnownChunks, extent: Extent<'_>) -> bool {
    match extent {
        Extent::Within(id) => !kept.contains(id),
        Extent::Across => true,
    }
}

/// A metadata object that an archive to be deleted lists.
pub(super) fn metadata_candidate(candidates: &mut Candidates, kept: &KnownChunks, id: &Id) {
    if !kept.contains(id) {
        candidates.insert(id, Reference::Metadata);
    }
}
