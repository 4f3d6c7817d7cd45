//! `check`: the repository's log, which it repairs if asked to, then archives, items and the chunks they refer to. Texts are Borg's.
//!
//! Presence of a chunk is asked of the repository's index, one look-up a reference; nothing is kept per chunk. Orphans — objects
//! that no archive refers to — are found by a sorted pass on disk over all references. The key is needed only for archives, and
//! there may be no manifest to find it by, so the caller is asked to unlock it when some object is at hand.

mod archives;
pub(crate) mod damage;
mod findings;
mod items;
mod manifest;
mod orphans;
mod verify_data;

use std::path::Path;

use nanoprobe_format::Id;
use nanoprobe_key::{Key, Mode};
use nanoprobe_repository::{CheckMode, CheckOptions, CheckReport, Repository};

use self::{archives::ArchiveCheck, findings::Findings};
use crate::{Budget, Error, Event, Interrupt, Monitor, select::ArchiveSelection};

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
    /// Seconds after which a check of the repository alone stops, to go on next time; 0: no limit.
    pub maximum_seconds: u64,
    /// What happens to defects of the repository; those of archives are only named.
    pub mode: CheckMode,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was found: exit code 0.
    Sound,
    /// Defects were found and reported: exit code 1.
    Defective,
}

/// What is checked, and what is needed for it.
pub struct Subject<'a> {
    /// The repository, locked exclusively.
    pub repository: &'a dyn Repository,
    /// Unlocks the key, given any stored object.
    pub unlock: &'a mut dyn FnMut(&[u8]) -> Result<Key, Error>,
    /// A directory for temporary files.
    pub scratch: &'a Path,
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
    let scratch = tempfile::tempdir_in(subject.scratch).map_err(Error::local("create", subject.scratch))?;
    let check_options = CheckOptions {
        mode: options.mode,
        maximum_seconds: options.maximum_seconds,
        scratch: Some(scratch.path().to_owned()),
    };
    let is_sound = subject.repository.check(&check_options, &mut report)?;
    monitor.event(Event::ProgressFinished { operation: "repository.check" });
    Ok(is_sound)
}

fn check_archives(
    subject: Subject<'_>,
    options: &Options,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<bool, Error> {
    let findings = Findings::new(monitor);
    findings.information("Starting archive consistency check...");
    let Some(key) = find_key(subject.repository, subject.unlock)? else {
        monitor.event(Event::Defect("Repository contains no apparent data at all, cannot continue check/repair."));
        return Ok(false);
    };
    if options.verify_data {
        verify_data::verify_data(subject.repository, &key, &findings, interrupt)?;
    }
    let manifest = manifest::open_or_rebuild(subject.repository, &key, &findings, interrupt)?;
    let mut check = ArchiveCheck::new(subject.repository, &key, &findings, subject.budget, subject.scratch);
    check.run(&manifest, options, interrupt)?;
    if findings.any() {
        monitor.event(Event::Defect("Archive consistency check complete, problems found."));
    } else {
        findings.information("Archive consistency check complete, no problems found.");
    }
    Ok(!findings.any())
}

/// The key for the first object that has a known type; `None` when there are no objects.
fn find_key(
    repository: &dyn Repository,
    unlock: &mut dyn FnMut(&[u8]) -> Result<Key, Error>,
) -> Result<Option<Key>, Error> {
    let (mut ids, mut object): (Vec<Id>, Vec<u8>) = (Vec::new(), Vec::new());
    repository.list(None, MOST_KEY_ATTEMPTS, &mut ids)?;
    for id in &ids {
        repository.get(id, &mut object)?;
        if Mode::of_object(&object).is_ok() {
            return unlock(&object).map(Some);
        }
    }
    match ids.len() {
        0 => Ok(None),
        tried => Err(Error::NoKey { tried }),
    }
}
