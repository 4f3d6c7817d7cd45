//! checkpoint: what is stored so far becomes an archive of its own, so that an interrupted run is not lost.
//!
//! As Borg does it: `NAME.checkpoint` (then `.checkpoint.1` …) is committed with a manifest that lists it, and struck
//! from the manifest that the next commit writes. A file in the middle of which a checkpoint falls goes into the archive
//! as parts `PATH.borg_part_1` …, which together hold all of its chunks; the complete file follows them.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use nanoprobe_archive::{ArchiveMetadata, ItemWriter, Manifest, ManifestEntry, Stored, timestamp};
use nanoprobe_format::Id;
use nanoprobe_key::{Key, Sealer, SecurityDirectory};
use nanoprobe_repository::Repository;

use super::{
    Created, Options, Statistics,
    store::{Open, Store},
    totals::RunningTotals,
};
use crate::{Error, Event};

/// Saves archives: checkpoints and, at the end, the archive itself.
pub(super) struct Checkpoints<'a> {
    pub options: &'a Options,
    pub repository: &'a dyn Repository,
    pub key: &'a Key,
    pub sealer: &'a Sealer,
    pub manifest: &'a mut Manifest,
    pub security: &'a SecurityDirectory,
    pub totals: RunningTotals<'a>,
    started: Instant,
    last: Instant,
    /// Number of the next part of the file at hand, from one.
    part: u64,
    /// The first of its chunks that is in no part yet.
    from: usize,
    /// Sums over files that were stored in parts.
    parts: Statistics,
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(
        options: &'a Options,
        repository: &'a dyn Repository,
        key: &'a Key,
        sealer: &'a Sealer,
        manifest: &'a mut Manifest,
        security: &'a SecurityDirectory,
        totals: RunningTotals<'a>,
    ) -> Self {
        let (started, last) = (Instant::now(), Instant::now());
        let parts = Statistics::default();
        Self { options, repository, key, sealer, manifest, security, totals, started, last, part: 1, from: 0, parts }
    }

    /// Stores the archive under `name`, and commits.
    pub(super) fn save(
        &mut self,
        name: &str,
        comment: &str,
        items: &mut ItemWriter<'_>,
        statistics: &Statistics,
    ) -> Result<Created, Error> {
        let ids = items.flush(self.repository)?.to_vec();
        let duration = self.started.elapsed();
        let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).microseconds();
        let (start, end) = match self.options.timestamp.and_then(|time| Timestamp::from_microsecond(time).ok()) {
            Some(start) => (start, start.saturating_add(microseconds).unwrap_or(start)),
            None => {
                let end = Timestamp::now();
                (end.saturating_sub(microseconds).unwrap_or(end), end)
            }
        };
        let here = std::env::current_dir().map_err(Error::local("find", "."))?;
        let metadata = ArchiveMetadata {
            name: name.to_owned(),
            comment: comment.to_owned(),
            command_line: self.options.command_line.clone(),
            working_directory: Some(nanoprobe_archive::text::decode(here.as_os_str().as_encoded_bytes())),
            hostname: self.options.hostname.clone(),
            username: self.options.username.clone(),
            time: timestamp::format(start),
            time_end: timestamp::format(end),
            chunker_params: Some(self.options.chunker),
            items: ids,
            size_bytes: Some(statistics.original_bytes),
            csize_bytes: Some(statistics.compressed_bytes),
            files: Some(statistics.files),
            size_parts_bytes: Some(self.parts.original_bytes),
            csize_parts_bytes: Some(self.parts.compressed_bytes),
            files_parts: Some(self.parts.files),
            ..ArchiveMetadata::default()
        };
        let compression = &self.options.compression;
        let stored = metadata.store_compressed(self.repository, self.key, self.sealer, compression)?;
        let Stored { id, stored_bytes, .. } = stored;
        self.manifest.insert(ManifestEntry { name: name.to_owned(), id, time: metadata.time.clone() });
        self.manifest.store(self.repository, self.key, self.sealer)?;
        self.repository.commit()?;
        self.security.save(self.key, self.manifest.timestamp())?;
        self.totals.committed(self.key, self.manifest, statistics, &items.statistics(), &stored);
        Ok(Created { id, stored_bytes, metadata, duration })
    }

    /// The file at hand is complete; if parts of it are stored, they count.
    pub(super) fn file_ends(&mut self, open: &Open) {
        if self.part > 1 {
            self.parts.files += self.part - 1;
            self.parts.original_bytes += open.chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>();
            self.parts.compressed_bytes += open.chunks.iter().map(|chunk| u64::from(chunk.csize)).sum::<u64>();
        }
    }

    /// Number of the part that the rest of the file at hand has to go into, if there are parts of it.
    pub(super) fn last_part(&self, open: Option<&Open>) -> Option<u64> {
        let rest = open.is_some_and(|open| open.chunks.len() > self.from);
        (self.part > 1 && rest).then_some(self.part)
    }

    /// The next file has no parts yet.
    pub(super) fn abandon_parts(&mut self) {
        (self.part, self.from) = (1, 0);
    }

    /// The time has come, or the repository can hold no more that is not committed.
    fn is_due(&self) -> bool {
        let interval = self.options.checkpoint_interval;
        interval > Duration::ZERO && (self.last.elapsed() > interval || self.repository.wants_commit())
    }

    /// The first name of a checkpoint that is free.
    fn name(&self) -> String {
        let name = &self.options.name;
        let numbered = (1..).map(|number| format!("{name}.checkpoint.{number}"));
        let mut names = std::iter::once(format!("{name}.checkpoint")).chain(numbered);
        names.find(|name| self.manifest.archive(name).is_none()).unwrap_or_default()
    }
}

impl Store<'_> {
    /// Makes a checkpoint when the time has come.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<(), Error> {
        if self.checkpoints.is_due() { self.checkpoint().map(drop) } else { Ok(()) }
    }

    /// Makes a checkpoint now: commits all that is stored.
    pub(super) fn checkpoint(&mut self) -> Result<Id, Error> {
        let part = self.checkpoints.part;
        if self.item.as_ref().is_some_and(|item| item.chunks.len() > self.checkpoints.from) {
            self.write_part(part)?;
        }
        let name = self.checkpoints.name();
        let created = self.checkpoints.save(&name, "", &mut self.items, &self.statistics)?;
        self.checkpoints.manifest.remove(&name);
        self.repository.delete(&created.id)?;
        self.checkpoint_caches();
        self.checkpoints.last = Instant::now();
        Ok(created.id)
    }

    /// The run was interrupted: leaves a checkpoint.
    pub(super) fn interrupted(mut self) -> Result<(), Error> {
        self.monitor.event(Event::Information("checkpoint requested: starting checkpoint creation..."));
        self.checkpoint()?;
        self.monitor.event(Event::Information("checkpoint requested: finished checkpoint creation!"));
        Ok(())
    }

    /// Emits the chunks of the file at hand that are in no part yet.
    pub(super) fn write_part(&mut self, part: u64) -> Result<(), Error> {
        let Some(open) = &self.item else { return Ok(()) };
        let chunks = open.chunks.get(self.checkpoints.from..).unwrap_or_default();
        let path = [open.span(open.entry.path), format!(".borg_part_{part}").as_bytes()].concat();
        self.items.write(&open.item(chunks, Some(&path), Some(part)), self.repository)?;
        self.checkpoints.totals.referenced(chunks.len());
        self.checkpoints.from = open.chunks.len();
        self.checkpoints.part = part + 1;
        Ok(())
    }
}
