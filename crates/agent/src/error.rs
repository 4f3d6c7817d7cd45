//! What ends a round, a status report or the resident process; trouble of one job is none of these.

use std::{io, path::PathBuf};

use crate::{configuration::Problem, update::Refusal};

/// Why the agent cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong, and there is no earlier one to go on with.
    #[error("{}", lines(problems))]
    Configuration {
        /// Every problem, in the order of the file.
        problems: Vec<Problem>,
    },
    /// A file of the agent's own.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The status page is off.
    #[error("there is no status page: write [web] into {}", .0.display())]
    NoPage(PathBuf),
    /// The token cannot be used.
    #[error("{}: {reason}", path.display())]
    Token {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another process has the state directory.
    #[error("another agent is at work with {}", .0.display())]
    AtWork(PathBuf),
    /// A new version is not taken.
    #[error("{0}")]
    Update(#[from] Refusal),
    /// Waiting, or starting a round, failed.
    #[error("{0}")]
    System(#[from] io::Error),
}

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
