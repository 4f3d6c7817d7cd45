//! Which segments are compacted, and in which order.

use std::ops::ControlFlow;

use nanoprobe_format::segment::{HEADER_BYTES, MAGIC};

use crate::local::LocalRepository;
use crate::segment_list::Order;
use crate::transaction::Transaction;
use crate::{CommitSegments, CompactOptions, CompactReport, Error};

/// A segment with nothing but a COMMIT.
const COMMIT_SEGMENT_BYTES: u64 = (MAGIC.len() + HEADER_BYTES) as u64;

/// One segment to be compacted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse {
    pub(super) segment: u32,
    /// What will be copied, as far as the hints know.
    pub(super) live_bytes: u64,
    /// The hints know no PUT in it that is needed.
    pub(super) is_dead: bool,
}

/// All that will be compacted.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In the order of work.
    pub(super) segments: Vec<Sparse>,
    /// Segment and place in that order, by segment.
    ranks: Vec<(u32, usize)>,
    /// Segments with anything at all to free.
    pub(super) candidates: u64,
    /// Where segments were removed.
    directories: Vec<u32>,
}

impl Plan {
    /// Without an order: nothing counts as gone before it is.
    pub(super) fn unordered(segments: Vec<Sparse>) -> Self {
        Self { segments, ..Self::default() }
    }

    /// Place of a segment in the order of work.
    pub(super) fn rank(&self, segment: u32) -> Option<usize> {
        let place = self.ranks.binary_search_by_key(&segment, |&(segment, _)| segment).ok()?;
        Some(self.ranks[place].1)
    }

    /// Those that need the least room first.
    pub(super) fn sort_by_need(&mut self) {
        self.segments.sort_by_key(|sparse| (sparse.live_bytes, sparse.segment));
        self.order();
    }

    /// Takes segments out.
    pub(super) fn keep_only(&mut self, keep: impl FnMut(&Sparse) -> bool) {
        self.segments.retain(keep);
        self.order();
    }

    pub(super) fn removed_directory(&mut self, directory: u32) {
        if let Err(place) = self.directories.binary_search(&directory) {
            self.directories.insert(place, directory);
        }
    }

    pub(super) fn removed_directories(&self) -> &[u32] {
        &self.directories
    }

    fn order(&mut self) {
        self.ranks = self.segments.iter().enumerate().map(|(rank, sparse)| (sparse.segment, rank)).collect();
        self.ranks.sort_unstable();
    }
}

impl LocalRepository {
    pub(super) fn plan_compaction(
        &self,
        transaction: &mut Transaction,
        options: &CompactOptions,
        report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<Plan, Error> {
        if options.commit_segments == CommitSegments::CleanUp {
            self.reader.segments.each(0, Order::OldestFirst, |segment| {
                if self.reader.segments.bytes(segment)? == Some(COMMIT_SEGMENT_BYTES) {
                    transaction.hints().segments.free_all_but(segment, HEADER_BYTES as u64);
                }
                Ok(true)
            })?;
        }
        let hints = transaction.hints();
        let rows: Vec<(u32, i64)> = hints.segments.freeable().collect();
        let mut plan = Plan { candidates: rows.len() as u64, ..Plan::default() };
        for (segment, freeable) in rows {
            let Some(bytes) = self.reader.segments.bytes(segment)? else {
                let text = format!("segment {segment} not found, but listed in compaction data");
                let _: ControlFlow<()> = report(CompactReport::Remark(&text));
                hints.segments.remove(segment);
                continue;
            };
            let is_sparse = i128::from(freeable) * 100 > i128::from(options.threshold_percent) * i128::from(bytes);
            if is_sparse {
                let live_bytes = bytes.saturating_sub(u64::try_from(freeable).unwrap_or(0));
                let is_dead = hints.segments.live_puts(segment) == 0;
                plan.segments.push(Sparse { segment, live_bytes, is_dead });
            }
        }
        plan.order();
        Ok(plan)
    }
}
