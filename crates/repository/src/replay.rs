//! Finding the committed state when the repository is looked at first, and making it good after a crash.
//!
//! The log is the truth; index, hints and integrity only save reading it.
//!
//! | newest index | last COMMIT | what happens |
//! |---|---|---|
//! | N | N | it is used; if it is damaged, the whole log is replayed |
//! | N | later | the log from N on is replayed |
//! | none | any | the whole log is replayed |
//! | sound, N | earlier | the commit was finished and its segments were lost since: nothing is touched |
//! | damaged, N | earlier | the whole log is replayed |
//! | any | none | nothing is touched |
//!
//! Cost: as a transaction; the log is read front to back.

use nanoprobe_format::index::Location;
use nanoprobe_format::integrity::Integrity;
use nanoprobe_format::segment::Tag;

use crate::Error;
use crate::fs::{Kind, read_small};
use crate::hints::Hints;
use crate::index::{Index, Table};
use crate::local::{LocalRepository, Locking, lock};
use crate::segment_list::Order;
use crate::segment_read::{Depth, LogEntry};
use crate::transaction::Transaction;

impl LocalRepository {
    /// Reads the committed index, after a replay if it needs one.
    pub(crate) fn load(&self, transaction: &mut Transaction) -> Result<(), Error> {
        if self.index.read().unwrap_or_else(std::sync::PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let indexed = self.indexed_transaction()?;
        let table = if self.options.lock == Locking::None && indexed.is_some() {
            // Without a lock a writer may be at work: the newest index is a committed state in any case.
            self.open_table(indexed.unwrap_or_default())?
        } else {
            match (indexed, self.reader.last_committed()?) {
                (None, None) => Table::empty(),
                (Some(_), None) => {
                    let text = format!("{}\" - although likely this is \"beyond repair", self.path.display());
                    return Err(Error::CheckNeeded(text));
                }
                (Some(indexed), Some(committed)) if indexed == committed => match self.open_table(indexed) {
                    Err(Error::FileIntegrity(file)) => {
                        (self.options.warn)(&format!(
                            "Repository index missing or corrupted, trying to recover from: {file}"
                        ));
                        return self.replay(transaction, None, committed);
                    }
                    table => table?,
                },
                (Some(indexed), Some(committed)) if indexed > committed => {
                    if self.is_proven(indexed)? {
                        return Err(Error::CheckNeeded(self.path.display().to_string()));
                    }
                    return self.replay(transaction, None, committed);
                }
                (indexed, Some(committed)) => return self.replay(transaction, indexed, committed),
            }
        };
        *self.index_mut() = Some(Index::new(table, self.options.index_delta_entries));
        Ok(())
    }

    /// The transaction whose index is in use; call after [`LocalRepository::load`].
    pub(crate) fn committed_transaction(&self) -> Result<Option<u32>, Error> {
        self.indexed_transaction()
    }

    /// Number of the newest index file.
    pub(crate) fn indexed_transaction(&self) -> Result<Option<u32>, Error> {
        let mut newest = None;
        for entry in self.fs.list(&self.path).map_err(Error::io(&self.path))? {
            let number = entry.name.strip_prefix("index.").filter(|end| end.bytes().all(|byte| byte.is_ascii_digit()));
            if let Some(number) = number.and_then(|number| number.parse().ok())
                && entry.kind == Kind::File
                && newest < Some(number)
            {
                let path = self.path.join(&entry.name);
                if self.fs.metadata(&path).map_err(Error::io(&path))?.bytes > 0 {
                    newest = Some(number);
                }
            }
        }
        Ok(newest)
    }

    /// The digests of a transaction's index and hints; empty ones when there are none to compare.
    pub(crate) fn integrity(&self, transaction: u32) -> Result<Integrity, Error> {
        let path = self.path.join(format!("integrity.{transaction}"));
        match read_small(&*self.fs, &path, 64 * 1024) {
            Ok(bytes) => Ok(Integrity::from_bytes(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Integrity::default()),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    fn open_table(&self, transaction: u32) -> Result<Table, Error> {
        let digests = self.integrity(transaction)?.index;
        Table::open(&*self.fs, &self.path.join(format!("index.{transaction}")), digests)
    }

    /// True when index and integrity of a transaction agree to the last byte: its commit was finished.
    pub(crate) fn is_proven(&self, transaction: u32) -> Result<bool, Error> {
        let table = match self.open_table(transaction) {
            Err(Error::FileIntegrity(_)) => return Ok(false),
            table => table?,
        };
        match table.verify() {
            Err(Error::FileIntegrity(_)) => Ok(false),
            verified => verified.map(|()| table.digests().last.is_some()),
        }
    }

    /// Brings index and hints from transaction `from` (or from nothing) to `committed`, and writes them.
    fn replay(&self, transaction: &mut Transaction, from: Option<u32>, committed: u32) -> Result<(), Error> {
        self.require_replay_lock()?;
        (self.options.warn)("Replaying segments. Please wait, this can take a while...");
        let start = match from.map(|from| self.replay_start(transaction, from)) {
            Some(Ok(start)) => Some(start),
            None => None,
            Some(Err(Error::FileIntegrity(_))) => return self.replay(transaction, None, committed),
            Some(Err(error)) => return Err(error),
        };
        let from = from.filter(|_| start.is_some());
        let (table, hints) = start.unwrap_or_else(|| (Table::empty(), Hints::empty(transaction.shadow_capacity())));
        transaction.activate(hints);
        *self.index_mut() = Some(Index::new(table, self.options.index_delta_entries));

        let replayed = self
            .reader
            .segments
            .each(from.map_or(0, |from| from + 1), Order::OldestFirst, |segment| {
                if segment <= committed {
                    self.replay_segment(transaction, segment)?;
                }
                Ok(segment < committed)
            })
            .and_then(|()| {
                // Segments that were compacted are gone; the hints from before know them still.
                let segments = &mut transaction.hints().segments;
                segments.keep_only(|segment| Ok(self.reader.segments.bytes(segment)?.is_some()))
            })
            .and_then(|()| self.write_auxiliary(transaction, committed));
        match replayed {
            Ok(()) => {
                transaction.reset();
                Ok(())
            }
            Err(error) => {
                self.forget(transaction);
                match error {
                    // What was replayed on is damaged: the log alone is left, and it is enough.
                    Error::FileIntegrity(_) if from.is_some() => self.replay(transaction, None, committed),
                    error => Err(error),
                }
            }
        }
    }

    fn replay_start(&self, transaction: &Transaction, from: u32) -> Result<(Table, Hints), Error> {
        let path = self.path.join(format!("hints.{from}"));
        let digests = self.integrity(from)?;
        let hints = Hints::load(&*self.fs, &path, from, digests.hints, transaction.shadow_capacity())?;
        Ok((self.open_table(from)?, hints))
    }

    fn replay_segment(&self, transaction: &mut Transaction, segment: u32) -> Result<(), Error> {
        if self.reader.segments.bytes(segment)?.is_none() {
            return Ok(()); // being removed: see `Segments::bytes`
        }
        transaction.hints().segments.touch(segment);
        self.reader.walk(segment, 0, Depth::Data, |entry| {
            self.replay_entry(transaction, segment, entry)?;
            Ok(true)
        })?;
        let bytes = self.reader.segments.bytes(segment)?.unwrap_or(0);
        transaction.hints().segments.free_if_dead(segment, bytes);
        Ok(())
    }

    /// Books one entry of the log.
    pub(crate) fn replay_entry(
        &self,
        transaction: &mut Transaction,
        segment: u32,
        entry: LogEntry,
    ) -> Result<(), Error> {
        let location = Location { segment, offset: entry.offset };
        match entry.tag {
            Tag::Commit => transaction.hints().segments.add_freeable(segment, u64::from(entry.bytes)),
            Tag::Put => {
                let before = self.find(&entry.id)?;
                if let Some(old) = before {
                    self.replay_superseded(transaction, entry, old)?;
                }
                let hints = transaction.hints();
                hints.segments.add_live(segment, 1);
                hints.quota_use += i64::from(entry.bytes);
                if let Some(index) = &mut *self.index_mut() {
                    index.insert(&entry.id, location, before);
                }
            }
            Tag::Delete => {
                transaction.hints().segments.add_freeable(segment, u64::from(entry.bytes));
                if let Some(old) = self.find(&entry.id)? {
                    self.replay_superseded(transaction, entry, old)?;
                    if let Some(index) = &mut *self.index_mut() {
                        index.remove(&entry.id);
                    }
                }
            }
        }
        self.spill_if_full(transaction)
    }

    /// The segment of a superseded PUT may be gone by compaction; then there is nothing left to book.
    fn replay_superseded(&self, transaction: &mut Transaction, entry: LogEntry, old: Location) -> Result<(), Error> {
        if self.reader.segments.bytes(old.segment)?.is_none() {
            return Ok(());
        }
        let bytes = self.reader.entry_bytes(old, &entry.id)?;
        let hints = transaction.hints();
        hints.segments.add_live(old.segment, -1);
        hints.segments.add_freeable(old.segment, u64::from(bytes));
        hints.shadow.add(&entry.id, old.segment);
        Ok(())
    }

    /// A replay writes: without a lock it is refused, with a shared one the lock is upgraded.
    pub(crate) fn require_replay_lock(&self) -> Result<(), Error> {
        match &mut *lock(&self.lock) {
            Some(held) => held.upgrade(),
            None => Err(Error::CheckNeeded(self.path.display().to_string())),
        }
    }
}
