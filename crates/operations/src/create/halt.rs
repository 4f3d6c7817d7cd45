//! Why the reader stops: trouble with one file, or with the run.

use rustix::io::Errno;

use super::trouble::Trouble;
use crate::Error;

/// What ends the whole run.
#[derive(Debug)]
pub(super) enum Halt {
    /// A worker failed; it keeps the reason.
    Worker,
    /// Somebody asked to stop.
    Interrupted,
    /// The run itself cannot go on.
    Failed(Error),
}

/// What ends work on a file.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is left out, the run goes on.
    File(Trouble),
    /// The run ends.
    Run(Halt),
}

impl Failure {
    /// For `map_err` on system calls about a file.
    pub(super) fn system(operation: &'static str) -> impl Fn(Errno) -> Self {
        move |error| Self::File(Trouble::system(operation)(error))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::File(trouble)
    }
}

impl From<Halt> for Failure {
    fn from(halt: Halt) -> Self {
        Self::Run(halt)
    }
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
