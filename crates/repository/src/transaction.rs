//! Changing the repository: put, delete, commit, rollback.
//!
//! A commit becomes durable in this order; a crash between any two steps loses nothing that was committed:
//!  1. data segments: fdatasync, directory fsync (at each segment's end);
//!  2. the COMMIT, in a segment of its own: the same;
//!  3. hints, index and integrity as temporary files, fdatasync each;
//!  4. rename integrity, fsync the directory; rename hints and index, fsync the directory;
//!  5. remove the files of the transaction before.
//!
//! After a crash before 2 the new segments are removed; after it, `replay` makes step 3 to 5 good.

use std::path::Path;

use nanoprobe_format::Id;
use nanoprobe_format::integrity::{Digests, Integrity};
use nanoprobe_format::segment::{DATA_BYTES_MOST, HEADER_BYTES, ID_HEADER_BYTES};

use crate::fs::{self, Access};
use crate::hints::Hints;
use crate::index::Index;
use crate::local::{LocalRepository, Locking};
use crate::segment_list::Order;
use crate::segment_write::Ending;
use crate::{Error, size_text};

/// The names that a commit leaves behind, each with the transaction's number.
const AUXILIARY: [&str; 3] = ["index.", "hints.", "integrity."];

/// What is pending.
#[derive(Debug)]
pub(crate) struct Transaction {
    phase: Phase,
    /// Present while a transaction is active.
    hints: Option<Hints>,
    shadow_capacity: usize,
    /// Number of the next working copy.
    working: u32,
    /// The quota was exceeded: nothing may be committed.
    doomed: Option<(u64, u64)>,
    /// Bytes of PUTs less those of PUTs that were superseded.
    grown_bytes: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has been changed.
    Idle,
    /// Segments behind the last COMMIT are being written.
    Active,
    /// A COMMIT may have been written: its segments must not be removed any more.
    Committing,
    /// A write failed. What the operating system still holds of it is unknown; only opening anew tells.
    Poisoned,
    /// A write failed before any COMMIT: no more writing either, but its segments may be removed.
    PoisonedUncommitted,
}

impl Transaction {
    pub(crate) fn new(shadow_capacity: usize) -> Self {
        let shadow_capacity = shadow_capacity.max(16);
        Self { phase: Phase::Idle, hints: None, shadow_capacity, working: 0, doomed: None, grown_bytes: 0 }
    }

    /// After a failed write nothing more may be written through this handle.
    pub(crate) fn keep_failure<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        let failed = matches!(result, Err(Error::Io { .. } | Error::FileIntegrity(_)));
        if failed {
            self.phase = match self.phase {
                Phase::Idle => Phase::Idle,
                Phase::Active | Phase::PoisonedUncommitted => Phase::PoisonedUncommitted,
                Phase::Committing | Phase::Poisoned => Phase::Poisoned,
            };
        }
        result
    }

    pub(crate) fn is_active(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// Starts with `hints` for the state that will be changed.
    pub(crate) fn activate(&mut self, hints: Hints) {
        self.hints = Some(hints);
        self.phase = Phase::Active;
    }

    /// Forgets everything but a failure.
    pub(crate) fn reset(&mut self) {
        let phase = match self.phase {
            Phase::Poisoned | Phase::PoisonedUncommitted => self.phase,
            _ => Phase::Idle,
        };
        *self = Self { phase, working: self.working, ..Self::new(self.shadow_capacity) };
    }

    pub(crate) fn hints(&mut self) -> &mut Hints {
        let capacity = self.shadow_capacity;
        self.hints.get_or_insert_with(|| Hints::empty(capacity))
    }

    /// A COMMIT is about to be written.
    pub(crate) fn committing(&mut self) {
        self.phase = Phase::Committing;
    }

    /// The COMMIT is durable; segments behind it may be removed.
    pub(crate) fn committed(&mut self) {
        self.phase = Phase::Active;
    }

    /// Whether compaction can free at least as much as was stored.
    pub(crate) fn frees_more_than_it_stores(&self) -> bool {
        self.grown_bytes <= 0
    }

    pub(crate) fn shadow_capacity(&self) -> usize {
        self.shadow_capacity
    }
}

