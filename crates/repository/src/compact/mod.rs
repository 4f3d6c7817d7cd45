//! Compaction: what sparse segments still hold is copied into new ones, and the old files go.
//!
//! A segment is sparse when the hints say that more than a share of it is superseded. Its current PUTs are copied, and
//! those of its DELETEs that a full replay of the log would miss: an older PUT of the same id still stands in a lower
//! segment. One segment after the other is gone through; whenever the new segment is full, it gets a COMMIT at its end, and
//! what was copied until then is removed. So the room that is needed is one segment's; see `room` for less. At the end comes
//! a COMMIT of its own, and the new index. Where nothing can be freed, nothing is written.
//!
//! A crash loses nothing, at any point: an old segment goes only when the COMMIT behind its copies is durable, and a segment
//! whose DELETE was dropped goes only when the removal of the PUT that it covers is durable. What a crash leaves behind is
//! found by `replay` like any other transaction without an index.
//!
//! Cost: as a transaction, with room for more changes of the index if the caller has it; one object at a time; 32 bytes a
//! sparse segment; see `deletes` for what DELETEs need.

use std::ops::ControlFlow;
use std::path::PathBuf;

use nanoprobe_format::index::Location;
use nanoprobe_format::segment::{HEADER_BYTES, ID_HEADER_BYTES, Tag};

use crate::local::LocalRepository;
use crate::segment_read::{Depth, LogEntry};
use crate::segment_write::Ending;
use crate::transaction::Transaction;
use crate::{CompactOptions, CompactReport, Error, size_text};

mod deletes;
mod plan;
mod room;

use deletes::{Deletes, Fate};
use plan::Plan;

impl LocalRepository {
    /// Compacts; what is pending is committed first.
    pub(crate) fn compact_segments(
        &self,
        transaction: &mut Transaction,
        options: &CompactOptions,
        report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.require_exclusive()?;
        self.commit_transaction(transaction)?;
        if self.settings.append_only {
            return Ok(()); // as Borg, without a word
        }
        self.begin_on_proven_index(transaction)?;
        if let Some(index) = &mut *self.index_mut() {
            index.let_gather(options.index_delta_entries);
        }
        let result = self.compact_begun(transaction, options, report);
        match transaction.keep_failure(result) {
            Ok(freed_bytes) => {
                let text = format!("compaction freed about {} repository space.", size_text(freed_bytes));
                let _ = report(CompactReport::Information(&text));
                Ok(())
            }
            Err(error) => {
                // What of it is committed is replayed when the repository is looked at next.
                self.roll_back(transaction)?;
                Err(error)
            }
        }
    }

    /// What the index does not know is destroyed here: it has to be what was written, to the last byte.
    fn begin_on_proven_index(&self, transaction: &mut Transaction) -> Result<(), Error> {
        self.begin(transaction)?;
        match self.with_index(|index| index.table.verify()) {
            Err(Error::FileIntegrity(file)) => {
                (self.options.warn)(&format!("Repository index missing or corrupted, trying to recover from: {file}"));
                self.remove_auxiliary(None)?;
                self.forget(transaction);
                self.begin(transaction)
            }
            verified => verified,
        }
    }

    fn compact_begun(
        &self,
        transaction: &mut Transaction,
        options: &CompactOptions,
        report: &mut dyn FnMut(CompactReport<'_>) -> ControlFlow<()>,
    ) -> Result<u64, Error> {
        self.tell_quota(transaction.hints());
        let plan = self.plan_compaction(transaction, options, report)?;
        let mut compaction = Compaction {
            repository: self,
            deletes: Deletes::new(transaction.shadow_capacity()),
            transaction,
            report,
            plan,
            copied: Vec::new(),
            object: Vec::new(),
            freed_bytes: 0,
        };
        if compaction.frees_anything()? {
            compaction.run()?
        } else {
            compaction.transaction.reset()
        }
        Ok(compaction.freed_bytes)
    }
}

struct Compaction<'a, 'b> {
    repository: &'a LocalRepository,
    transaction: &'a mut Transaction,
    /// `Break` asks to end early, with everything in order.
    report: &'a mut (dyn FnMut(CompactReport<'_>) -> ControlFlow<()> + 'b),
    plan: Plan,
    deletes: Deletes,
    /// Gone through, but not removed yet.
    copied: Vec<Copied>,
    object: Vec<u8>,
    freed_bytes: u64,
}

