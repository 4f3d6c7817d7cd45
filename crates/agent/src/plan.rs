//! What is to be done, and when: a function of the configuration, the state and the time, and of nothing else.
//!
//! Jobs of one backup follow each other: prune when a backup succeeded since the last prune, and never after one that failed;
//! compact when a prune freed something. Checks and drills have schedules of their own, and wait for the first backup. Whatever
//! failed comes again with patience, whatever was missed comes at once.

use jiff::tz::TimeZone;

use crate::{
    Trouble,
    configuration::{Address, Backup, Configuration, Repository},
    schedule::{Schedule, Timetable},
    state::{Outcome, Record, State},
};

/// Something to be done again and again.
#[derive(Clone, Copy, Debug)]
pub enum Job<'c> {
    /// Make an archive.
    Backup(&'c Backup),
    /// Delete the archives of a backup that its rules do not keep.
    Prune(&'c Backup),
    /// Free room in a repository.
    Compact(&'c Repository),
    /// Read a slice of a repository.
    Check(&'c Repository),
    /// Fetch files of a backup and compare them.
    Drill(&'c Backup),
}

/// When a job's turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Due,
    /// At this time.
    At(i64),
    /// When another job has ended well.
    After(&'static str),
}

impl<'c> Job<'c> {
    /// Its name, in state and status.
    pub fn name(&self) -> String {
        match self {
            Self::Backup(backup) => format!("backup {}", backup.name),
            Self::Prune(backup) => format!("prune {}", backup.name),
            Self::Compact(repository) => format!("compact {}", repository.name),
            Self::Check(repository) => format!("check {}", repository.name),
            Self::Drill(backup) => format!("drill {}", backup.name),
        }
    }

    /// The name of the repository that it works on.
    pub fn repository(&self) -> &'c str {
        match self {
            Self::Backup(backup) | Self::Prune(backup) | Self::Drill(backup) => &backup.repository,
            Self::Compact(repository) | Self::Check(repository) => &repository.name,
        }
    }

    /// When it is meant to start, for those that have a schedule.
    pub fn schedule(&self) -> Option<&'c Schedule> {
        match self {
            Self::Backup(backup) => Some(&backup.schedule),
            Self::Check(repository) => repository.check.as_ref().map(|check| &check.schedule),
            Self::Drill(backup) => backup.drill.as_ref().map(|drill| &drill.schedule),
            Self::Prune(_) | Self::Compact(_) => None,
        }
    }

    /// Seconds after which the last success is too old, for those that have a time of their own.
    pub fn too_old(&self) -> Option<i64> {
        match self {
            Self::Backup(backup) => Some(backup.too_old),
            Self::Prune(_) | Self::Compact(_) => None,
            Self::Check(_) | Self::Drill(_) => Some(3 * self.schedule()?.period().max(86_400)),
        }
    }

    /// Told of its starts and ends.
    pub fn ping(&self, configuration: &'c Configuration) -> Option<&'c Address> {
        match self {
            Self::Backup(backup) => backup.ping.as_ref(),
            Self::Check(repository) => repository.ping.as_ref(),
            // They belong to the backup: what fails of them is told to the same place, but they are no run of it.
            Self::Prune(_) | Self::Compact(_) | Self::Drill(_) => configuration
                .backups
                .iter()
                .find(|backup| backup.repository == self.repository())
                .and_then(|backup| backup.ping.as_ref()),
        }
    }
}

/// Every job of a configuration, in the order in which those that are due run.
pub fn jobs(configuration: &Configuration) -> Vec<Job<'_>> {
    let (backups, repositories) = (&configuration.backups, &configuration.repositories);
    let used = |repository: &&Repository| backups.iter().any(|backup| backup.repository == repository.name);
    let pruned = |repository: &&Repository| {
        backups.iter().any(|backup| backup.repository == repository.name && backup.keep.is_some())
    };
    let mut jobs: Vec<Job<'_>> = backups.iter().map(Job::Backup).collect();
    jobs.extend(backups.iter().filter(|backup| backup.keep.is_some()).map(Job::Prune));
    jobs.extend(repositories.iter().filter(|one| one.compact).filter(pruned).map(Job::Compact));
    jobs.extend(repositories.iter().filter(used).filter(|one| one.check.is_some()).map(Job::Check));
    jobs.extend(backups.iter().filter(|backup| backup.drill.is_some()).map(Job::Drill));
    jobs
}

/// When it is whose turn.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What is to be done.
    pub configuration: &'a Configuration,
    /// What was done.
    pub state: &'a State,
    /// The time.
    pub now: i64,
    /// Of schedules.
    pub zone: &'a TimeZone,
}

impl Plan<'_> {
    /// When this job's turn is.
    pub fn turn(&self, job: &Job<'_>) -> Turn {
        let name = job.name();
        let record = self.state.jobs.get(&name).cloned().unwrap_or_default();
        let wanted = match job {
            Job::Backup(_) if record.last_success.is_none() => Turn::Due,
            Job::Backup(_) | Job::Check(_) | Job::Drill(_) => self.scheduled(job, &name, &record),
            Job::Prune(backup) => self.after_backup(backup, &record),
            Job::Compact(repository) => self.after_prune(repository, &record),
        };
        match wanted {
            Turn::Due => self.patiently(&record),
            other => other,
        }
    }

    /// When something is due next, where nothing is now; a day at most, so that a clock that jumps is noticed.
    pub fn next(&self) -> i64 {
        let turns = jobs(self.configuration).into_iter().map(|job| match self.turn(&job) {
            // It waits for a condition to change.
            Turn::Due => self.now + RECHECK,
            Turn::At(time) => time,
            Turn::After(_) => i64::MAX,
        });
        turns.min().unwrap_or(i64::MAX).clamp(self.now + 1, self.now + 86_400)
    }

    fn scheduled(&self, job: &Job<'_>, name: &str, record: &Record) -> Turn {
        if !matches!(job, Job::Backup(_)) && !self.has_archive(job.repository()) {
            return Turn::After("the first backup");
        }
        let Some(schedule) = job.schedule() else { return Turn::After("a schedule") };
        let timetable = Timetable { schedule, job: name, jitter: self.configuration.limits.jitter, zone: self.zone };
        let since = record.last_success.unwrap_or(record.known_since);
        match timetable.latest(self.now) {
            Some(moment) if since < moment => Turn::Due,
            _ => timetable.next(self.now).map_or(Turn::After("a moment that the schedule has"), Turn::At),
        }
    }

    fn after_backup(&self, backup: &Backup, record: &Record) -> Turn {
        let of_backup = self.state.jobs.get(&Job::Backup(backup).name());
        let succeeded = of_backup.filter(|of_backup| {
            // A try that failed since then, or that was cut off, is one more reason to keep everything.
            of_backup.outcome != Some(Outcome::Failed) && of_backup.running_since.is_none()
        });
        match succeeded.and_then(|of_backup| of_backup.last_success) {
            Some(success) if record.last_success.is_none_or(|last| last < success) => Turn::Due,
            _ => Turn::After("the next backup"),
        }
    }

    fn after_prune(&self, repository: &Repository, record: &Record) -> Turn {
        let backups = self.configuration.backups.iter().filter(|backup| backup.repository == repository.name);
        let prunes = backups.filter_map(|backup| self.state.jobs.get(&Job::Prune(backup).name()));
        match prunes.filter_map(|prune| prune.last_success).max() {
            Some(pruned) if record.last_success.is_none_or(|last| last < pruned) => Turn::Due,
            _ => Turn::After("the next prune"),
        }
    }

    fn has_archive(&self, repository: &str) -> bool {
        let mut backups = self.configuration.backups.iter().filter(|backup| backup.repository == repository);
        backups.any(|backup| {
            self.state.jobs.get(&Job::Backup(backup).name()).is_some_and(|record| record.last_success.is_some())
        })
    }

    /// Not again right after it failed, and within the window.
    fn patiently(&self, record: &Record) -> Turn {
        let patience = match (record.outcome, record.trouble) {
            (Some(Outcome::Failed), trouble) => trouble.unwrap_or(Trouble::Other).patience(record.failures),
            _ => 0,
        };
        // A try in the future is one of a clock that was wrong.
        let again = record.last_try.filter(|&last| last <= self.now).map_or(0, |last| last + patience);
        if patience > 0 && again > self.now {
            return Turn::At(again);
        }
        match self.configuration.limits.window {
            Some(window) if window.left(self.now, self.zone).is_none() => {
                window.opens(self.now, self.zone).map_or(Turn::Due, Turn::At)
            }
            _ => Turn::Due,
        }
    }
}

/// A condition that holds jobs back is looked at again after so many seconds.
pub const RECHECK: i64 = 10 * 60;

#[cfg(test)]
mod tests;
