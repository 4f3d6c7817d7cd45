//! `delete`: archives, and with them every object that nothing else refers to. There is no table of references to keep:
//! what the archives say is asked when it matters.
//!
//! 1. What the archives to be deleted refer to becomes a candidate (`collect.rs`, `candidates.rs`).
//! 2. What an archive that stays refers to is struck out (`strike.rs`).
//! 3. The archives to be deleted are read once more, and what was not struck out is deleted (`remove.rs`); their own metadata
//!    comes last, since it is what is read.
//! 4. The manifest without them is stored, and all of it is one transaction.
//!
//! Candidates that do not fit into memory get a round of their own: 1 to 3 again. When pass 1 takes longer than the checkpoint
//! interval, the archives it has seen go first, and the others, until then as good as those that stay, in a transaction of
//! their own: whenever it is interrupted, an archive is whole or gone with all it needed alone. An archive that stays and cannot
//! be read ends everything before anything is changed. What is not certain stays: at worst an object stays that nobody needs,
//! which `check` finds.
//!
//! RAM: candidates, a memo, and the list of kept metadata chunks, each a fixed part of the budget; the rest is disk.

mod candidates;
mod collect;
mod known;
mod remove;
pub mod repository;
mod strike;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use nanoprobe_archive::{ArchiveMetadata, ManifestEntry, RepositoryTotals};
use nanoprobe_format::Id;

pub(crate) use self::known::KnownChunks;
use self::{
    candidates::{Candidates, Fate, Reference},
    collect::{Collector, Sums, metadata_candidate},
    remove::{Removed, Remover},
};
use crate::{
    Error, Event, Interrupt, Monitor, Session,
    check::damage::is_item_damage,
    mark::{Chunk, Mark, Objects, Source},
    select::PartFiles,
};

/// What is done about damage in an archive to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// It ends the operation.
    #[default]
    No,
    /// The archive goes; what it needed alone and could not be found out stays.
    Yes,
}

/// How to delete.
#[derive(Clone, Copy, Debug)]
pub struct DeleteOptions {
    /// `--force`
    pub force: Force,
    /// When finding out what the archives refer to takes longer, those that were seen go in a transaction of their own, before
    /// the rest; zero: never. Nor is it done when deletion is forced.
    pub checkpoint_interval: Duration,
    /// Whether part files count in the figures.
    pub part_files: PartFiles,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Plain size of all references that went, metadata included.
    pub size_bytes: u64,
    /// Stored size of the same.
    pub csize_bytes: u64,
    /// Stored size of the objects that went.
    pub deduplicated_bytes: u64,
}

/// Deletes the archives of these names, which must exist, and commits.
pub fn delete(
    session: &mut Session,
    names: &[&str],
    options: &DeleteOptions,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Deleted, Error> {
    let mut plan = Plan::new(session, names)?;
    let (mut sums, mut removed) = (Sums::default(), Removed::default());
    while !plan.deleted.is_empty() {
        let totals = RepositoryTotals::load(&session.cache, &session.key, session.manifest.archives());
        let outcome = run(session, &mut plan, options, monitor, interrupt).inspect_err(|_| {
            // What failed counts; that nothing was changed shows when the repository is opened anew.
            let _ = session.repository.rollback();
        })?;
        if outcome.damaged {
            monitor.event(Event::Remark("forced deletion succeeded, but the deleted archive was corrupted."));
            monitor.event(Event::Remark("borg check --repair is required to free all space."));
        } else if let Some(totals) = totals {
            // A file that cannot be written is of an older set of archives, so that it says nothing.
            let totals = remaining(totals, &outcome.sums, &outcome.removed);
            let _ = totals.save(&session.cache, &session.key, session.manifest.archives());
        }
        sums.add(&outcome.sums);
        removed.add(&outcome.removed);
        plan.next();
    }
    let (mut size_bytes, mut csize_bytes) =
        (sums.size_bytes + sums.metadata_size_bytes, sums.csize_bytes + sums.metadata_csize_bytes);
    if options.part_files == PartFiles::Consider {
        size_bytes += sums.size_parts_bytes;
        csize_bytes += sums.csize_parts_bytes;
    }
    Ok(Deleted { size_bytes, csize_bytes, deduplicated_bytes: removed.deduplicated_bytes })
}

/// Takes archives out of the manifest without looking at them (`--force --force`), and commits; what they alone referred to
/// stays.
pub fn forget(session: &mut Session, names: &[&str]) -> Result<(), Error> {
    for name in names {
        session.manifest.remove(name);
    }
    session.commit_manifest()
}

/// Archives take the places of others, in one transaction: of each pair the first becomes the second.
pub(crate) fn replace(
    session: &mut Session,
    pairs: &[(String, String)],
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let replaced = try_replace(session, pairs, monitor, interrupt);
    if replaced.is_err() {
        // The failure itself is what counts.
        let _ = session.repository.rollback();
    }
    replaced
}

fn try_replace(
    session: &mut Session,
    pairs: &[(String, String)],
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let gone: Vec<&str> = pairs.iter().flat_map(|(new, old)| [new.as_str(), old.as_str()]).collect();
    let mut plan = Plan::new(session, &gone)?;
    let Session { repository, key, sealer, manifest, .. } = &*session;
    for (new, old) in pairs {
        let Some(entry) = manifest.archive(new) else { return Err(Error::NoSuchArchive(new.clone())) };
        let mut metadata = ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id)?;
        old.clone_into(&mut metadata.name);
        let stored = metadata.store(&**repository, key, sealer)?;
        plan.added.push(ManifestEntry { name: old.clone(), id: stored.id, time: metadata.time });
    }
    plan.kept.extend(plan.added.iter().cloned());
    let options = DeleteOptions { force: Force::No, checkpoint_interval: Duration::ZERO, part_files: PartFiles::Skip };
    run(session, &mut plan, &options, monitor, interrupt).map(drop)
}

