//! What ends an operation. Trouble with one file is a [`crate::Event::Warning`], never one of these.

use std::{io, path::PathBuf};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] nanoprobe_repository::Error),
    /// An object could not be opened or sealed.
    #[error(transparent)]
    Key(#[from] nanoprobe_key::Error),
    /// The manifest, an archive or its item stream is not what it should be.
    #[error(transparent)]
    Archive(#[from] nanoprobe_archive::Error),
    /// Bytes that should be an item are none.
    #[error(transparent)]
    Format(#[from] nanoprobe_format::msgpack::Error),
    /// A chunk could not be compressed.
    #[error(transparent)]
    Compress(#[from] nanoprobe_compress::Error),
    /// The memory budget is too small for what is asked.
    #[error(transparent)]
    MemoryLimit(#[from] crate::budget::BudgetTooSmall),
    /// An archive of that name exists already.
    #[error("Archive {0} already exists")]
    ArchiveExists(String),
    /// What is to be stored under a name of its own cannot be, or not for that user.
    #[error("Error: {0}")]
    Stream(String),
    /// A command that gives content or paths failed.
    #[error("Command Error: {0}")]
    Command(String),
    /// A program that a tar archive is piped through.
    #[error("Error: {0}")]
    Filter(String),
    /// No object tells which key the repository has.
    #[error("Data integrity error: make_key: failed to create the key (tried {tried} chunks)")]
    NoKey {
        /// Objects that were looked at.
        tried: usize,
    },
    /// No archive of that name.
    #[error("Archive {0} does not exist")]
    NoSuchArchive(String),
    /// An archive that is to stay cannot be read, so that what it needs is not known.
    #[error("Archive {name} cannot be read, so nothing can be deleted: {source}. Run \"borg check --repair\" first.")]
    KeptArchiveDamaged {
        /// Its name.
        name: String,
        /// What reading it came to.
        source: Box<Error>,
    },
    /// A file of our own, or the place to extract to, failed.
    #[error("{action} {}: {source}", path.display())]
    Local {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// For `map_err` on file operations.
    pub fn local(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Local { action, path, source }
    }
}
