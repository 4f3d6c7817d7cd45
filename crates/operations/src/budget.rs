//! The one place that turns "48 MiB" into numbers of slots, pages and queue lengths.
//!
//! | who | bytes |
//! |---|---|
//! | program, stacks, allocator | 4 MiB |
//! | repository: pages, delta, segment buffers | 5 MiB |
//! | item stream, files cache, names of a directory, texts of the units under way | 4 MiB |
//! | each worker: output of one unit, the codec's contexts | largest chunk + 1 MiB, codec |
//! | slots: the bytes of files between reading and sealing | the rest, at most 24 MiB |
//!
//! That is `create`. Extract gives three quarters of what the program leaves to its slots, every reader of items
//! at most a third to the largest item, and the sorted passes of check and info an eighth to the records that wait for a run
//! on disk; diff has an eighth for those and another for items that wait for their partners. Delete gives three eighths to
//! what may go, an eighth to the memo of the mark pass and a sixteenth each to what stays and what goes last.

use std::ops::RangeInclusive;

use nanoprobe_format::ChunkRef;

/// A memory budget for everything the process allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    bytes: usize,
    /// What may be used where `bytes` do not do.
    most_bytes: usize,
}

/// What is not divided: the program itself, the repository's pages, the streams.
const FIXED_BYTES: usize = (4 + 5 + 4) << 20;

/// More look-ahead than this does not make a run faster.
const LARGEST_SLOTS: usize = 24 << 20;

/// Between two checkpoints of a first backup; the budget does not count what is on disk.
const JOURNAL_BYTES: u64 = 1 << 30;

/// A worker's output may exceed the largest chunk by the rest of a unit and by what codecs add to incompressible data.
const OUTPUT_SLACK: usize = 1 << 20;

/// What `create` may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatePlan {
    /// Threads that hash, compress and seal.
    pub workers: usize,
    /// Room for file content between reading and sealing.
    pub slot_bytes: usize,
    /// Each worker's room for sealed objects.
    pub output_bytes: usize,
    /// Each worker's room for the codec.
    pub codec_bytes: usize,
    /// Units under way at most: being filled, queued, worked on.
    pub units: usize,
    /// Content of a unit at which it is handed on.
    pub unit_bytes: usize,
    /// The same where chunks are larger than that.
    pub large_unit_bytes: usize,
    /// The most content that a unit may have.
    pub most_unit_bytes: usize,
    /// Names of directories kept in memory before sorted runs go to disk.
    pub name_bytes: usize,
}

/// What `extract` may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractPlan {
    /// Threads that decrypt, decompress and check.
    pub workers: usize,
    /// Room for objects and plain data between fetching and writing.
    pub slot_bytes: usize,
    /// Plain data of a unit of small files.
    pub unit_bytes: usize,
}

/// What a repository on another machine may use: the upload buffer is part of what the repository gets, the rest comes
/// from what each operation but `create` leaves to look-ahead; `create` looks at nothing ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemotePlan {
    /// Bytes that wait to be sent.
    pub upload_bytes: usize,
    /// The same where the user wants many.
    pub most_upload_bytes: usize,
    /// Objects that came before they were needed.
    pub ahead_bytes: usize,
    /// Objects that were asked for: the line holds those that there is no room for yet, so that its latency does not count.
    pub requested_bytes: usize,
    /// What is kept of a transaction, on disk, so that it can be sent again when the line drops.
    pub journal_bytes: u64,
}

/// What `recreate` may use where it changes content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecreatePlan {
    /// Room for the codec.
    pub codec_bytes: usize,
    /// The largest item that is read, in bytes.
    pub item_bytes: usize,
    limit: usize,
    /// What is needed beside two buffers for chunks as they are.
    rest: usize,
    /// The largest new chunk.
    cut_bytes: usize,
}

/// A budget that cannot hold what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a memory limit of {limit} bytes is too small for chunks of up to {largest_chunk} bytes: {needed} bytes are needed"
)]
pub struct BudgetTooSmall {
    /// What there is.
    pub limit: usize,
    /// What the chunker may give.
    pub largest_chunk: usize,
    /// What would do.
    pub needed: usize,
}

impl Budget {
    /// The default: 48 MiB.
    pub const DEFAULT_BYTES: usize = 48 << 20;

    /// A budget of so many bytes.
    pub const fn new(bytes: usize) -> Self {
        Self { bytes, most_bytes: bytes }
    }

    /// One that nobody asked for: where so many bytes do not do for a plan, it takes what does, up to the default.
    pub const fn suggested(bytes: usize) -> Self {
        let most_bytes = if bytes > Self::DEFAULT_BYTES { bytes } else { Self::DEFAULT_BYTES };
        Self { bytes, most_bytes }
    }

