//! What ends a command: the message, the message id that front ends know, and the exit code, all Borg's.

use nanoprobe_archive::Error as ArchiveError;
use nanoprobe_format::Id;
use nanoprobe_key::Error as KeyError;
use nanoprobe_operations::{Error as OperationError, patterns::PatternError};
use nanoprobe_remote::Error as RemoteError;
use nanoprobe_repository::Error as RepositoryError;

use crate::{
    environment::ExitCodes,
    location::InvalidLocation,
    output::template::TemplateError,
    placeholders::PlaceholderError,
    signals::{self, Signal},
};

/// A command that could not be finished.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// Borg's name of the error class, as front ends know it; `None` where Borg gives none.
    pub(crate) class: Option<&'static str>,
    code: Code,
}

#[derive(Clone, Copy, Debug)]
enum Code {
    /// The number with `BORG_EXIT_CODES=modern`; 2 otherwise.
    Modern(u8),
    /// The same number always.
    Always(u8),
}

/// The program was called wrongly: the text is printed as it is, with exit code 2.
const USAGE: &str = "usage";

impl Failure {
    pub(crate) fn new(class: &'static str, modern: u8, message: impl ToString) -> Self {
        Self { message: message.to_string(), class: Some(class), code: Code::Modern(modern) }
    }

    /// Borg's plain `Error`.
    pub(crate) fn error(message: impl std::fmt::Display) -> Self {
        Self::new("Error", 2, format_args!("Error: {message}"))
    }

    /// Options that do not go together, and the like.
    pub(crate) fn command(message: impl std::fmt::Display) -> Self {
        Self::new("CommandError", 4, format_args!("Command Error: {message}"))
    }

    /// The user did not confirm.
    pub(crate) fn cancelled() -> Self {
        Self::new("CancelledByUser", 3, "Cancelled by user.")
    }

    /// Something Borg has and this program has not yet.
    pub(crate) fn not_built(what: impl std::fmt::Display) -> Self {
        Self::new("CommandError", 2, format_args!("{what}: not built yet in this version of nanoprobe."))
    }

    /// Something unforeseen, as Borg's traceback would tell.
    pub(crate) fn unforeseen(message: impl ToString) -> Self {
        Self::new("Exception", 2, message)
    }

    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { message: message.to_string(), class: Some(USAGE), code: Code::Always(2) }
    }

    /// Somebody else's exit code, who has said what there is to say.
    pub(crate) fn silent(code: u8) -> Self {
        Self { message: String::new(), class: None, code: Code::Always(code) }
    }

    /// A signal ended the command.
    pub(crate) fn interrupted() -> Self {
        let signal = signals::received().unwrap_or(Signal::Interrupt);
        let (message, class) = match signal {
            Signal::Interrupt => ("Keyboard interrupt", None),
            Signal::Terminate => ("Received SIGTERM", Some("Signal.SIGTERM")),
            Signal::HangUp => ("Received SIGHUP.", Some("Signal.SIGHUP")),
        };
        Self { message: message.to_owned(), class, code: Code::Always(signal.exit_code()) }
    }

    pub(crate) fn is_usage(&self) -> bool {
        self.class == Some(USAGE)
    }

    pub(crate) fn exit_code(&self, codes: ExitCodes) -> u8 {
        match (self.code, codes) {
            (Code::Always(code), _) | (Code::Modern(code), ExitCodes::Modern) => code,
            (Code::Modern(_), ExitCodes::Legacy) => 2,
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::usage(error.render())
    }
}

impl From<InvalidLocation> for Failure {
    fn from(error: InvalidLocation) -> Self {
        Self::usage(format_args!("error: {error}\n"))
    }
}

impl From<PatternError> for Failure {
    fn from(error: PatternError) -> Self {
        Self::usage(format_args!("error: {error}\n"))
    }
}

