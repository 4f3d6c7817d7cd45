//! What ends a round, a status report or the resident process; trouble of one job is none of these.

use std::{io, path::PathBuf};

use crate::configuration::Problem;

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
    /// Another process has the state directory.
    #[error("another agent is at work with {}", .0.display())]
    AtWork(PathBuf),
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
