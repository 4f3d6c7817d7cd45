//! What can go wrong with a repository: Borg's names, texts and modern exit codes.

use std::io;
use std::path::{Path, PathBuf};

use nanoprobe_format::Id;

/// What can go wrong with a repository. `Display` is the text that Borg prints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `create` found a repository at or above the path.
    #[error("A repository already exists at {0}.")]
    AlreadyExists(String),
    /// A repository of Borg's predecessor.
    #[error("Attic repository detected. Please run \"borg upgrade {0}\".")]
    AtticRepository(String),
    /// The files contradict each other; nothing was changed.
    #[error("Inconsistency detected. Please run \"borg check {0}\".")]
    CheckNeeded(String),
    /// Nothing at the path.
    #[error("Repository {0} does not exist.")]
    DoesNotExist(String),
    /// The commit was not begun.
    #[error("Insufficient free space to complete transaction (required: {}, available: {}).", size_text(*required_bytes), size_text(*available_bytes))]
    InsufficientFreeSpace {
        /// What the commit and a later cleaning up need.
        required_bytes: u64,
        /// What the file system has.
        available_bytes: u64,
    },
    /// A path that holds something else.
    #[error("{0} is not a valid repository. Check repo config.")]
    InvalidRepository(String),
    /// A `config` that cannot be used.
    #[error("{path} does not have a valid configuration. Check repo config [{reason}].")]
    InvalidRepositoryConfig {
        /// The repository.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// No such object.
    #[error("Object with key {id} not found in repository {path}.")]
    ObjectNotFound {
        /// The object.
        id: Id,
        /// The repository.
        path: String,
    },
    /// `create` without the directory to create in.
    #[error("The parent path of the repo directory [{0}] does not exist.")]
    ParentPathDoesNotExist(String),
    /// `create` where something else is.
    #[error("There is already something at {0}.")]
    PathAlreadyExists(String),
    /// The transaction is doomed: it can only be rolled back.
    #[error("The storage quota ({}) has been exceeded ({}). Try deleting some archives.", size_text(*quota_bytes), size_text(*used_bytes))]
    StorageQuotaExceeded {
        /// The limit.
        quota_bytes: u64,
        /// What would be in use.
        used_bytes: u64,
    },
    /// `create` where nothing may be seen.
    #[error("Permission denied to {0}.")]
    PathPermissionDenied(String),
    /// Stored bytes are not what was written.
    #[error("Data integrity error: {0}")]
    Integrity(String),
    /// `index.N` or `hints.N` is not what was written.
    #[error("File failed integrity check: {0}")]
    FileIntegrity(String),
    /// The lock could not even be tried for.
    #[error("Failed to create/acquire the lock {path} ({reason}).")]
    LockFailed {
        /// The lock directory.
        path: String,
        /// Why.
        reason: String,
    },
    /// Somebody else held the lock all the time.
    #[error("Failed to create/acquire the lock {0} (timeout).")]
    LockTimeout(String),
    /// Somebody broke our lock.
    #[error("Failed to release the lock {0} (was not locked).")]
    NotLocked(String),
    /// Somebody broke our lock and took their own.
    #[error("Failed to release the lock {0} (was/is locked, but not by me).")]
    NotMyLock(String),
    /// Append-only repositories refuse what destroys.
    #[error("{0} is in append-only mode")]
    AppendOnly(String),
    /// A write was asked of a handle that was opened for reading.
    #[error("Repository {0} is not open for writing.")]
    ReadOnly(String),
    /// An earlier write failed; only what is committed counts, and the repository must be opened anew.
    #[error("Repository {0} had a write error and must be opened again.")]
    Poisoned(String),
    /// The nonce file is not one.
    #[error("Repository has an invalid nonce file: {0}")]
    InvalidNonceFile(String),
    /// Somebody else reserved nonces since they were last read.
    #[error("nonce space reservation with mismatched previous state")]
    NonceMismatch,
    /// Nobody can tell whether nonces were reserved: the answer was lost on its way. Whoever needs some reads anew what is free.
    #[error("The answer to a reservation of nonces was lost.")]
    ReservationLost,
    /// Somebody asked to stop while nothing could be done.
    #[error("Interrupted.")]
    Interrupted,
    /// Trouble that only repositories elsewhere have.
    #[error("{message}")]
    Elsewhere {
        /// Borg's qualified class name.
        name: &'static str,
        /// The exit code under `BORG_EXIT_CODES=modern`.
        exit_code: u8,
        /// What Borg prints.
        message: String,
    },
    /// The operating system refused.
    #[error("[Errno {}] {}: '{}'", source.raw_os_error().unwrap_or(0), reason_text(source), path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// Borg's qualified class name, as log lines in JSON carry it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AlreadyExists(_) => "Repository.AlreadyExists",
            Self::AtticRepository(_) => "Repository.AtticRepository",
            Self::CheckNeeded(_) => "Repository.CheckNeeded",
            Self::DoesNotExist(_) => "Repository.DoesNotExist",
            Self::InsufficientFreeSpace { .. } => "Repository.InsufficientFreeSpaceError",
            Self::InvalidRepository(_) => "Repository.InvalidRepository",
            Self::InvalidRepositoryConfig { .. } => "Repository.InvalidRepositoryConfig",
            Self::ObjectNotFound { .. } => "Repository.ObjectNotFound",
            Self::ParentPathDoesNotExist(_) => "Repository.ParentPathDoesNotExist",
            Self::PathAlreadyExists(_) => "Repository.PathAlreadyExists",
            Self::StorageQuotaExceeded { .. } => "Repository.StorageQuotaExceeded",
            Self::PathPermissionDenied(_) => "Repository.PathPermissionDenied",
            Self::Integrity(_) => "IntegrityError",
            Self::FileIntegrity(_) => "FileIntegrityError",
            Self::LockFailed { .. } => "LockFailed",
            Self::LockTimeout(_) => "LockTimeout",
            Self::NotLocked(_) => "NotLocked",
            Self::NotMyLock(_) => "NotMyLock",
            Self::Elsewhere { name, .. } => name,
            _ => "Error",
        }
    }

    /// The exit code under `BORG_EXIT_CODES=modern`; legacy is always 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::AlreadyExists(_) => 10,
            Self::AtticRepository(_) => 11,
            Self::CheckNeeded(_) => 12,
            Self::DoesNotExist(_) => 13,
            Self::InsufficientFreeSpace { .. } => 14,
            Self::InvalidRepository(_) => 15,
            Self::InvalidRepositoryConfig { .. } => 16,
            Self::ObjectNotFound { .. } => 17,
            Self::ParentPathDoesNotExist(_) => 18,
            Self::PathAlreadyExists(_) => 19,
            Self::StorageQuotaExceeded { .. } => 20,
            Self::PathPermissionDenied(_) => 21,
            Self::LockFailed { .. } => 72,
            Self::LockTimeout(_) => 73,
            Self::NotLocked(_) => 74,
            Self::NotMyLock(_) => 75,
            Self::Integrity(_) => 90,
            Self::FileIntegrity(_) => 91,
            Self::Elsewhere { exit_code, .. } => *exit_code,
            _ => 2,
        }
    }

    /// True when a file or directory of the repository, or the object, is not there.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::ObjectNotFound { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Adds the path to an error of the operating system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// A size as Borg prints it: decimal units, two digits.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if (amount * 100.0).round() / 100.0 < 1000.0 {
            break;
        }
        amount /= 1000.0;
        unit = next;
    }
    format!("{amount:.2} {unit}B")
}

/// The operating system's words without the code that `std` appends.
fn reason_text(source: &io::Error) -> String {
    let text = source.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_borgs() {
        let error = Error::StorageQuotaExceeded { quota_bytes: 5_000_000_000, used_bytes: 5_000_001_234 };
        assert_eq!(
            error.to_string(),
            "The storage quota (5.00 GB) has been exceeded (5.00 GB). Try deleting some archives."
        );
        assert_eq!(size_text(999), "999 B");
        assert_eq!(size_text(1000), "1.00 kB");
        assert_eq!(size_text(999_999), "1.00 MB");
        let error = Error::Io { path: "/x".into(), source: io::Error::from_raw_os_error(28) };
        assert_eq!(error.to_string(), "[Errno 28] No space left on device: '/x'");
    }
}
