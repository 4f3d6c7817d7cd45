//! How much room a commit needs, and whether it is there.

use nanoprobe_format::segment::ENTRY_BYTES_MOST;

use crate::Error;
use crate::local::LocalRepository;
use crate::transaction::Transaction;

/// What an id of the shadow index takes in the hints.
const SHADOWED_BYTES: u64 = 48;
/// What else a commit writes, generously.
const SMALL_FILES_BYTES: u64 = 64 * 1024;

impl LocalRepository {
    /// Refuses a commit that would leave too little room behind it.
    pub(crate) fn require_free_space(&self, transaction: &mut Transaction) -> Result<(), Error> {
        let required_bytes = if transaction.frees_more_than_it_stores() {
            // The room that Borg wants to stay is for this: to delete, and to compact after it.
            self.commit_bytes(transaction)?.min(self.required_bytes(transaction)?)
        } else {
            self.required_bytes(transaction)?
        };
        match self.free_bytes() {
            Some(available_bytes) if available_bytes < required_bytes => {
                self.roll_back(transaction)?;
                Err(Error::InsufficientFreeSpace { required_bytes, available_bytes })
            }
            _ => Ok(()),
        }
    }

    /// Borg's rule: four index sizes, the hints, what the user wants free, and room for compaction.
    pub(crate) fn required_bytes(&self, transaction: &mut Transaction) -> Result<u64, Error> {
        let index_bytes = self.with_index(|index| Ok(index.file_bytes()))?;
        let segments = &transaction.hints().segments;
        let sparse: Vec<(u32, i64)> = segments.freeable().take(10).collect();
        let hints_bytes = (segments.len() + segments.freeable().count()) as u64 * 10 + 4096;
        let mut required_bytes = index_bytes * 4 + hints_bytes + self.settings.additional_free_bytes;
        if !self.settings.append_only {
            let whole_segment = self.settings.segment_bytes_most + u64::from(ENTRY_BYTES_MOST);
            if sparse.len() < 10 {
                let mut working = 0;
                for (segment, freeable) in sparse {
                    let bytes = self.reader.segments.bytes(segment)?.unwrap_or(0);
                    working += bytes.saturating_sub(u64::try_from(freeable).unwrap_or(0));
                }
                required_bytes += working.min(whole_segment);
            } else {
                required_bytes += whole_segment;
            }
        }
        Ok(required_bytes)
    }

    /// What a commit writes itself, working copies included, and what the user wants free.
    pub(crate) fn commit_bytes(&self, transaction: &mut Transaction) -> Result<u64, Error> {
        let index_bytes = self.with_index(|index| Ok(index.file_bytes()))?;
        let hints = transaction.hints();
        let tables = (hints.segments.len() + hints.segments.freeable().count()) as u64 * 10;
        let shadow = u64::from(hints.shadow.ids_most()) * SHADOWED_BYTES;
        Ok((index_bytes + tables + shadow) * 2 + SMALL_FILES_BYTES + self.settings.additional_free_bytes)
    }

    /// What the file system has; `None` when it does not tell.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        self.fs.free_bytes(&self.path).ok()
    }
}