impl From<PlaceholderError> for Failure {
    fn from(error: PlaceholderError) -> Self {
        let class = match error {
            PlaceholderError::Invalid { .. } => "InvalidPlaceholder",
            _ => "PlaceholderError",
        };
        Self::new(class, error.modern_exit_code(), error)
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        Self::unforeseen(format_args!("Invalid format: {}({error})", error.class()))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // A reader that has seen enough is no trouble worth words.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::silent(signals::BROKEN_PIPE);
        }
        Self::unforeseen(error)
    }
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Repository(error) => error.into(),
            OperationError::Key(error) => error.into(),
            OperationError::Archive(error) => error.into(),
            OperationError::NoSuchArchive(_) => Self::new("Archive.DoesNotExist", 31, error),
            OperationError::ArchiveExists(_) => Self::new("Archive.AlreadyExists", 30, error),
            OperationError::Stream(_) => Self::new("Error", 2, error),
            OperationError::Command(_) => Self::new("CommandError", 4, error),
            OperationError::KeptArchiveDamaged { .. } => Self::new("IntegrityError", 90, error),
            OperationError::Filter(_) => Self::new("Error", 2, error),
            OperationError::MemoryLimit(error) => Self::command(error),
            OperationError::Interrupted => Self::interrupted(),
            OperationError::Local { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => source.into(),
            error => Self::unforeseen(error),
        }
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::ObjectNotFound { id: Id::MANIFEST, .. } => {
                Self::new("NoManifestError", 26, "Repository has no manifest.")
            }
            RepositoryError::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => source.into(),
            RepositoryError::Interrupted => Self::interrupted(),
            error => Self::new(error.name(), error.exit_code(), error),
        }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Repository(error) => error.into(),
            error => Self::new(error.name(), error.exit_code(), error),
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let (class, modern) = match &error {
            ArchiveError::UnsupportedManifest => ("UnsupportedManifestError", 27),
            ArchiveError::ManifestUnauthenticated => ("TAMRequiredError", 98),
            ArchiveError::ManifestTamInvalid => ("TAMInvalid", 97),
            ArchiveError::TamUnsupportedSuite(_) => ("TAMUnsupportedSuiteError", 99),
            ArchiveError::MandatoryFeatureUnsupported(_) => ("MandatoryFeatureUnsupported", 25),
            ArchiveError::ArchiveUnauthenticated(_) => ("ArchiveTAMRequiredError", 96),
            ArchiveError::ArchiveTamInvalid => ("ArchiveTAMInvalid", 95),
            _ => ("Exception", 2),
        };
        match error {
            ArchiveError::Repository(error) => error.into(),
            ArchiveError::Key(error) => error.into(),
            error => Self::new(class, modern, error),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let (class, modern) = match &error {
            KeyError::Integrity(_) | KeyError::EmptyManifest => ("IntegrityError", 90),
            KeyError::Decompression(_) => ("DecompressionError", 92),
            KeyError::UnsupportedPayload(_) => ("UnsupportedPayloadError", 48),
            KeyError::NoPassphrase(_) => ("NoPassphraseFailure", 50),
            KeyError::PasscommandFailed(_) => ("PasscommandFailure", 51),
            KeyError::PassphraseWrong => ("PassphraseWrong", 52),
            KeyError::PassphraseRetriesExceeded => ("PasswordRetriesExceeded", 53),
            KeyError::KeyFileNotFound { .. } => ("KeyfileNotFoundError", 42),
            KeyError::KeyInvalid { .. } => ("KeyfileInvalidError", 40),
            KeyError::KeyFileMismatch { .. } => ("KeyfileMismatchError", 41),
            KeyError::RepositoryKeyNotFound(_) => ("RepoKeyNotFoundError", 44),
            KeyError::UnknownUnencryptedRefused => ("Cache.CacheInitAbortedError", 60),
            KeyError::EncryptionMethodChanged => ("Cache.EncryptionMethodMismatch", 61),
            KeyError::RelocationRefused => ("Cache.RepositoryAccessAborted", 62),
            KeyError::RepositoryIdNotUnique => ("Cache.RepositoryIDNotUnique", 63),
            KeyError::RepositoryReplay => ("Cache.RepositoryReplay", 64),
            KeyError::NotAKeyBackup => ("NotABorgKeyFile", 43),
            KeyError::BackupOfAnother => ("RepoIdMismatch", 45),
            KeyError::Unencrypted => ("UnencryptedRepo", 46),
            KeyError::KeyFileExists(_)
            | KeyError::NonceFileInvalid(_)
            | KeyError::NotInPassphraseMode
            | KeyError::UnrelatedIdHash => return Self::error(error),
            _ => ("Exception", 2),
        };
        match error {
            KeyError::Repository(error) => error.into(),
            error => Self::new(class, modern, error),
        }
    }
}