impl LocalRepository {
    pub(crate) fn put_entry(&self, transaction: &mut Transaction, id: &Id, object: &[u8]) -> Result<(), Error> {
        if object.len() > DATA_BYTES_MOST {
            let text = format!("More than allowed put data [{} > {DATA_BYTES_MOST}]", object.len());
            return Err(Error::Integrity(text));
        }
        self.begin(transaction)?;
        self.refuse_doomed(transaction)?;
        let before = self.find(id)?;
        if before.is_some() {
            self.supersede(transaction, id)?;
        }
        let location = self.writer.put(&self.reader, self.settings.segment_bytes_most, id, object)?;
        let hints = transaction.hints();
        hints.segments.add_live(location.segment, 1);
        hints.quota_use += (object.len() + ID_HEADER_BYTES) as i64;
        let used_bytes = u64::try_from(hints.quota_use).unwrap_or(0);
        transaction.grown_bytes += (object.len() + ID_HEADER_BYTES) as i64;
        if let Some(index) = &mut *self.index_mut() {
            index.insert(id, location, before);
        }
        self.spill_if_full(transaction)?;
        let quota_bytes = self.settings.storage_quota;
        if quota_bytes > 0 && used_bytes > quota_bytes {
            transaction.doomed = Some((quota_bytes, used_bytes));
        }
        self.refuse_doomed(transaction)
    }

    pub(crate) fn delete_entry(&self, transaction: &mut Transaction, id: &Id) -> Result<(), Error> {
        self.begin(transaction)?;
        if self.find(id)?.is_none() {
            return Err(self.not_found(id));
        }
        self.supersede(transaction, id)?;
        if let Some(index) = &mut *self.index_mut() {
            index.remove(id);
        }
        self.spill_if_full(transaction)
    }

    pub(crate) fn commit_transaction(&self, transaction: &mut Transaction) -> Result<(), Error> {
        match transaction.phase {
            Phase::Idle => return Ok(()),
            Phase::Poisoned | Phase::PoisonedUncommitted => return Err(self.poisoned()),
            Phase::Active | Phase::Committing => {}
        }
        if let Err(error) = self.refuse_doomed(transaction) {
            self.roll_back(transaction)?;
            return Err(error);
        }
        self.require_exclusive()?;
        self.require_free_space(transaction)?;
        self.tell_quota(transaction.hints());
        transaction.committing();
        let segment = self.writer.commit(&self.reader, Ending::Alone)?;
        transaction.hints().segments.add_freeable(segment, HEADER_BYTES as u64);
        self.conclude(transaction, segment)
    }

    /// Writes what belongs to a COMMIT that is durable, in `segment`.
    pub(crate) fn conclude(&self, transaction: &mut Transaction, segment: u32) -> Result<(), Error> {
        transaction.committing();
        match self.write_auxiliary(transaction, segment) {
            // The index that was read is damaged. The COMMIT is durable: the log alone tells everything.
            Err(Error::FileIntegrity(file)) => {
                (self.options.warn)(&format!("Repository index missing or corrupted, trying to recover from: {file}"));
                self.remove_auxiliary(None)?;
                self.forget(transaction);
                self.load(transaction)
            }
            result => {
                result?;
                transaction.reset();
                Ok(())
            }
        }
    }

    /// Forgets what is pending and removes its segments, unless they may be committed.
    pub(crate) fn roll_back(&self, transaction: &mut Transaction) -> Result<(), Error> {
        let removable = matches!(transaction.phase, Phase::Active | Phase::PoisonedUncommitted);
        self.forget(transaction);
        if removable && self.require_exclusive().is_ok() {
            let committed = self.reader.last_committed()?;
            if let Some(committed) = committed {
                self.remove_segments_after(committed)?;
            }
        }
        self.remove_working_copies()
    }

    /// Gets ready to write: the lock, the committed index and hints, nothing uncommitted left.
    pub(crate) fn begin(&self, transaction: &mut Transaction) -> Result<(), Error> {
        match transaction.phase {
            Phase::Active => return Ok(()),
            Phase::Poisoned | Phase::PoisonedUncommitted | Phase::Committing => return Err(self.poisoned()),
            Phase::Idle => {}
        }
        self.require_exclusive()?;
        self.load(transaction)?;
        self.remove_working_copies()?;
        let hints = match self.committed_transaction()? {
            None => {
                self.remove_unborn()?;
                self.writer.restart(0);
                Hints::empty(transaction.shadow_capacity)
            }
            Some(committed) => {
                let hints = self.committed_hints(transaction, committed)?;
                self.remove_segments_after(committed)?;
                self.writer.restart(committed.saturating_add(1));
                self.tell_quota(&hints);
                hints
            }
        };
        transaction.activate(hints);
        Ok(())
    }

