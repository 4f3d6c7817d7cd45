//! `check`: the repository's log, then archives, items and the chunks they refer to; it repairs them if asked to. Texts are Borg's.
//!
//! repository → data → manifest → archives → chunks → orphans
//!
//! Presence of a chunk is asked of the repository's index, one look-up a reference; nothing is kept per chunk. Orphans — objects
//! that no archive refers to — are found by a sorted pass on disk over all references. The key is needed only for archives, and
//! there may be no manifest to find it by, so the caller is asked to unlock it when some object is at hand.
//!
//! A repair of archives is one transaction: until its commit everything is as it was, and what is sound is not written at all.

mod archives;
mod chunks;
pub(crate) mod damage;
mod findings;
mod items;
mod manifest;
mod orphans;
mod rewrite;
mod slice;
mod survey;
mod verify_data;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Mode};
use nanoprobe_repository::{CheckMode, CheckOptions, CheckReport, Repository};

use self::{
    archives::{ArchiveCheck, Checked},
    damage::is_integrity,
    findings::Findings,
    manifest::Origin,
    rewrite::Rewriter,
    slice::{Next, Slice},
    verify_data::Verified,
};
use crate::{Budget, Error, Event, Interrupt, Monitor, Places, select::ArchiveSelection};

/// Objects that are tried for one whose key type is known.
const MOST_KEY_ATTEMPTS: usize = 999;

/// What is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The repository, and the archives if it is sound.
    #[default]
    All,
    /// `--repository-only`
    Repository,
    /// `--archives-only`
    Archives,
}

/// What the command line decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Repository, archives or both.
    pub scope: Scope,
    /// Open every object (`--verify-data`).
    pub verify_data: bool,
    /// Only this archive.
    pub archive: Option<String>,
    /// Only these archives; sorted by time unless it says otherwise.
    pub selection: ArchiveSelection,
    /// After so long a check of the repository alone, or of archives alone, stops, to go on next time; zero: no limit.
    pub maximum_duration: Duration,
    /// What happens to defects.
    pub mode: CheckMode,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was found, or it was repaired: exit code 0.
    Sound,
    /// Defects were found and reported: exit code 1.
    Defective,
}

/// What is checked, and what is needed for it.
pub struct Subject<'a> {
    /// The repository, locked exclusively.
    pub repository: Arc<dyn Repository>,
    /// Unlocks the key, given any stored object.
    pub unlock: &'a mut dyn FnMut(&[u8]) -> Result<Key, Error>,
    /// Where this machine keeps what it knows of the repository, and temporary files.
    pub places: &'a Places,
    /// The memory budget.
    pub budget: Budget,
}

/// Checks; defects go to `monitor`.
pub fn check(
    subject: Subject<'_>,
    options: &Options,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<Outcome, Error> {
    if options.scope != Scope::Archives && !check_repository(&subject, options, monitor)? {
        return Ok(Outcome::Defective);
    }
    if options.scope != Scope::Repository && !check_archives(subject, options, monitor, interrupt)? {
        return Ok(Outcome::Defective);
    }
    Ok(Outcome::Sound)
}

fn check_repository(subject: &Subject<'_>, options: &Options, monitor: &dyn Monitor) -> Result<bool, Error> {
    let mut report = |report: CheckReport<'_>| match report {
        CheckReport::Progress { done, total } => {
            monitor.event(Event::Progress { operation: "repository.check", done, total, information: b"" });
        }
        CheckReport::Information(text) => monitor.event(Event::Information(text)),
        CheckReport::Defect(text) => monitor.event(Event::Defect(text)),
        _ => {}
    };
    let parent = subject.scratch()?;
    let scratch = tempfile::tempdir_in(&parent).map_err(Error::local("create", &parent))?;
    let check_options = CheckOptions {
        mode: options.mode,
        maximum_seconds: options.maximum_duration.as_secs(),
        scratch: Some(scratch.path().to_owned()),
    };
    let is_sound = subject.repository.check(&check_options, &mut report)?;
    monitor.event(Event::ProgressFinished { operation: "repository.check" });
    Ok(is_sound)
}

