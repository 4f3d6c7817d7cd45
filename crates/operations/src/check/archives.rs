//! Every archive: its metadata, its items, and whether the chunks they refer to are there.
//!
//! The mark pass goes over all item streams and reads what archives share once. Only an archive in which it met something is read
//! on its own, to tell what, and, by a repair, written anew (`rewrite.rs`).

use std::path::Path;

use nanoprobe_archive::{ArchiveMetadata, Error as ArchiveError, Manifest, ManifestEntry};
use nanoprobe_key::Key;
use nanoprobe_repository::Repository;

use super::{
    Options, chunks,
    damage::{describe_archive, is_damage, is_item_damage},
    findings::Findings,
    items::RobustItems,
    orphans::{References, Unused},
    rewrite::Rewriter,
    slice::{Next, Slice},
    survey::{Collector, Survey},
};
use crate::{
    Budget, Error, Event, Interrupt,
    mark::{Mark, Objects, Position, Visitor},
    select::SortKey,
};

const OPERATION: &str = "check.rebuild_refcounts";

/// Checks archives, one after another.
pub(super) struct ArchiveCheck<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) key: &'a Key,
    pub(super) findings: &'a Findings<'a>,
    pub(super) budget: Budget,
    pub(super) scratch: &'a Path,
    pub(super) slice: &'a Slice,
    pub(super) interrupt: &'a Interrupt,
    /// For a repair.
    pub(super) rewriter: Option<Rewriter<'a>>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Checked {
    /// A repair changed something.
    pub(super) changed: bool,
    /// Where the next slice begins.
    pub(super) next: Next,
}

/// What became of an archive.
enum Fate {
    /// It stays as it is.
    Stays,
    /// It was written anew.
    Rewritten(ManifestEntry),
    /// Nothing can be read of it.
    Lost,
    /// Time is up; it is looked at from there on the next time.
    Unfinished(Position),
}

impl<'a> ArchiveCheck<'a> {
    /// Checks the archives that `options` asks for, and looks for orphans when these are all.
    pub(super) fn run(&mut self, manifest: &mut Manifest, options: &Options) -> Result<Checked, Error> {
        let is_all = options.archive.is_none() && !options.selection.is_partial() && self.slice.is_whole();
        let Some(archives) = self.choose(manifest, options) else {
            self.skip_orphans();
            return Ok(Checked::default());
        };
        let references = is_all.then(|| References::new(self.scratch, self.budget));
        let mut survey = Survey { repository: self.repository, references, is_troubled: false };
        let mut walk = self.walk();
        let (total, mut changed, mut next) = (archives.len() as u64, false, Next::Beginning);
        let (first, mut from) = self.first(&archives);
        for (number, entry) in archives.iter().enumerate().skip(first) {
            if number > first && self.slice.is_over() {
                next = Next::Archive(entry.clone(), Position::default());
                break;
            }
            let (done, information) = (number as u64, entry.name.as_bytes());
            self.findings.monitor.event(Event::Progress { operation: OPERATION, done, total, information });
            self.findings.information(&format!("Analyzing archive {} ({}/{total})", entry.name, number + 1));
            match self.check_archive(entry, std::mem::take(&mut from), &mut walk, &mut survey)? {
                Fate::Stays => {}
                Fate::Rewritten(entry) => {
                    manifest.insert(entry);
                    changed = true;
                }
                Fate::Lost => {
                    manifest.remove(&entry.name);
                    changed = true;
                }
                Fate::Unfinished(position) => {
                    next = Next::Archive(entry.clone(), position);
                    break;
                }
            }
            if self.rewriter.is_none() && number + 1 < archives.len() {
                // A power cut costs no more than one archive.
                self.slice.save(&Next::Archive(archives[number + 1].clone(), Position::default()))?;
            }
        }
        self.findings.monitor.event(Event::ProgressFinished { operation: OPERATION });
        if let Next::Archive(entry, _) = &next {
            self.findings.information(&format!("Time is up: the next check goes on with archive {}.", entry.name));
        }
        match survey.references.filter(|_| next == Next::Beginning) {
            Some(references) => changed |= self.finish(manifest, references, changed)?,
            None => self.skip_orphans(),
        }
        Ok(Checked { changed, next })
    }

    /// The archive that a slice begins with, and where in it.
    fn first(&self, archives: &[ManifestEntry]) -> (usize, Position) {
        let Next::Archive(wanted, position) = &self.slice.start else { return Default::default() };
        match archives.iter().position(|entry| entry.id == wanted.id) {
            Some(first) => (first, *position),
            None => {
                let order = |entry: &ManifestEntry| (entry.time.clone(), entry.name.clone());
                let behind = archives.iter().position(|entry| order(entry) >= order(wanted));
                (behind.unwrap_or(0), Position::default())
            }
        }
    }