/// A segment that nothing needs any more once its copies are committed.
struct Copied {
    segment: u32,
    /// A DELETE was dropped because the PUT below it is going too.
    dropped: bool,
    /// Whole entries of superseded PUTs.
    superseded_bytes: u64,
}

impl Compaction<'_, '_> {
    /// Whether there is anything to gain; a walk over headers that mostly ends at once.
    fn frees_anything(&mut self) -> Result<bool, Error> {
        let repository = self.repository;
        let newest = repository.committed_transaction()?;
        let mut gain = false;
        for rank in 0..self.plan.segments.len() {
            let segment = self.plan.segments[rank].segment;
            let mut needed = Some(segment) == newest;
            let walked = repository.reader.walk(segment, 0, Depth::Headers, |entry| {
                match entry.tag {
                    Tag::Commit => {}
                    Tag::Put | Tag::Delete if self.is_needed(rank, entry)? => needed = true,
                    Tag::Put | Tag::Delete => gain = true,
                }
                Ok(!gain)
            });
            match walked {
                Err(Error::Integrity(_)) => gain = true, // copying will tell
                walked => walked?,
            }
            if gain || !needed {
                self.deletes.restart();
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn run(&mut self) -> Result<(), Error> {
        let tight = self.make_room()?;
        for rank in 0..self.plan.segments.len() {
            if tight && !self.has_room(rank)? {
                break;
            }
            self.copy(rank)?;
            if tight {
                self.complete(Ending::Behind)?;
            }
            if self.progress(rank).is_break() {
                break;
            }
        }
        self.finish()
    }

    /// Copies what is needed of one segment.
    fn copy(&mut self, rank: usize) -> Result<(), Error> {
        let segment = self.plan.segments[rank].segment;
        let mut copied = Copied { segment, dropped: false, superseded_bytes: 0 };
        let repository = self.repository;
        repository.reader.walk(segment, 0, Depth::Headers, |entry| {
            match entry.tag {
                Tag::Commit => {}
                Tag::Put => self.copy_put(&mut copied, entry)?,
                Tag::Delete => self.copy_delete(&mut copied, rank, entry)?,
            }
            Ok(true)
        })?;
        let live = self.transaction.hints().segments.live_puts(segment);
        if live != 0 {
            self.remark(&format!(
                "Corrupted segment reference count {live} (expected 0) for segment {segment} - corrupted index or hints"
            ));
        }
        self.copied.push(copied);
        Ok(())
    }

    fn copy_put(&mut self, copied: &mut Copied, entry: LogEntry) -> Result<(), Error> {
        let repository = self.repository;
        let at = Location { segment: copied.segment, offset: entry.offset };
        if repository.find(&entry.id)? != Some(at) {
            copied.superseded_bytes += u64::from(entry.bytes);
            return Ok(());
        }
        self.complete_if_full()?;
        repository.reader.read(at, &entry.id, &mut self.object)?;
        let most = repository.settings.segment_bytes_most;
        let new = repository.writer.put(&repository.reader, most, &entry.id, &self.object)?;
        let segments = &mut self.transaction.hints().segments;
        segments.add_live(new.segment, 1);
        segments.add_live(at.segment, -1);
        if let Some(index) = &mut *repository.index_mut() {
            index.insert(&entry.id, new, Some(at));
        }
        repository.spill_if_full(self.transaction)
    }

    fn copy_delete(&mut self, copied: &mut Copied, rank: usize, entry: LogEntry) -> Result<(), Error> {
        let repository = self.repository;
        match self.fate(rank, entry)? {
            Fate::Needed => {
                self.complete_if_full()?;
                let most = repository.settings.segment_bytes_most;
                let new = repository.writer.delete(&repository.reader, most, &entry.id)?;
                self.transaction.hints().segments.add_freeable(new.segment, ID_HEADER_BYTES as u64);
                Ok(())
            }
            Fate::Superseded => Ok(()),
            Fate::Dropped { forget } => {
                copied.dropped = true;
                if forget {
                    self.transaction.hints().shadow.forget(&entry.id);
                }
                repository.spill_if_full(self.transaction)
            }
        }
    }

    fn is_needed(&mut self, rank: usize, entry: LogEntry) -> Result<bool, Error> {
        match entry.tag {
            Tag::Commit => Ok(false),
            Tag::Put => {
                let at = Location { segment: self.plan.segments[rank].segment, offset: entry.offset };
                Ok(self.repository.find(&entry.id)? == Some(at))
            }
            Tag::Delete => Ok(self.fate(rank, entry)? == Fate::Needed),
        }
    }

    /// What becomes of a DELETE.
    fn fate(&mut self, rank: usize, entry: LogEntry) -> Result<Fate, Error> {
        if self.repository.find(&entry.id)?.is_some() {
            return Ok(Fate::Superseded); // by a later PUT
        }
        let shadow = &self.transaction.hints().shadow;
        self.deletes.fate(self.repository, shadow, &self.plan, rank, entry)
    }

    /// When the new segment is full, what was copied is committed and its room regained, before another one starts.
    fn complete_if_full(&mut self) -> Result<(), Error> {
        let is_full = self.repository.writer.is_full(self.repository.settings.segment_bytes_most);
        if is_full { self.complete(Ending::Behind).map(drop) } else { Ok(()) }
    }

    /// Commits what was copied and removes where it came from; the COMMIT's segment.
    fn complete(&mut self, ending: Ending) -> Result<u32, Error> {
        self.transaction.committing();
        let segment = self.repository.writer.commit(&self.repository.reader, ending)?;
        self.transaction.committed();
        self.transaction.hints().segments.add_freeable(segment, HEADER_BYTES as u64);
        self.remove_copied()?;
        Ok(segment)
    }

    /// Removes old segments durably. A DELETE may only disappear after the PUT that it covers.
    fn remove_copied(&mut self) -> Result<(), Error> {
        let reader = &self.repository.reader;
        let mut changed: Vec<PathBuf> = Vec::new();
        let sync = |changed: &mut Vec<PathBuf>| {
            changed.drain(..).try_for_each(|path| reader.segments.fs.sync_directory(&path).map_err(Error::io(&path)))
        };
        for copied in std::mem::take(&mut self.copied) {
            if copied.dropped {
                sync(&mut changed)?;
            }
            reader.remove(copied.segment)?;
            let directory = reader.segments.directory(copied.segment);
            if !changed.contains(&directory) {
                changed.push(directory);
            }
            let hints = self.transaction.hints();
            hints.quota_use = hints.quota_use.saturating_sub_unsigned(copied.superseded_bytes);
            hints.segments.remove(copied.segment);
            hints.shadow.remove(copied.segment);
            self.freed_bytes += copied.superseded_bytes;
            self.plan.removed_directory(reader.segments.directory_number(copied.segment));
        }
        sync(&mut changed)
    }

    fn finish(&mut self) -> Result<(), Error> {
        let segment = self.complete(Ending::Alone)?;
        self.repository.reader.segments.remove_empty(self.plan.removed_directories())?;
        self.repository.conclude(self.transaction, segment)
    }

    fn progress(&mut self, rank: usize) -> ControlFlow<()> {
        let total = self.plan.candidates;
        let left = (self.plan.segments.len() - rank - 1) as u64;
        (self.report)(CompactReport::Progress { done: total.saturating_sub(left), total })
    }

    fn remark(&mut self, text: &str) {
        let _ = (self.report)(CompactReport::Remark(text));
    }
}