/// Whether anything but its own archive needs an archive's object.
pub(crate) fn is_needed(
    session: &Session,
    id: &Id,
    name: &str,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<bool, Error> {
    let mut candidates = Candidates::new(0);
    candidates.insert(id, Reference::Metadata);
    let others = session.manifest.archives().iter().filter(|entry| entry.name != name);
    strike::strike(session, &others.cloned().collect::<Vec<_>>(), &mut candidates, monitor, interrupt)?;
    Ok(candidates.take_metadata(id) == Fate::Stays)
}

/// Which archives go and which stay.
struct Plan {
    /// Those of the next transaction.
    deleted: Vec<ManifestEntry>,
    /// Those of later ones.
    waiting: Vec<ManifestEntry>,
    /// How many are gone.
    gone: usize,
    kept: Vec<ManifestEntry>,
    /// Those of the kept that the manifest does not list yet.
    added: Vec<ManifestEntry>,
}

struct Outcome {
    sums: Sums,
    removed: Removed,
    damaged: bool,
}

impl Plan {
    fn new(session: &Session, names: &[&str]) -> Result<Self, Error> {
        if let Some(name) = names.iter().find(|name| session.manifest.archive(name).is_none()) {
            return Err(Error::NoSuchArchive((*name).to_owned()));
        }
        let archives = session.manifest.archives().iter().cloned();
        let (deleted, kept) = archives.partition(|entry| names.contains(&entry.name.as_str()));
        Ok(Self { deleted, waiting: Vec::new(), gone: 0, kept, added: Vec::new() })
    }

    /// After a transaction.
    fn next(&mut self) {
        self.gone += self.deleted.len();
        self.deleted = std::mem::take(&mut self.waiting);
    }

    /// What must stay whole in this transaction.
    fn staying(&self) -> Vec<ManifestEntry> {
        [&self.kept[..], &self.waiting].concat()
    }

    /// Whether so many archives are enough for this transaction. Each costs a pass over all that stays, so it takes as many as
    /// are gone at least: there are few of them, however short the interval is.
    fn is_enough(&self, archives: usize, started: Instant, options: &DeleteOptions) -> bool {
        let interval = options.checkpoint_interval;
        let divides = interval > Duration::ZERO && options.force == Force::No;
        divides && archives >= self.gone && started.elapsed() >= interval
    }
}

/// Passes and rounds, to the commit. What is to wait for another transaction shows in the plan.
fn run(
    session: &mut Session,
    plan: &mut Plan,
    options: &DeleteOptions,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    let mut kept = KnownChunks::new(session.budget.kept_bytes());
    list_kept(session, plan, &mut kept, interrupt)?;
    let mut candidates = Candidates::new(session.budget.candidate_bytes());
    let mut remover = Remover::new(session, options)?;
    let mut sums = None;
    let mut damaged = false;
    let started = Instant::now();
    loop {
        // In later rounds it is the same archives.
        let is_enough = |archives| sums.is_none() && plan.is_enough(archives, started, options);
        let collected = collect(session, plan, options, &kept, &mut candidates, interrupt, &is_enough)?;
        plan.waiting.extend(plan.deleted.drain(collected.archives..));
        sums.get_or_insert(collected.sums);
        damaged |= collected.damaged;
        if !candidates.is_empty() {
            strike::strike(session, &plan.staying(), &mut candidates, monitor, interrupt)?;
            remover.remove(session, plan, &kept, &mut candidates, monitor)?;
        }
        if !candidates.next_round() {
            break;
        }
    }
    let (removed, missing) = remover.finish(session, plan)?;
    Ok(Outcome { sums: sums.unwrap_or_default(), removed, damaged: damaged || missing })
}

/// What the archives that stay list.
fn list_kept(session: &Session, plan: &Plan, kept: &mut KnownChunks, interrupt: &Interrupt) -> Result<(), Error> {
    let mut opener = session.key.opener();
    for entry in &plan.kept {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        kept.insert(&entry.id);
        let metadata = ArchiveMetadata::open(&*session.repository, &session.key, &mut opener, &entry.id)
            .map_err(|error| strike::kept_archive_failed(entry, error.into()))?;
        metadata.items.iter().for_each(|id| kept.insert(id));
    }
    Ok(())
}

/// What pass 1 came to.
struct Collected {
    /// How many of the archives to be deleted, from the first on.
    archives: usize,
    /// Figures of all references.
    sums: Sums,
    damaged: bool,
}

/// Pass 1, until so many archives are enough.
fn collect(
    session: &Session,
    plan: &Plan,
    options: &DeleteOptions,
    kept: &KnownChunks,
    candidates: &mut Candidates,
    interrupt: &Interrupt,
    is_enough: &dyn Fn(usize) -> bool,
) -> Result<Collected, Error> {
    let Session { repository, key, budget, .. } = session;
    let mut mark = Mark::new(Objects::new(session), budget.memo_bytes(), budget.item_bytes(), Some(interrupt));
    let DeleteOptions { force, part_files, .. } = *options;
    let mut collector = Collector { candidates, kept, sums: Sums::default(), force, part_files, damaged: false };
    let (mut opener, mut objects, mut data) = (key.opener(), Objects::new(session), Vec::new());
    let mut archives = 0;
    for entry in &plan.deleted {
        if archives > 0 && is_enough(archives) {
            break;
        }
        let metadata = ArchiveMetadata::open(&**repository, key, &mut opener, &entry.id)?;
        let csize = objects.fetch(&entry.id, &mut data)?;
        collector.sums.metadata(&Chunk { id: entry.id, size: data.len() as u32, csize });
        metadata_candidate(collector.candidates, kept, &entry.id);
        metadata.items.iter().for_each(|id| metadata_candidate(collector.candidates, kept, id));
        let walked = mark.walk(&metadata.items, &mut collector);
        collector.damaged |= tolerated(walked, force)?;
        archives += 1;
    }
    Ok(Collected { archives, sums: collector.sums, damaged: collector.damaged })
}

/// Whether an archive's stream could not be read to its end, where that is not the end of everything.
fn tolerated(walked: Result<(), Error>, force: Force) -> Result<bool, Error> {
    match walked {
        Ok(()) => Ok(false),
        Err(error) if force == Force::Yes && is_item_damage(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The repository's figures without what went.
fn remaining(before: RepositoryTotals, sums: &Sums, removed: &Removed) -> RepositoryTotals {
    RepositoryTotals {
        size_bytes: before.size_bytes.saturating_sub(sums.size_bytes),
        csize_bytes: before.csize_bytes.saturating_sub(sums.csize_bytes),
        unique_size_bytes: before.unique_size_bytes.saturating_sub(removed.size_bytes),
        unique_csize_bytes: before.unique_csize_bytes.saturating_sub(removed.csize_bytes),
        unique_chunks: before.unique_chunks.saturating_sub(removed.chunks),
        chunks: before.chunks.saturating_sub(sums.chunks),
    }
}
