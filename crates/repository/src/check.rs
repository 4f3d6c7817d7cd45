//! The low-level check: every entry's CRC, and the committed index against one rebuilt from the log; see `repair` for what is
//! done about defects.
//!
//! The rebuilt index goes through the same bounded delta as any other, into a temporary file. The two tables are then
//! compared in one pass each: both sum up a hash of every entry in one of 4096 places by its id, and only ids of places
//! that differ are looked up one by one. Cost: as a transaction, and 64 KiB.

use std::path::Path;
use std::time::{Duration, Instant};

use nanoprobe_crypto::Xxh64;
use nanoprobe_format::Id;
use nanoprobe_format::index::{Bucket, Location};
use nanoprobe_format::segment::{ID_HEADER_BYTES, MAGIC, Tag};

use crate::fs::{FileSystem, Native, remove_if_present};
use crate::index::{Index, Table};
use crate::local::{LocalRepository, Locking, lock};
use crate::segment_list::Order;
use crate::segment_read::Depth;
use crate::{CheckMode, CheckOptions, CheckReport, Error, Totals};

/// The `config` option that remembers how far a partial check came.
const LAST_CHECKED: &str = "last_segment_checked";
/// Places that ids are summed up in.
const PLACES: usize = 4096;

impl LocalRepository {
    pub(crate) fn check_segments(
        &self,
        options: &CheckOptions,
        report: &mut dyn FnMut(CheckReport<'_>),
    ) -> Result<bool, Error> {
        let (scratch, scratch_disk): (&Path, &dyn FileSystem) = match (&options.scratch, self.options.lock) {
            (Some(scratch), Locking::None) => (scratch, &Native),
            _ => (&self.path, &*self.fs),
        };
        if options.mode == CheckMode::Repair {
            self.require_repairable()?;
        }
        let check = Check {
            repository: self,
            scratch,
            scratch_disk,
            report,
            mode: options.mode,
            sound: true,
            salvaged: false,
            rebuilt: None,
            working: 0,
        };
        let result = check.run(options);
        for number in 0..2 {
            let path = scratch.join(check_name(number));
            remove_if_present(scratch_disk, &path).map_err(Error::io(&path))?;
        }
        result
    }

    pub(crate) fn count_totals(&self) -> Result<Totals, Error> {
        let objects = self.with_index(|index| Ok(u64::from(index.entries())))?;
        let mut transaction = lock(&self.transaction);
        let live: Vec<(u32, i64)> = if transaction.is_active() {
            transaction.hints().segments.live().collect()
        } else {
            match self.committed_transaction()? {
                Some(committed) => self.committed_hints(&mut transaction, committed)?.segments.live().collect(),
                None => Vec::new(),
            }
        };
        let mut stored_bytes = 0;
        for (segment, freeable) in live {
            let bytes = self.reader.segments.bytes(segment)?.unwrap_or(0).saturating_sub(MAGIC.len() as u64);
            stored_bytes += bytes.saturating_sub(u64::try_from(freeable).unwrap_or(0));
        }
        let stored_bytes = stored_bytes.saturating_sub(objects * ID_HEADER_BYTES as u64);
        Ok(Totals { objects, stored_bytes: Some(stored_bytes) })
    }
}

pub(crate) struct Check<'a> {
    pub(crate) repository: &'a LocalRepository,
    scratch: &'a Path,
    scratch_disk: &'a dyn FileSystem,
    report: &'a mut dyn FnMut(CheckReport<'_>),
    mode: CheckMode,
    sound: bool,
    /// Index and hints are gone, because segments were replaced.
    pub(crate) salvaged: bool,
    /// None in a partial check, which compares no index.
    rebuilt: Option<Index>,
    working: u32,
}