    /// What a transaction begins and ends with where the repository has a quota.
    pub(crate) fn tell_quota(&self, hints: &Hints) {
        let quota_bytes = self.settings.storage_quota;
        if quota_bytes > 0 {
            let used = size_text(u64::try_from(hints.quota_use).unwrap_or(0));
            (self.options.inform)(&format!("Storage quota: {used} out of {} used.", size_text(quota_bytes)));
        }
    }

    /// Writes hints, index and integrity of the transaction that ends with `segment`: steps 3 to 5.
    pub(crate) fn write_auxiliary(&self, transaction: &mut Transaction, segment: u32) -> Result<(), Error> {
        if self.settings.append_only {
            self.log_transaction(segment)?;
        }
        let fs = &*self.fs;
        let path = |name: &str, end: &str| self.path.join(format!("{name}.{segment}{end}"));
        let hints_name = format!("hints.{segment}");
        let hints = transaction.hints().write(fs, &path("hints", ".tmp"), &hints_name)?;
        hints.file.sync().map_err(Error::io(&path("hints", ".tmp")))?;

        let merged = {
            let index = self.index.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let index = index.as_ref().ok_or_else(|| self.poisoned())?;
            index.merge(fs, &path("index", ".tmp"), &format!("index.{segment}"))?
        };
        let mut guard = self.index_mut();
        let index = guard.as_mut().ok_or_else(|| self.poisoned())?;
        let old = index.replace(merged);
        index.sync_table()?;

        let integrity =
            Integrity { hints: Digests { header: None, last: Some(hints.digest) }, index: index.table.digests() };
        let mut bytes = Vec::new();
        integrity.emit(&mut bytes).map_err(|_| self.poisoned())?; // a Vec takes everything
        let temporary = path("integrity", ".tmp");
        let written = fs::remove_if_present(fs, &temporary).and_then(|()| {
            let file = fs.create(&temporary)?;
            fs::write_all(&*file, &bytes, 0)?;
            file.sync()
        });
        written.map_err(Error::io(&temporary))?;

        fs.rename(&temporary, &path("integrity", "")).map_err(Error::io(&temporary))?;
        fs.sync_directory(&self.path).map_err(Error::io(&self.path))?;
        fs.rename(&path("hints", ".tmp"), &path("hints", "")).map_err(Error::io(&path("hints", "")))?;
        index.rename_table(fs, &path("index", "")).map_err(Error::io(&path("index", "")))?;
        fs.sync_directory(&self.path).map_err(Error::io(&self.path))?;
        drop(old);
        self.remove_auxiliary(Some(segment))
    }

    /// Removes every auxiliary file but those of `kept`.
    pub(crate) fn remove_auxiliary(&self, kept: Option<u32>) -> Result<(), Error> {
        let end = kept.map(|segment| format!(".{segment}"));
        for entry in self.fs.list(&self.path).map_err(Error::io(&self.path))? {
            let is_auxiliary = AUXILIARY.iter().any(|start| entry.name.starts_with(start));
            let is_kept = end.as_ref().is_some_and(|end| entry.name.ends_with(end));
            if is_auxiliary && !is_kept {
                let path = self.path.join(&entry.name);
                fs::remove_if_present(&*self.fs, &path).map_err(Error::io(&path))?;
            }
        }
        self.fs.sync_directory(&self.path).map_err(Error::io(&self.path))
    }

    /// Drops index and pending changes; they are read again when needed.
    pub(crate) fn forget(&self, transaction: &mut Transaction) {
        *self.index_mut() = None;
        self.writer.restart(0);
        transaction.reset();
    }

    /// Merges index and hints into working copies when they have gathered what they may.
    pub(crate) fn spill_if_full(&self, transaction: &mut Transaction) -> Result<(), Error> {
        let working = transaction.working;
        let full = self.index.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if full.as_ref().is_some_and(Index::is_full) {
            let name = format!("index.working{working}.tmp");
            let merged = full.as_ref().map(|index| index.merge(&*self.fs, &self.path.join(&name), &name));
            drop(full);
            if let (Some(merged), Some(index)) = (merged, &mut *self.index_mut()) {
                let old = index.replace(merged?);
                self.remove_working(old.path())?;
            }
            transaction.working += 1;
        } else {
            drop(full);
        }
        if transaction.hints().shadow.is_full() {
            let path = self.path.join(format!("hints.working{working}.tmp"));
            let old = transaction.hints().spill(&*self.fs, &path)?;
            transaction.working += 1;
            if let Some(old) = old {
                self.remove_working(&old)?;
            }
        }
        Ok(())
    }