    /// The whole budget in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Divides the budget for `create`: as many workers as there are cores, as long as the slots hold a chunk and a
    /// half; one worker and one chunk at least. `codec` goes from the least that the codec works with to all it makes
    /// use of; it gets less than all only from a budget that has no more.
    pub fn create_plan(
        &self,
        largest_chunk: usize,
        codec: RangeInclusive<usize>,
        cores: usize,
    ) -> Result<CreatePlan, BudgetTooSmall> {
        let output_bytes = largest_chunk + OUTPUT_SLACK;
        let least = largest_chunk + READ_AHEAD;
        let most_codec_bytes = self.bytes.saturating_sub(FIXED_BYTES + output_bytes + least);
        let codec_bytes = (*codec.end()).min(most_codec_bytes).max(*codec.start());
        let rest = |workers: usize| self.bytes.checked_sub(FIXED_BYTES + workers * (output_bytes + codec_bytes));
        let comfortable = least.max(largest_chunk + largest_chunk / 2);
        let workers = (1..=cores.max(1))
            .rev()
            .find(|&workers| rest(workers).is_some_and(|rest| rest >= comfortable))
            .unwrap_or(1);
        let needed = FIXED_BYTES + output_bytes + codec_bytes + least;
        if needed > self.most_bytes {
            return Err(BudgetTooSmall { limit: self.bytes, largest_chunk, needed });
        }
        let slot_bytes = rest(workers).unwrap_or(0).clamp(least, LARGEST_SLOTS.max(2 * largest_chunk));
        let units = workers + 3;
        let unit_bytes = (slot_bytes / (units + 1)).clamp(64 << 10, 1 << 20);
        let large_unit_bytes = unit_bytes.max(slot_bytes / (2 * workers + 1));
        Ok(CreatePlan {
            workers,
            slot_bytes,
            output_bytes,
            codec_bytes,
            units,
            unit_bytes,
            large_unit_bytes,
            most_unit_bytes: largest_chunk.max(unit_bytes),
            name_bytes: 1 << 20,
        })
    }

    /// Divides the budget for `extract`. More than four workers do not pay: the one writer is the next bottleneck.
    pub fn extract_plan(&self, cores: usize) -> ExtractPlan {
        let slot_bytes = (self.bytes.saturating_sub(FIXED_BYTES) / 4 * 3).max(self.bytes / 3);
        ExtractPlan { workers: cores.clamp(1, 4), slot_bytes, unit_bytes: 256 << 10 }
    }

    /// What a repository on another machine may use.
    pub const fn remote_plan(&self) -> RemotePlan {
        let eighth = self.bytes / 8;
        let upload_bytes = if eighth < 1 << 20 { eighth } else { 1 << 20 };
        RemotePlan {
            upload_bytes,
            most_upload_bytes: eighth,
            ahead_bytes: self.bytes / 12,
            requested_bytes: self.announced_bytes(),
            journal_bytes: JOURNAL_BYTES,
        }
    }

    /// Stored bytes of the objects that are announced to the repository ahead of the one that is needed.
    pub(crate) const fn announced_bytes(&self) -> usize {
        self.bytes / 4
    }

    /// Divides the budget for `recreate`: from chunks of up to `source` bytes, and to chunks of up to `cut` where files are cut
    /// anew. `codec` as for `create`.
    pub fn recreate_plan(
        &self,
        source: usize,
        cut: Option<usize>,
        codec: RangeInclusive<usize>,
    ) -> Result<RecreatePlan, BudgetTooSmall> {
        let cut_bytes = cut.unwrap_or(0);
        let buffers = FIXED_BYTES + OUTPUT_SLACK + cut_bytes;
        let left = self.bytes.saturating_sub(buffers + source + source.max(cut_bytes));
        let codec_bytes = (*codec.end()).min(left).max(*codec.start());
        let item_bytes = if cut.is_some() { self.bytes / 6 } else { self.item_bytes() };
        let plan =
            RecreatePlan { codec_bytes, item_bytes, limit: self.most_bytes, rest: buffers + codec_bytes, cut_bytes };
        plan.check_chunk(source).map(|()| plan)
    }

    /// The largest item that is read, in bytes.
    pub const fn item_bytes(&self) -> usize {
        self.bytes / 3
    }

    /// What the mark pass remembers of item metadata chunks, in bytes.
    pub(crate) const fn memo_bytes(&self) -> usize {
        self.bytes / 8
    }

    /// Changes of the index that `compact` gathers, which needs little else: a quarter.
    pub const fn compaction_delta_entries(&self) -> usize {
        self.bytes / 4 / 60
    }

    /// What `delete` may find to be deletable in one round, in bytes.
    pub(crate) const fn candidate_bytes(&self) -> usize {
        self.bytes * 3 / 8
    }

    /// What `delete` knows of the metadata chunks of archives that stay, in bytes.
    pub(crate) const fn kept_bytes(&self) -> usize {
        self.bytes / 16
    }

    /// Records that each of `passes` sorted passes at a time collects in memory, in bytes.
    pub(crate) const fn sort_bytes(&self, passes: usize) -> usize {
        self.bytes / 8 / passes
    }
}