    /// `None` when the one archive that was asked for is not there.
    fn choose(&self, manifest: &Manifest, options: &Options) -> Option<Vec<ManifestEntry>> {
        if let Some(name) = &options.archive {
            let found = manifest.archive(name);
            if found.is_none() {
                self.findings.defect(&format!("Archive '{name}' not found."));
            }
            return found.map(|entry| vec![entry.clone()]);
        }
        let mut selection = options.selection.clone();
        if selection.sort_by.is_empty() {
            selection.sort_by.push(SortKey::Timestamp);
        }
        let archives: Vec<_> = selection.apply(manifest.archives()).into_iter().cloned().collect();
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

    fn check_archive(
        &mut self,
        entry: &ManifestEntry,
        from: Position,
        walk: &mut Mark<'a, Objects<'a>, Survey<'a>>,
        survey: &mut Survey<'a>,
    ) -> Result<Fate, Error> {
        let Some(metadata) = self.open(entry)? else {
            // It is known what this object is.
            survey.references.as_mut().map_or(Ok(()), |references| references.superseded(&entry.id))?;
            return Ok(Fate::Lost);
        };
        if let Some(references) = &mut survey.references {
            references.used(&entry.id)?;
        }
        survey.is_troubled = false;
        let slice = self.slice;
        let mut steps = 0;
        // However short the slice, it comes a step further.
        let mut enough = || std::mem::replace(&mut steps, 1) > 0 && slice.is_over();
        match walk.walk_part(&metadata.items, from, &mut enough, survey) {
            _ if survey.is_troubled => {}
            Ok(Some(position)) => return Ok(Fate::Unfinished(position)),
            Ok(None) => return Ok(Fate::Stays),
            Err(error) if is_item_damage(&error) => {}
            Err(error) => return Err(error),
        }
        if let Some(references) = &mut survey.references {
            // The walk may have ended early.
            metadata.items.iter().try_for_each(|id| references.used(id))?;
        }
        if !self.examine(entry, &metadata, &mut survey.references)? {
            return Ok(Fate::Stays);
        }
        let Some(rewriter) = &mut self.rewriter else { return Ok(Fate::Stays) };
        if let Some(references) = &mut survey.references {
            references.superseded(&entry.id)?;
            metadata.items.iter().try_for_each(|id| references.superseded(id))?;
        }
        rewriter.rewrite(entry, metadata).map(Fate::Rewritten)
    }

    /// The archive's metadata; `None` when it cannot be had, which is told.
    fn open(&self, entry: &ManifestEntry) -> Result<Option<ArchiveMetadata>, Error> {
        let Self { repository, key, findings, .. } = self;
        if repository.stored_bytes(&entry.id)?.is_none() {
            findings.defect(&format!("Archive metadata block {} is missing!", entry.id));
            return Ok(None);
        }
        let opened = ArchiveMetadata::open(*repository, key, &mut key.opener(), &entry.id)
            .and_then(|metadata| metadata.require_authentic(key).map(|()| metadata));
        match opened {
            Ok(metadata) => return Ok(Some(metadata)),
            Err(error @ (ArchiveError::ArchiveTamInvalid | ArchiveError::ArchiveUnauthenticated(_))) => {
                let name = &entry.name;
                findings.defect(&format!("Archive TAM authentication issue for archive {name}: {error}"));
                findings.defect(findings.remedy(
                    "This archive would be *removed* / *deleted* when using --repair!",
                    "This archive will be *removed* from the manifest! It will be deleted.",
                ));
            }
            Err(error) if is_damage(&error) => {
                let reason = describe_archive(&error);
                findings.defect(&format!("Archive metadata block {} is corrupted: {reason}", entry.id));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    /// Reads one archive on its own and tells what there is to tell; gives whether a repair has something to change.
    fn examine(
        &self,
        entry: &ManifestEntry,
        metadata: &ArchiveMetadata,
        references: &mut Option<References<'_>>,
    ) -> Result<bool, Error> {
        let Self { repository, key, findings, budget, interrupt, .. } = *self;
        let mut items = RobustItems::new(repository, key, findings, budget.item_bytes());
        let mut changes = false;
        let has_gaps = items.read(&metadata.items, &mut |item| {
            if interrupt.requested() {
                return Err(Error::Interrupted);
            }
            changes |= chunks::examine(repository, findings, &entry.name, item, references)?;
            Ok(())
        })?;
        Ok(changes | has_gaps)
    }

    /// A walk over item streams that reads what they share once.
    fn walk<V: Visitor>(&self) -> Mark<'a, Objects<'a>, V> {
        let objects = Objects::of(self.repository, self.key);
        Mark::new(objects, self.budget.memo_bytes(), self.budget.item_bytes(), Some(self.interrupt))
    }

    fn skip_orphans(&self) {
        self.findings.information("Orphaned objects check skipped (needs all archives checked).");
    }

    /// Looks for orphans; a repair deletes them, and what it superseded. Gives whether something was deleted.
    fn finish(&self, manifest: &Manifest, references: References<'a>, changed: bool) -> Result<bool, Error> {
        let mut references = references;
        if changed {
            references = self.collect(manifest, references)?;
        }
        let is_repair = self.rewriter.is_some();
        let Unused { orphans, superseded } = references.unused(self.repository, &mut |id| match is_repair {
            true => Ok(self.repository.delete(id)?),
            false => Ok(()),
        })?;
        if orphans > 0 {
            self.findings.defect(&format!("{orphans} orphaned objects found!"));
        }
        let is_deleted = is_repair && orphans + superseded > 0;
        if is_deleted {
            self.findings.information(&format!("Deleting {orphans} orphaned and {superseded} superseded objects..."));
            self.findings.information("Finished deleting orphaned/superseded objects.");
        }
        Ok(is_deleted)
    }

    /// What the archives refer to after a repair. Nothing is deleted unless all of it can be read.
    fn collect(&self, manifest: &Manifest, mut references: References<'a>) -> Result<References<'a>, Error> {
        references.forget_used();
        let mut collector = Collector { references };
        let mut walk = self.walk();
        for entry in manifest.archives() {
            let metadata = ArchiveMetadata::open(self.repository, self.key, &mut self.key.opener(), &entry.id)?;
            collector.references.used(&entry.id)?;
            walk.walk(&metadata.items, &mut collector)?;
        }
        Ok(collector.references)
    }
}
