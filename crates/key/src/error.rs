//! What can go wrong. The texts are those that front ends know; each variant names Borg's class of the same meaning.

use std::{io, path::PathBuf};

use nanoprobe_format::Id;

/// What can go wrong with keys and with what they protect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An object is not what it claims to be (`IntegrityError`).
    #[error("Data integrity error: {0}")]
    Integrity(#[from] IntegrityError),
    /// An object's payload cannot be decompressed (`DecompressionError`).
    #[error("Decompression error: {0}")]
    Decompression(#[from] nanoprobe_compress::Error),
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] nanoprobe_repository::Error),
    /// A primitive gives wrong answers on this machine: nothing may be named, sealed or believed.
    #[error(transparent)]
    Primitive(#[from] nanoprobe_crypto::Failure),
    /// The first byte of the manifest is no key type (`UnsupportedPayloadError`).
    #[error("Unsupported payload type {0}. A newer version is required to access this repository.")]
    UnsupportedPayload(u8),
    /// The manifest's object is empty.
    #[error("Data integrity error: Manifest: Invalid encryption envelope")]
    EmptyManifest,
    /// No passphrase could be had (`NoPassphraseFailure`).
    #[error("Cannot acquire a passphrase: {0}")]
    NoPassphrase(String),
    /// The command that should print the passphrase failed (`PasscommandFailure`).
    #[error("Passcommand supplied in BORG_PASSCOMMAND failed: {0}")]
    PasscommandFailed(String),
    /// The passphrase given ahead of time does not fit (`PassphraseWrong`).
    #[error("Passphrase supplied in BORG_PASSPHRASE, by BORG_PASSCOMMAND, or via BORG_PASSPHRASE_FD is incorrect.")]
    PassphraseWrong,
    /// A person tried too often (`PasswordRetriesExceeded`).
    #[error("Exceeded the maximum password retries.")]
    PassphraseRetriesExceeded,
    /// No key file (`KeyfileNotFoundError`).
    #[error("No key file for repository {location} found in {}.", directory.display())]
    KeyFileNotFound {
        /// Canonical location of the repository.
        location: String,
        /// The keys directory.
        directory: PathBuf,
    },
    /// A key file or the repository's key is damaged (`KeyfileInvalidError`).
    #[error("Invalid key data for repository {location} found in {place}.")]
    KeyInvalid {
        /// Canonical location of the repository.
        location: String,
        /// The key file, or `(repokey)`.
        place: String,
    },
    /// `BORG_KEY_FILE` names the key of another repository (`KeyfileMismatchError`).
    #[error("Mismatch between repository {location} and key file {}.", path.display())]
    KeyFileMismatch {
        /// Canonical location of the repository.
        location: String,
        /// The key file.
        path: PathBuf,
    },
    /// `config` holds no key (`RepoKeyNotFoundError`).
    #[error("No key entry found in the config of repository {0}.")]
    RepositoryKeyNotFound(String),
    /// `BORG_KEY_FILE` names a file that is there already (`Error`).
    #[error("Aborting because key in \"{}\" already exists.", .0.display())]
    KeyFileExists(PathBuf),
    /// The mode has no key whose passphrase could change (`UnencryptedRepo`).
    #[error("Key management not available for unencrypted repositories.")]
    Unencrypted,
    /// Only repositories in the mode that Borg 1.0 did away with are migrated (`Error`).
    #[error("The repository is not in passphrase mode, there is nothing to migrate.")]
    NotInPassphraseMode,
    /// Secrets of a related repository that names data by another hash (`Error`).
    #[error("You must keep the same ID hash (HMAC-SHA256 or BLAKE2b) or deduplication will break.")]
    UnrelatedIdHash,
    /// An imported file is no key (`NotABorgKeyFile`).
    #[error("This file is not a Borg key backup, aborting.")]
    NotAKeyBackup,
    /// An imported file is another repository's key (`RepoIdMismatch`).
    #[error("This key backup seems to be for a different backup repository, aborting.")]
    BackupOfAnother,
    /// The key blob is of another generation (`Error`).
    #[error(transparent)]
    KeyBlob(#[from] nanoprobe_format::key_blob::Error),
    /// The key blob asks for more work than any passphrase is worth.
    #[error("Key derivation with {0} iterations refused, at most {most} are accepted.", most = crate::MOST_ITERATIONS)]
    TooManyIterations(u32),
    /// Unknown repository without encryption, and nobody said that it is wanted (`Cache.CacheInitAbortedError`).
    #[error("Cache initialization aborted")]
    UnknownUnencryptedRefused,
    /// The mode changed since the last access (`Cache.EncryptionMethodMismatch`).
    #[error("Repository encryption method changed since last access, refusing to continue")]
    EncryptionMethodChanged,
    /// The repository moved, and nobody said that it did (`Cache.RepositoryAccessAborted`).
    #[error("Repository access aborted")]
    RelocationRefused,
    /// The manifest is older than one seen, without encryption (`Cache.RepositoryIDNotUnique`).
    #[error("Cache is newer than repository - do you have multiple, independently updated repos with same ID?")]
    RepositoryIdNotUnique,
    /// The manifest is older than one seen (`Cache.RepositoryReplay`).
    #[error(
        "Cache, or information obtained from the security directory is newer than repository - this is either an attack or unsafe (multiple repos with same ID)"
    )]
    RepositoryReplay,
    /// The local nonce file is damaged (`Error`).
    #[error("Local security dir has an invalid nonce file: {}", .0.display())]
    NonceFileInvalid(PathBuf),
    /// Somebody reserved nonces in between, although the repository is locked.
    #[error("nonce space reservation with mismatched previous state")]
    NonceReservationChanged,
    /// The repository's reservation is further ahead than any use of it explains.
    #[error(
        "Repository claims that nonces up to {claimed:#x} are used, but only {known:#x} are accounted for. \
         Refusing to write: following it would use up the nonce space."
    )]
    NonceJump {
        /// What the repository says.
        claimed: u64,
        /// What this client and the verified manifest say.
        known: u64,
    },
    /// No nonces are left for this key.
    #[error("The nonce space of this repository's key is exhausted. Refusing to write: create a new repository.")]
    NoncesExhausted,
    /// A local file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
    /// The buffer given to the sealer has no room for the envelope.
    #[error("object without room for its envelope")]
    NoRoom,
}

impl Error {
    /// For `map_err` after a call on `path`.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}

/// An object is not what it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// The type byte is not the key's own.
    #[error("{0}: Invalid encryption envelope")]
    Envelope(Name),
    /// The same for the authenticated modes.
    #[error("{0}: Invalid envelope")]
    PlainEnvelope(Name),
    /// Too short, or the MAC differs.
    #[error("{0}: Could not decrypt [MAC Authentication failed]")]
    Mac(Name),
    /// The data has another id than the one it was asked by.
    #[error("Chunk {0}: id verification failed")]
    Id(Id),
}

/// How messages name an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub Option<Id>);

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(id) => write!(f, "Chunk {id}"),
            None => f.write_str("Chunk (unknown)"),
        }
    }
}
