//! Every archive: its metadata, its items, and whether the chunks they refer to are there.

use std::path::Path;

use nanoprobe_archive::{ArchiveMetadata, Error as ArchiveError, Manifest, ManifestEntry};
use nanoprobe_format::{ChunkRef, Id, item::Item};
use nanoprobe_key::Key;
use nanoprobe_repository::Repository;

use super::{
    Options,
    damage::{describe_archive, is_damage},
    findings::Findings,
    items::RobustItems,
    orphans::References,
};
use crate::{Budget, Error, Event, Interrupt, select::SortKey};

const OPERATION: &str = "check.rebuild_refcounts";

/// Checks archives, one after another.
pub(super) struct ArchiveCheck<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    findings: &'a Findings<'a>,
    budget: Budget,
    scratch: &'a Path,
}

impl<'a> ArchiveCheck<'a> {
    pub(super) fn new(
        repository: &'a dyn Repository,
        key: &'a Key,
        findings: &'a Findings<'a>,
        budget: Budget,
        scratch: &'a Path,
    ) -> Self {
        Self { repository, key, findings, budget, scratch }
    }

    /// Checks the archives that `options` asks for, and looks for orphans when these are all.
    pub(super) fn run(&mut self, manifest: &Manifest, options: &Options, interrupt: &Interrupt) -> Result<(), Error> {
        let is_all = options.archive.is_none() && !options.selection.is_partial();
        let Some(archives) = self.choose(manifest, options) else {
            self.finish(None)?;
            return Ok(());
        };
        let mut references = is_all.then(|| References::new(self.scratch, self.budget));
        let mut items = RobustItems::new(self.repository, self.key, self.findings, self.budget.item_bytes());
        let total = archives.len() as u64;
        for (number, entry) in archives.into_iter().enumerate() {
            let done = number as u64;
            let information = entry.name.as_bytes();
            self.findings.monitor.event(Event::Progress { operation: OPERATION, done, total, information });
            self.findings.information(&format!("Analyzing archive {} ({}/{total})", entry.name, number + 1));
            self.check_archive(entry, &mut items, &mut references, interrupt)?;
        }
        self.findings.monitor.event(Event::ProgressFinished { operation: OPERATION });
        self.finish(references)
    }