impl RecreatePlan {
    /// Whether a stored chunk of so many plain bytes has room.
    pub(crate) fn check_chunk(&self, bytes: usize) -> Result<(), BudgetTooSmall> {
        let needed = self.rest + bytes + bytes.max(self.cut_bytes);
        let largest_chunk = bytes.max(self.cut_bytes);
        if needed > self.limit { Err(BudgetTooSmall { limit: self.limit, largest_chunk, needed }) } else { Ok(()) }
    }

    /// Whether a list of so many new chunks has room.
    pub(crate) fn check_list(&self, chunks: usize) -> Result<(), nanoprobe_archive::Error> {
        if chunks * size_of::<ChunkRef>() > self.item_bytes {
            return Err(nanoprobe_archive::Error::ItemTooLarge { limit_bytes: self.item_bytes });
        }
        Ok(())
    }
}

/// Chunks of an older version of a file that are kept in mind while it is read anew: 144 KiB.
pub(crate) const MOST_EXPECTED: usize = 4096;

/// Files are read in pieces of at most this many bytes; what was read past a cut may have to be copied once.
pub(crate) const READ_AHEAD: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_never_exceeds_its_budget() {
        for mebibytes in 24..200 {
            for exponent in 15..=24 {
                for cores in 1..=16 {
                    let budget = Budget::new(mebibytes << 20);
                    let Ok(plan) = budget.create_plan(1 << exponent, 3 << 20..=3 << 20, cores) else { continue };
                    let used = FIXED_BYTES + plan.slot_bytes + plan.workers * (plan.output_bytes + (3 << 20));
                    assert!(used <= budget.bytes() && (1..=cores).contains(&plan.workers), "{plan:?}");
                    assert!(plan.slot_bytes >= (1 << exponent) + READ_AHEAD, "{plan:?}");
                }
            }
        }
    }

    #[test]
    fn what_nobody_asked_for_takes_what_does() {
        let (chunk, codec) = (8 << 20, 4 << 20..=94 << 20);
        let plan = |budget: Budget| budget.create_plan(chunk, codec.clone(), 4);
        let BudgetTooSmall { needed, .. } = plan(Budget::new(31 << 20)).unwrap_err();
        assert_eq!(plan(Budget::suggested(31 << 20)).unwrap(), plan(Budget::new(needed)).unwrap());
        assert_eq!(plan(Budget::suggested(40 << 20)).unwrap(), plan(Budget::new(40 << 20)).unwrap());
        assert!(Budget::suggested(31 << 20).create_plan(16 << 20, codec.clone(), 1).is_err());
        assert!(Budget::suggested(31 << 20).recreate_plan(chunk, Some(chunk), 1 << 20..=1 << 20).is_ok());
    }

    #[test]
    fn recreate_keeps_to_its_budget() {
        let budget = Budget::new(Budget::DEFAULT_BYTES);
        let plan = budget.recreate_plan(8 << 20, Some(8 << 20), 1 << 20..=94 << 20).unwrap();
        assert_eq!(FIXED_BYTES + OUTPUT_SLACK + (24 << 20) + plan.codec_bytes, budget.bytes());
        assert!(plan.check_chunk((8 << 20) + 1).is_err() && plan.check_chunk(8 << 20).is_ok());
        assert!(plan.check_list(budget.bytes() / 6 / 40).is_ok() && plan.check_list(budget.bytes() / 240 + 1).is_err());
        // Without a second kind of chunk there is room for larger ones.
        let plan = budget.recreate_plan(8 << 20, None, 1 << 20..=1 << 20).unwrap();
        assert!(plan.check_chunk(16 << 20).is_ok() && plan.check_chunk(17 << 20).is_err());
        let refused = budget.recreate_plan(16 << 20, Some(8 << 20), 1 << 20..=1 << 20).unwrap_err();
        assert_eq!((refused.largest_chunk, refused.needed), (16 << 20, 55 << 20));
        assert!(Budget::new(32 << 20).recreate_plan(8 << 20, None, 1 << 20..=1 << 20).is_ok());
    }

    #[test]
    fn the_default_budget_holds_two_workers_with_borgs_default_chunks() {
        let plan = Budget::new(Budget::DEFAULT_BYTES).create_plan(8 << 20, 2 << 20..=2 << 20, 2).unwrap();
        assert_eq!(plan.workers, 2);
        assert!(Budget::new(32 << 20).create_plan(8 << 20, 1 << 20..=1 << 20, 2).is_ok_and(|plan| plan.workers == 1));
        let hungry = Budget::new(Budget::DEFAULT_BYTES).create_plan(8 << 20, 5 << 20..=94 << 20, 2).unwrap();
        assert!(hungry.workers == 1 && (5 << 20..=20 << 20).contains(&hungry.codec_bytes), "{hungry:?}");
        assert!(
            Budget::new(24 << 20)
                .create_plan(16 << 20, 1 << 20..=1 << 20, 2)
                .is_err_and(|error| error.needed > 40 << 20)
        );
    }
}
