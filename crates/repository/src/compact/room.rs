//! Compaction when there is hardly any room left, which is when it is wanted most.
//!
//! Below what Borg asks for, every step is measured. First those segments go that hold nothing at all: that needs no room,
//! not even for a COMMIT, because neither the index nor what a replay of the log finds changes. Then come the others, those
//! with the least to copy first, each with a COMMIT of its own, as long as the copies and the new index fit beside the old
//! ones. What the user wants to stay free is never used for copies.

use nanoprobe_format::segment::Tag;

use super::plan::Plan;
use super::{Compaction, Copied};
use crate::Error;
use crate::segment_read::Depth;

impl Compaction<'_, '_> {
    /// Frees what can be freed without writing when room is short; true when it still is.
    pub(super) fn make_room(&mut self) -> Result<bool, Error> {
        if !self.is_tight()? {
            return Ok(false);
        }
        self.remove_dead()?;
        if !self.is_tight()? {
            return Ok(false);
        }
        self.plan.sort_by_need();
        let needed_bytes = self.plan.segments.first().map_or(0, |sparse| sparse.live_bytes);
        let required_bytes = self.repository.commit_bytes(self.transaction)?.saturating_add(needed_bytes);
        match self.repository.free_bytes() {
            Some(available_bytes) if available_bytes < required_bytes => {
                Err(Error::InsufficientFreeSpace { required_bytes, available_bytes })
            }
            _ => Ok(true),
        }
    }

    /// Whether the copies of a segment, and the commit behind them, fit.
    pub(super) fn has_room(&mut self, rank: usize) -> Result<bool, Error> {
        let needed_bytes = self.plan.segments[rank].live_bytes;
        let required_bytes = self.repository.commit_bytes(self.transaction)?.saturating_add(needed_bytes);
        Ok(self.repository.free_bytes().is_none_or(|available| available >= required_bytes))
    }

    fn is_tight(&mut self) -> Result<bool, Error> {
        let required_bytes = self.repository.required_bytes(self.transaction)?;
        Ok(self.repository.free_bytes().is_some_and(|available| available < required_bytes))
    }

    /// Removes segments that hold nothing that is needed, but the newest: its COMMIT is the repository's state.
    fn remove_dead(&mut self) -> Result<(), Error> {
        let newest = self.repository.committed_transaction()?;
        let dead = self.plan.segments.iter().filter(|sparse| sparse.is_dead && Some(sparse.segment) != newest);
        let dead = Plan::unordered(dead.copied().collect());
        let others = std::mem::replace(&mut self.plan, dead);
        for rank in 0..self.plan.segments.len() {
            let segment = self.plan.segments[rank].segment;
            let mut copied = Copied { segment, dropped: true, superseded_bytes: 0 };
            let mut needed = false;
            self.deletes.restart(); // the removals before may have made DELETEs needless
            let walked = self.repository.reader.walk(segment, 0, Depth::Headers, |entry| {
                needed = self.is_needed(rank, entry)?;
                if entry.tag == Tag::Put {
                    copied.superseded_bytes += u64::from(entry.bytes);
                }
                Ok(!needed)
            });
            match walked {
                Err(Error::Integrity(_)) => continue,
                walked => walked?,
            }
            if !needed {
                self.copied.push(copied);
                self.remove_copied()?;
            }
        }
        let directories = self.plan.removed_directories().to_vec();
        self.plan = others;
        directories.into_iter().for_each(|directory| self.plan.removed_directory(directory));
        let shadow = &self.transaction.hints().shadow;
        self.plan.keep_only(|sparse| !shadow.is_removed(sparse.segment));
        self.deletes.restart();
        Ok(())
    }
}