    /// `None` when the one archive that was asked for is not there.
    fn choose<'m>(&self, manifest: &'m Manifest, options: &Options) -> Option<Vec<&'m ManifestEntry>> {
        if let Some(name) = &options.archive {
            let found = manifest.archive(name);
            if found.is_none() {
                self.findings.defect(&format!("Archive '{name}' not found."));
            }
            return found.map(|entry| vec![entry]);
        }
        let mut selection = options.selection.clone();
        if selection.sort_by.is_empty() {
            selection.sort_by.push(SortKey::Timestamp);
        }
        let archives = selection.apply(manifest.archives());
        let prefixed = selection.prefix.map(|prefix| format!("{prefix}*"));
        if let Some(glob) = prefixed.or(selection.glob)
            && archives.is_empty()
        {
            self.findings.remark(&format!("--glob-archives {glob} does not match any archives"));
        }
        for (option, count) in [("--first", selection.first), ("--last", selection.last)] {
            if let Some(count) = count
                && archives.len() < count
            {
                self.findings.remark(&format!("{option} {count} archives: only found {} archives", archives.len()));
            }
        }
        Some(archives)
    }

    fn finish(&self, references: Option<References<'_>>) -> Result<(), Error> {
        let Some(references) = references else {
            self.findings.information("Orphaned objects check skipped (needs all archives checked).");
            return Ok(());
        };
        let orphans = references.count_orphans(self.repository)?;
        if orphans > 0 {
            self.findings.defect(&format!("{orphans} orphaned objects found!"));
        }
        Ok(())
    }

    fn check_archive(
        &self,
        entry: &ManifestEntry,
        items: &mut RobustItems<'_>,
        references: &mut Option<References<'_>>,
        interrupt: &Interrupt,
    ) -> Result<(), Error> {
        if self.repository.stored_bytes(&entry.id)?.is_none() {
            self.findings.defect(&format!("Archive metadata block {} is missing!", entry.id));
            return Ok(());
        }
        let mut refer = |id: &Id| references.as_mut().map_or(Ok(()), |references| references.add(id));
        refer(&entry.id)?;
        let opened = ArchiveMetadata::open(self.repository, self.key, &mut self.key.opener(), &entry.id)
            .and_then(|metadata| metadata.require_authentic(self.key).map(|()| metadata));
        let metadata = match opened {
            Ok(metadata) => metadata,
            Err(error @ (ArchiveError::ArchiveTamInvalid | ArchiveError::ArchiveUnauthenticated(_))) => {
                let name = &entry.name;
                self.findings.defect(&format!("Archive TAM authentication issue for archive {name}: {error}"));
                self.findings.defect("This archive would be *removed* / *deleted* when using --repair!");
                return Ok(());
            }
            Err(error) if is_damage(&error) => {
                self.findings.defect(&format!(
                    "Archive metadata block {} is corrupted: {}",
                    entry.id,
                    describe_archive(&error)
                ));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        metadata.items.iter().try_for_each(&mut refer)?;
        items.read(&metadata.items, &mut |item| {
            if interrupt.requested() {
                return Err(Error::Interrupted);
            }
            self.check_chunks(&entry.name, item, &mut refer)
        })
    }

    fn check_chunks(
        &self,
        archive: &str,
        item: &Item<'_>,
        refer: &mut dyn FnMut(&Id) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(current) = item.chunks else { return Ok(()) };
        let path = String::from_utf8_lossy(item.path);
        let healthy = match item.chunks_healthy {
            Some(healthy) if healthy.len() != current.len() => {
                self.findings.remark(&format!(
                    "{archive}: {path}: Invalid chunks_healthy metadata would be removed with --repair!"
                ));
                None
            }
            healthy => healthy,
        };
        let (mut offset, mut is_healed) = (0u64, healthy.is_some());
        for (current, healthy) in current.iter().zip(healthy.unwrap_or(current).iter()) {
            let chosen = self.check_chunk(&format_args!("{archive}: {path}"), &current, &healthy, offset)?;
            if let Some(chosen) = &chosen {
                refer(&chosen.id)?;
            }
            // The replacement may be an orphan then, but one that is known.
            if chosen == Some(healthy) && current != healthy {
                refer(&current.id)?;
            }
            is_healed &= chosen == Some(healthy);
            offset += u64::from(healthy.size);
        }
        if is_healed {
            self.findings.information(&format!("{archive}: {path}: Would completely heal damaged file with --repair!"));
        }
        if let Some(size) = item.size
            && size != offset
        {
            self.findings
                .remark(&format!("{archive}: {path}: size inconsistency detected: size {size}, chunks size {offset}"));
        }
        Ok(())
    }

    /// Looks for one chunk; gives the one that stays in the item's list, `None` when a repair would have to make it.
    fn check_chunk(
        &self,
        place: &std::fmt::Arguments<'_>,
        current: &ChunkRef,
        healthy: &ChunkRef,
        offset: u64,
    ) -> Result<Option<ChunkRef>, Error> {
        let range =
            |chunk: &ChunkRef| format!("(Byte {offset}-{}, Chunk {})", offset + u64::from(chunk.size), chunk.id);
        let is_there = |chunk: &ChunkRef| Ok::<_, Error>(self.repository.stored_bytes(&chunk.id)?.is_some());
        if is_there(healthy)? {
            if current != healthy {
                let range = range(healthy);
                self.findings
                    .information(&format!("{place}: Missing file chunk would be healed with --repair! {range}"));
            }
            return Ok(Some(*healthy));
        }
        if current == healthy {
            self.findings.defect(&format!(
                "{place}: New missing file chunk detected {}. Would replace it with all-zero chunk with --repair.",
                range(healthy)
            ));
            return Ok(None);
        }
        self.findings.information(&format!(
            "{place}: Previously missing file chunk is still missing {}. It has an all-zero replacement chunk already.",
            range(healthy)
        ));
        if is_there(current)? {
            return Ok(Some(*current));
        }
        // As a warning, yet it fails the check.
        self.findings.fail();
        self.findings.remark(&format!(
            "{place}: Missing all-zero replacement chunk detected {}. Would generate new replacement chunk with --repair.",
            range(current)
        ));
        Ok(None)
    }
}
