//! A repair writes an archive anew: its items, with the chunk lists that they are to have, and its metadata. What was there before
//! stays as it was until the commit.
//!
//! RAM: an item with its lists, a metadata chunk, and zeros as long as the largest chunk that is replaced, with the object made of them.

use std::collections::BTreeMap;

use nanoprobe_archive::{ArchiveMetadata, ItemWriter, ManifestEntry, ObjectWriter};
use nanoprobe_compress::Specification;
use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
};
use nanoprobe_key::{Key, Sealer};
use nanoprobe_repository::{CheckMode, Repository};

use super::{
    chunks::{self, Verdict},
    findings::{Findings, Silence},
    items::RobustItems,
};
use crate::{Budget, Error};

/// Lengths of zeros that are remembered.
const MOST_KNOWN_ZEROS: usize = 1000;

/// Writes archives anew.
pub(super) struct Rewriter<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    sealer: Sealer,
    budget: Budget,
    zeros: Zeros<'a>,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(repository: &'a dyn Repository, key: &'a Key, sealer: Sealer, budget: Budget) -> Self {
        let objects = ObjectWriter::new(&Specification::default(), sealer.clone());
        let zeros = Zeros { repository, key, objects, known: BTreeMap::new() };
        Self { repository, key, sealer, budget, zeros }
    }

    /// Stores an archive with what is left of its items; gives what the manifest is to say of it.
    pub(super) fn rewrite(
        &mut self,
        entry: &ManifestEntry,
        mut metadata: ArchiveMetadata,
    ) -> Result<ManifestEntry, Error> {
        let Self { repository, key, ref sealer, budget, ref mut zeros } = *self;
        // All there is to tell was told.
        let silence = Findings::new(&Silence, CheckMode::Repair);
        let mut writer = ItemWriter::new(key, sealer.clone(), &Specification::default());
        let mut items = RobustItems::new(repository, key, &silence, budget.item_bytes());
        items.read(&metadata.items, &mut |item| {
            let mut list = Vec::new();
            let item = zeros.mend(item, &mut list)?;
            Ok(writer.write(&item, repository)?)
        })?;
        metadata.items = writer.flush(repository)?.to_vec();
        let id = metadata.store(repository, key, sealer)?.id;
        Ok(ManifestEntry { id, ..entry.clone() })
    }
}

/// What stands in for chunks that are missing.
struct Zeros<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    objects: ObjectWriter,
    known: BTreeMap<u32, ChunkRef>,
}

impl Zeros<'_> {
    /// The item as it is to be; its list of chunks goes to `list`.
    fn mend<'i>(&mut self, item: &Item<'i>, list: &'i mut Vec<ChunkRef>) -> Result<Item<'i>, Error> {
        let mut mended = item.clone();
        if item.chunks.is_none() {
            return Ok(mended);
        }
        let (pairs, was_repaired) = chunks::pairs(item);
        let (mut is_whole, mut is_changed) = (true, false);
        for (current, healthy) in pairs {
            let chosen = match Verdict::of(self.repository, &current, &healthy)? {
                Verdict::Sound | Verdict::Healed => healthy,
                Verdict::StillMissing => current,
                Verdict::NewlyMissing | Verdict::ReplacementMissing if chunks::is_replaceable(&healthy) => {
                    self.chunk(healthy.size)?
                }
                Verdict::NewlyMissing | Verdict::ReplacementMissing => current,
            };
            // What is missing may have been zeros.
            is_whole &= chosen.id == healthy.id;
            is_changed |= chosen.id != current.id;
            list.push(chosen);
        }
        mended.chunks_healthy = match (was_repaired, is_whole) {
            (true, false) => item.chunks_healthy,
            (false, false) if is_changed => item.chunks,
            _ => None,
        };
        mended.chunks = Some(Chunks::Refs(list));
        Ok(mended)
    }

    /// A chunk of so many zeros, which is stored if it is not there.
    fn chunk(&mut self, size: u32) -> Result<ChunkRef, Error> {
        if let Some(known) = self.known.get(&size) {
            return Ok(*known);
        }
        let data = vec![0; size as usize];
        let id = self.key.id(&data);
        let csize = match self.repository.stored_bytes(&id)? {
            Some(csize) => csize,
            None => self.objects.store(self.repository, &id, &data)?,
        };
        if self.known.len() == MOST_KNOWN_ZEROS {
            self.known.clear();
        }
        let chunk = ChunkRef { id, size, csize };
        self.known.insert(size, chunk);
        Ok(chunk)
    }
}