impl Check<'_> {
    fn run(mut self, options: &CheckOptions) -> Result<bool, Error> {
        self.information("Starting repository check");
        let current = self.current_table();
        let Some(last) = self.last_segment(current.is_some())? else {
            self.defect("This repository contains no valid data.");
            return Ok(false);
        };
        if self.mode == CheckMode::Repair {
            self.secure(last)?;
        } else if current.is_none() && self.repository.reader.last_committed()? != Some(last) {
            self.defect(&format!("No commit of transaction {last} can be read, though its index is complete."));
        }
        let partial = options.maximum_seconds > 0;
        if !partial {
            self.rebuilt = Some(Index::new(Table::empty(), self.repository.options.index_delta_entries));
        }
        self.segments(last, options)?;
        if let Some(rebuilt) = self.rebuilt.take() {
            self.information("Starting repository index check");
            if let (Some(current), false) = (current, self.salvaged) {
                self.compare(rebuilt, &current)?;
            }
        }
        let mode = if partial { "partial" } else { "full" };
        if self.mode == CheckMode::Repair && !self.sound {
            self.rebuild_index()?;
            self.information(&format!("Finished {mode} repository check, errors found and repaired."));
            return Ok(true);
        }
        if self.sound {
            self.information(&format!("Finished {mode} repository check, no problems found."));
        } else {
            self.defect(&format!("Finished {mode} repository check, errors found."));
        }
        Ok(self.sound)
    }

    /// The committed index, made good if it is damaged; `None` when that is not possible.
    fn current_table(&mut self) -> Option<Table> {
        let table = || self.repository.with_index(|index| Ok(index.table.clone())).ok();
        let current = table()?;
        match current.verify() {
            Ok(()) => Some(current),
            Err(Error::FileIntegrity(file)) if self.repository.require_exclusive().is_ok() => {
                let text = format!("Repository index missing or corrupted, trying to recover from: {file}");
                (self.repository.options.warn)(&text);
                self.repository.remove_auxiliary(None).ok()?;
                self.repository.forget(&mut lock(&self.repository.transaction));
                table()
            }
            Err(_) => None,
        }
    }

    /// The transaction to check up to.
    fn last_segment(&self, indexed: bool) -> Result<Option<u32>, Error> {
        let repository = self.repository;
        let transaction = repository.indexed_transaction()?;
        if indexed && transaction.is_some() {
            return Ok(transaction);
        }
        let committed = repository.reader.last_committed()?;
        if let Some(transaction) = transaction
            && Some(transaction) > committed
            && repository.is_proven(transaction)?
        {
            // A commit that was finished stays the newest, even when its COMMIT cannot be read any more.
            return Ok(Some(transaction));
        }
        if committed.is_some() {
            return Ok(committed);
        }
        Ok(repository.indexed_transaction()?.or(repository.reader.segments.newest()?))
    }

    fn segments(&mut self, last: u32, options: &CheckOptions) -> Result<(), Error> {
        let repository = self.repository;
        let partial = options.maximum_seconds > 0;
        let remembered = repository.config().value(LAST_CHECKED).and_then(|text| text.parse::<u32>().ok());
        let first = if partial { remembered.map_or(0, |checked| checked.saturating_add(1)) } else { 0 };
        if partial {
            self.information(&format!("skipping to segments >= {first}"));
        } else if remembered.is_some() {
            self.remember(None)?;
        }
        let end = Instant::now() + Duration::from_secs(options.maximum_seconds.min(1 << 30));
        let total = repository.reader.segments.count()?;
        let (mut done, mut checked, mut stopped) = (0, None, false);
        repository.reader.segments.each(0, Order::OldestFirst, |segment| {
            (self.report)(CheckReport::Progress { done, total });
            done += 1;
            checked = Some(segment);
            if segment < first || segment > last {
                return Ok(true);
            }
            self.segment(segment)?;
            stopped = partial && Instant::now() > end;
            Ok(!stopped)
        })?;
        let text = checked.map_or("-1".to_owned(), |segment| segment.to_string());
        if stopped {
            self.information(&format!("finished partial segment check, last segment checked is {text}"));
            self.remember(checked)
        } else {
            (self.report)(CheckReport::Progress { done: total, total });
            self.information(&format!("finished segment check at segment {text}"));
            if partial && remembered.is_some() { self.remember(None) } else { Ok(()) }
        }
    }

    fn segment(&mut self, segment: u32) -> Result<(), Error> {
        let reader = &self.repository.reader;
        match reader.walk(segment, 0, Depth::Data, |_| Ok(true)) {
            Ok(()) => {}
            Err(error @ Error::Integrity(_)) => {
                self.defect(&error.to_string());
                if self.mode == CheckMode::Examine {
                    return Ok(()); // as with Borg, nothing of a damaged segment counts
                }
                self.recover(segment)?;
            }
            Err(error) => return Err(error),
        }
        let Some(mut rebuilt) = self.rebuilt.take() else { return Ok(()) };
        reader.walk(segment, 0, Depth::Headers, |entry| {
            let before = rebuilt.find(&entry.id)?;
            match entry.tag {
                Tag::Put => rebuilt.insert(&entry.id, Location { segment, offset: entry.offset }, before),
                Tag::Delete if before.is_some() => rebuilt.remove(&entry.id),
                Tag::Delete | Tag::Commit => {}
            }
            if rebuilt.is_full() {
                self.merge(&mut rebuilt)?;
            }
            Ok(true)
        })?;
        self.rebuilt = Some(rebuilt);
        Ok(())
    }

    fn merge(&mut self, rebuilt: &mut Index) -> Result<(), Error> {
        let name = check_name(self.working);
        let merged = rebuilt.merge(self.scratch_disk, &self.scratch.join(&name), &name)?;
        rebuilt.replace(merged);
        self.working = (self.working + 1) % 2;
        Ok(())
    }

    fn compare(&mut self, mut rebuilt: Index, current: &Table) -> Result<(), Error> {
        self.merge(&mut rebuilt)?;
        let rebuilt = rebuilt.table;
        if current.header.entries == rebuilt.header.entries {
            self.information("Index object count match.");
        } else {
            self.defect("Index object count mismatch.");
            self.defect(&format!("committed index: {} objects", current.header.entries));
            self.defect(&format!("rebuilt index:   {} objects", rebuilt.header.entries));
        }
        let differs: Vec<bool> =
            sums(&rebuilt)?.iter().zip(sums(current)?).map(|(left, right)| *left != right).collect();
        if !differs.contains(&true) {
            return Ok(());
        }
        each_entry(&rebuilt, |id, location| {
            if differs[place(&id)] {
                let committed = current.find(&id)?;
                if committed != Some(location) {
                    self.difference(&id, Some(location), committed);
                }
            }
            Ok(())
        })?;
        each_entry(current, |id, location| {
            if differs[place(&id)] && rebuilt.find(&id)?.is_none() {
                self.difference(&id, None, Some(location));
            }
            Ok(())
        })
    }

    fn difference(&mut self, id: &Id, rebuilt: Option<Location>, committed: Option<Location>) {
        let text = |location: Option<Location>| match location {
            Some(Location { segment, offset }) => format!("({segment}, {offset})"),
            None => "<not found>".to_owned(),
        };
        let (rebuilt, committed) = (text(rebuilt), text(committed));
        self.defect(&format!("ID: {id} rebuilt index: {rebuilt:<16} committed index: {committed:<16}"));
    }

    fn remember(&self, checked: Option<u32>) -> Result<(), Error> {
        if self.repository.options.lock == Locking::None {
            return Ok(());
        }
        self.repository.change_config(|config| match checked {
            Some(segment) => config.set(LAST_CHECKED, &segment.to_string()),
            None => drop(config.remove(LAST_CHECKED)),
        })
    }

    pub(crate) fn information(&mut self, text: &str) {
        (self.report)(CheckReport::Information(text));
    }

    pub(crate) fn defect(&mut self, text: &str) {
        self.sound = false;
        (self.report)(CheckReport::Defect(text));
    }
}

fn check_name(number: u32) -> String {
    format!("index.check{number}.tmp")
}

fn each_entry(table: &Table, mut visit: impl FnMut(Id, Location) -> Result<(), Error>) -> Result<(), Error> {
    let Some(mut reader) = table.reader()? else { return Ok(()) };
    for _ in 0..table.header.buckets {
        let bytes = reader.take().map_err(Error::io(table.path()))?.ok_or_else(|| table.damaged())?;
        if let Bucket::Live(id, location) = Bucket::from_bytes(&bytes) {
            visit(id, location)?;
        }
    }
    Ok(())
}

/// The sums of a table's entries, whatever the order in which they stand.
fn sums(table: &Table) -> Result<Vec<u64>, Error> {
    let mut sums = vec![0_u64; PLACES];
    each_entry(table, |id, location| {
        let mut hash = Xxh64::new();
        hash.update(&Bucket::Live(id, location).to_bytes());
        let sum = &mut sums[place(&id)];
        *sum = sum.wrapping_add(hash.digest());
        Ok(())
    })?;
    Ok(sums)
}

fn place(id: &Id) -> usize {
    usize::from(u16::from_le_bytes([id.0[4], id.0[5]])) % PLACES
}
