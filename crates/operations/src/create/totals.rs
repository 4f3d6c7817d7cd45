//! totals: what the repository holds with the new archive, reckoned from what it held before.
//!
//! Borg counts in its chunks cache; here the figures of the archives before (`RepositoryTotals`) are known or they are not,
//! and each commit adds what its archive refers to and what was new. They hold only where every stored chunk is referred
//! to: a chunk that was left behind may come into use without being stored.

use std::path::Path;

use nanoprobe_archive::{Manifest, RepositoryTotals, Stored, StreamStatistics};
use nanoprobe_key::Key;
use nanoprobe_repository::Repository;

use super::Statistics;
use crate::Error;

/// Figures on their way from one set of archives to the next.
pub(super) struct RunningTotals<'a> {
    directory: &'a Path,
    /// Of the archives before; `None`: not known, or not to be continued.
    before: Option<RepositoryTotals>,
    /// File chunks that this run stored, and references to file chunks from the items it wrote.
    added: RepositoryTotals,
    /// New chunks are stored that no item refers to yet.
    pending: bool,
}

impl<'a> RunningTotals<'a> {
    /// Finds the figures of the archives so far; `directory` is our cache directory.
    pub(super) fn open(
        directory: &'a Path,
        repository: &dyn Repository,
        key: &Key,
        manifest: &Manifest,
    ) -> Result<Self, Error> {
        let before = match manifest.archives() {
            [] => Some(RepositoryTotals::default()),
            archives => RepositoryTotals::load(directory, key, archives),
        };
        let before = match before {
            // All objects are chunks but the manifest.
            Some(totals) if repository.totals()?.objects == totals.unique_chunks + 1 => before,
            _ => None,
        };
        Ok(Self { before, ..Self::unknown(directory) })
    }

    /// Says nothing.
    pub(super) fn unknown(directory: &'a Path) -> Self {
        Self { directory, before: None, added: RepositoryTotals::default(), pending: false }
    }

    /// A file chunk of these plain and stored sizes is new.
    pub(super) fn stored(&mut self, size: u32, csize: u32) {
        self.added.unique_chunks += 1;
        self.added.unique_size_bytes += u64::from(size);
        self.added.unique_csize_bytes += u64::from(csize);
        self.pending = true;
    }

    /// An item was written that refers to so many chunks, all that are new among them.
    pub(super) fn referenced(&mut self, chunks: usize) {
        self.added.chunks += chunks as u64;
        self.pending = false;
    }

    /// The file at hand does not get into the archive.
    pub(super) fn abandoned(&mut self) {
        if self.pending {
            self.before = None;
        }
    }

    /// The archives of `manifest` are committed; the new one has these sizes, stream and metadata object.
    pub(super) fn committed(
        &self,
        key: &Key,
        manifest: &Manifest,
        statistics: &Statistics,
        stream: &StreamStatistics,
        metadata: &Stored,
    ) {
        let (Some(before), added) = (self.before, self.added) else { return };
        let (size, csize) = (u64::from(metadata.plain_bytes), u64::from(metadata.stored_bytes));
        let totals = RepositoryTotals {
            size_bytes: before.size_bytes + statistics.original_bytes,
            csize_bytes: before.csize_bytes + statistics.compressed_bytes,
            unique_size_bytes: before.unique_size_bytes + added.unique_size_bytes + stream.new_bytes + size,
            unique_csize_bytes: before.unique_csize_bytes
                + added.unique_csize_bytes
                + stream.deduplicated_bytes
                + csize,
            unique_chunks: before.unique_chunks + added.unique_chunks + stream.new_chunks + 1,
            chunks: before.chunks + added.chunks + stream.chunks + 1,
        };
        // A file that cannot be written is of an older set of archives, so that it says nothing.
        let _ = totals.save(self.directory, key, manifest.archives());
    }
}
