//! One try of one job: which command it is, and what its end means.

mod backup;
mod check;
mod drill;
mod upkeep;

use std::{io, os::fd::BorrowedFd, path::Path, process::Command, time::Duration};

use crate::{
    Trouble,
    child::{self, Finished, Until},
    configuration::{Configuration, Limits, Repository, Secret},
    plan::Job,
    state::{Figures, State, history::Totals},
};

pub(crate) use check::advance;

/// What a try needs.
pub(crate) struct Work<'a> {
    /// Our own executable.
    pub(crate) program: &'a Path,
    pub(crate) configuration: &'a Configuration,
    pub(crate) state: &'a State,
    pub(crate) now: i64,
    /// Seconds that are left of the window.
    pub(crate) left: Option<i64>,
    /// Ends when the agent is to end.
    pub(crate) stop: BorrowedFd<'a>,
}

/// How a try ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// What it ran into.
    pub(crate) failure: Option<Trouble>,
    /// It is done, and something should be looked at; or why it failed.
    pub(crate) words: Option<String>,
    /// Why it stopped in order before it was done.
    pub(crate) unfinished: Option<String>,
    /// The end of its log.
    pub(crate) log: String,
    /// What a backup stored.
    pub(crate) figures: Option<Figures>,
    /// What its repository holds.
    pub(crate) totals: Option<Totals>,
    /// What a check read, and what it found.
    pub(crate) slice: Option<Slice>,
}

/// A slice of a check that was read to its end.
#[derive(Debug)]
pub(crate) struct Slice {
    /// The end of the repository, too.
    pub(crate) is_complete: bool,
    /// What is wrong with it.
    pub(crate) damage: Option<String>,
}

/// Tries a job.
pub(crate) fn run(job: &Job<'_>, work: &Work<'_>) -> Ending {
    let Some(repository) = work.configuration.repository(job.repository()) else {
        return Ending::failed(Trouble::Other, "there is no such repository");
    };
    let ending = match job {
        Job::Backup(backup) => backup::run(backup, repository, work),
        Job::Prune(backup) => upkeep::prune(backup, repository, work),
        Job::Compact(_) => upkeep::compact(repository, work),
        Job::Check(_) => check::run(repository, work),
        Job::Drill(backup) => drill::run(backup, repository, work),
    };
    ending.unwrap_or_else(|error| Ending::failed(Trouble::Other, &format!("it cannot be run: {error}")))
}

impl Ending {
    fn failed(trouble: Trouble, words: &str) -> Self {
        Self { failure: Some(trouble), words: Some(words.to_owned()), ..Self::default() }
    }

    /// By exit code, as Borg has them with `BORG_EXIT_CODES=modern`.
    fn of(finished: &Finished) -> Self {
        let log = finished.log.text();
        match finished.code {
            0 => Self { log, ..Self::default() },
            1 | 100..=127 => Self { words: Some(finished.log.last_words()), log, ..Self::default() },
            code => Self {
                failure: Some(Trouble::of(code, &log)),
                words: Some(finished.log.last_words()),
                log,
                ..Self::default()
            },
        }
    }
}

/// Seconds to wait for a lock that somebody has.
const LOCK_WAIT: u32 = 60;

impl Work<'_> {
    /// A command of ours on a repository, with limits.
    fn command(&self, name: &str, repository: &Repository) -> Command {
        command(self.program, name, repository, &self.configuration.limits, LOCK_WAIT)
    }

    fn run(&self, command: &mut Command, sink: &mut dyn FnMut(&[u8])) -> io::Result<Finished> {
        self.run_for(None, command, sink)
    }

    /// No longer than that.
    fn run_for(
        &self,
        most: Option<Duration>,
        command: &mut Command,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Finished> {
        child::run(command, Until { stop: self.stop, most, patience: None }, sink)
    }
}

/// The command `name` of `program` on a repository, which waits so many seconds for a lock.
pub(crate) fn command(program: &Path, name: &str, repository: &Repository, limits: &Limits, lock_wait: u32) -> Command {
    let mut command = Command::new(program);
    command.arg(name).args(["--log-json", "--lock-wait", &lock_wait.to_string()]);
    if let Some(memory) = &limits.memory {
        command.args(["--memory-limit", memory]);
    }
    if let Some(rate) = limits.upload {
        command.arg("--upload-ratelimit").arg(rate.to_string());
    }
    if let Some(path) = &repository.remote_path {
        command.args(["--remote-path", path]);
    }
    command.env("BORG_REPO", &repository.location).env("BORG_EXIT_CODES", "modern");
    if let Some(rsh) = &repository.rsh {
        command.env("BORG_RSH", rsh);
    }
    if let Some(base) = &limits.base {
        command.env("BORG_BASE_DIR", base);
    }
    let passcommand = match &repository.secret {
        None => return command,
        Some(Secret::Command(line)) => line.clone(),
        Some(Secret::File(path)) => format!("head -n 1 {}", quoted(&path.to_string_lossy())),
    };
    command.env_remove("BORG_PASSPHRASE").env_remove("BORG_PASSPHRASE_FD").env("BORG_PASSCOMMAND", passcommand);
    command
}

/// For the words of a passphrase command.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}