fn check_archives(
    mut subject: Subject<'_>,
    options: &Options,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<bool, Error> {
    let findings = Findings::new(monitor, options.mode);
    findings.information("Starting archive consistency check...");
    let Some(key) = find_key(&*subject.repository, subject.unlock)? else {
        monitor.event(Event::Defect("Repository contains no apparent data at all, cannot continue check/repair."));
        return Ok(false);
    };
    let checked = check_content(&mut subject, key, options, &findings, interrupt);
    if checked.is_err() && options.mode == CheckMode::Repair {
        // The failure itself is what counts.
        let _ = subject.repository.rollback();
    }
    checked?;
    if findings.any() {
        monitor.event(Event::Defect("Archive consistency check complete, problems found."));
    } else {
        findings.information("Archive consistency check complete, no problems found.");
    }
    Ok(options.mode == CheckMode::Repair || !findings.any())
}

/// Data, manifest, archives, and the commit of a repair.
fn check_content(
    subject: &mut Subject<'_>,
    mut key: Key,
    options: &Options,
    findings: &Findings<'_>,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let (repository, scratch) = (&*subject.repository, subject.scratch()?);
    let slice = Slice::begin(scratch.parent().unwrap_or(&scratch), options.maximum_duration);
    let mut deleted = 0;
    if options.verify_data && !matches!(slice.start, Next::Archive(..)) {
        let verified = verify_data::verify_data(repository, &key, findings, &slice, &scratch, interrupt)?;
        if let Verified { rest: Some(rest), .. } = verified {
            findings.information("Time is up: the next check goes on with the data of other objects.");
            if verified.deleted > 0 {
                repository.commit()?;
            }
            return slice.save(&Next::Data(rest));
        }
        deleted = verified.deleted;
    }
    let (mut manifest, origin) = manifest::open_or_rebuild(repository, &mut key, findings, interrupt)?;
    let sealer = match options.mode {
        CheckMode::Examine => None,
        CheckMode::Repair => Some(key.sealer(Arc::clone(&subject.repository), &subject.places.directories)?),
    };
    let rewriter = sealer.clone().map(|sealer| Rewriter::new(repository, &key, sealer, subject.budget));
    let (key, budget, scratch, slice) = (&key, subject.budget, &*scratch, &slice);
    let mut check = ArchiveCheck { repository, key, findings, budget, scratch, slice, interrupt, rewriter };
    let Checked { changed, next } = check.run(&mut manifest, options)?;
    if let Some(sealer) = sealer.filter(|_| changed || deleted > 0 || origin == Origin::Rebuilt) {
        findings.information("Writing Manifest.");
        manifest.store(repository, key, &sealer)?;
        findings.information("Committing repo.");
        repository.commit()?;
    }
    slice.save(&next)
}

impl Subject<'_> {
    /// A directory for temporary files, below the cache; made when it is not there.
    fn scratch(&self) -> Result<PathBuf, Error> {
        let scratch = self.places.caches.join(Id(self.repository.id()).to_string()).join("tmp");
        fs::create_dir_all(&scratch).map_err(Error::local("create", &scratch))?;
        Ok(scratch)
    }
}

/// The key for the manifest, or for the first object that has a known type; `None` when there are no objects.
fn find_key(
    repository: &dyn Repository,
    unlock: &mut dyn FnMut(&[u8]) -> Result<Key, Error>,
) -> Result<Option<Key>, Error> {
    let (mut ids, mut object): (Vec<Id>, Vec<u8>) = (Vec::new(), Vec::new());
    // The manifest, being written last, says most of which counter blocks are used up.
    if repository.stored_bytes(&Id::MANIFEST)?.is_some() {
        ids.push(Id::MANIFEST);
    }
    repository.list(None, MOST_KEY_ATTEMPTS, &mut ids)?;
    for id in &ids {
        match repository.get(id, &mut object) {
            Ok(()) if Mode::of_object(&object).is_ok() => return unlock(&object).map(Some),
            Ok(()) => {}
            Err(error) if is_integrity(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match ids.len() {
        0 => Ok(None),
        tried => Err(Error::NoKey { tried }),
    }
}