    fn remove_working(&self, path: &Path) -> Result<(), Error> {
        if path.extension().is_some_and(|end| end == "tmp") {
            fs::remove_if_present(&*self.fs, path).map_err(Error::io(path))?;
        }
        Ok(())
    }

    /// Removes working copies that nobody uses any more.
    fn remove_working_copies(&self) -> Result<(), Error> {
        if self.options.lock == Locking::None {
            return Ok(());
        }
        for entry in self.fs.list(&self.path).map_err(Error::io(&self.path))? {
            if AUXILIARY.iter().any(|start| entry.name.starts_with(start)) && entry.name.ends_with(".tmp") {
                self.remove_working(&self.path.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Books that the PUT of `id` is superseded, and writes its DELETE.
    fn supersede(&self, transaction: &mut Transaction, id: &Id) -> Result<(), Error> {
        let Some(old) = self.find(id)? else { return Ok(()) };
        let bytes = self.entry_bytes(old, id)?;
        let location = self.writer.delete(&self.reader, self.settings.segment_bytes_most, id)?;
        let hints = transaction.hints();
        hints.shadow.add(id, old.segment);
        hints.segments.add_live(old.segment, -1);
        hints.segments.add_freeable(old.segment, u64::from(bytes));
        hints.segments.add_freeable(location.segment, ID_HEADER_BYTES as u64);
        transaction.grown_bytes -= i64::from(bytes);
        Ok(())
    }

    /// The hints of the committed state, made good when they are missing or damaged.
    pub(crate) fn committed_hints(&self, transaction: &mut Transaction, committed: u32) -> Result<Hints, Error> {
        match self.load_hints(transaction, committed) {
            Err(Error::FileIntegrity(file)) => {
                (self.options.warn)(&format!("Repository hints file missing or corrupted, trying to recover: {file}"));
                // Hints and index are one state: when one is in doubt, both come anew from the log.
                self.require_replay_lock()?;
                self.remove_auxiliary(None)?;
                self.forget(transaction);
                self.load(transaction)?;
                self.load_hints(transaction, committed)
            }
            hints => hints,
        }
    }

    fn load_hints(&self, transaction: &Transaction, committed: u32) -> Result<Hints, Error> {
        let path = self.path.join(format!("hints.{committed}"));
        let digests = self.integrity(committed)?.hints;
        Hints::load(&*self.fs, &path, committed, digests, transaction.shadow_capacity())
    }

    pub(crate) fn remove_segments_after(&self, committed: u32) -> Result<(), Error> {
        let mut after = Vec::new();
        self.reader.segments.each(committed.saturating_add(1), Order::NewestFirst, |segment| {
            after.push(segment);
            Ok(true)
        })?;
        after.into_iter().try_for_each(|segment| self.reader.remove(segment))
    }

    /// Removes what a crash left of the very first transaction. Anything larger than that may be a repository whose
    /// COMMITs were all lost, and is not ours to remove.
    fn remove_unborn(&self) -> Result<(), Error> {
        const UNBORN_BYTES_MOST: u64 = 1 << 20;
        let mut unborn = Vec::new();
        self.reader.segments.each(0, Order::NewestFirst, |segment| {
            let bytes = self.reader.segments.bytes(segment)?.unwrap_or(0);
            if segment > 1 || bytes > UNBORN_BYTES_MOST {
                return Err(Error::CheckNeeded(self.path.display().to_string()));
            }
            unborn.push(segment);
            Ok(true)
        })?;
        unborn.into_iter().try_for_each(|segment| self.reader.remove(segment))
    }

    /// Appends to the `transactions` log of append-only repositories.
    fn log_transaction(&self, segment: u32) -> Result<(), Error> {
        let path = self.path.join("transactions");
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6f");
        let line = format!("transaction {segment}, UTC time {time}\n");
        let file = match self.fs.open(&path, Access::Write) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.fs.create(&path),
            file => file,
        };
        let appended = file.and_then(|file| {
            let end = file.bytes()?;
            fs::write_all(&*file, line.as_bytes(), end)?;
            file.sync()
        });
        appended.map_err(Error::io(&path))
    }

    fn refuse_doomed(&self, transaction: &Transaction) -> Result<(), Error> {
        match transaction.doomed {
            Some((quota_bytes, used_bytes)) => Err(Error::StorageQuotaExceeded { quota_bytes, used_bytes }),
            None => Ok(()),
        }
    }

    fn poisoned(&self) -> Error {
        Error::Poisoned(self.path.display().to_string())
    }
}
