//! What can go wrong. The texts are those that front ends know; each variant names Borg's class of the same meaning.

use nanoprobe_format::msgpack;

/// What can go wrong with manifest, archives and item streams.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] nanoprobe_repository::Error),
    /// An object cannot be opened or sealed.
    #[error(transparent)]
    Key(#[from] nanoprobe_key::Error),
    /// Data cannot be compressed.
    #[error(transparent)]
    Compress(#[from] nanoprobe_compress::Error),
    /// The manifest is none that Borg 1.4 writes.
    #[error("Invalid manifest: {0}")]
    MalformedManifest(#[source] msgpack::Error),
    /// A later generation of Borg wrote the manifest (`UnsupportedManifestError`).
    #[error("Unsupported manifest envelope. A newer version is required to access this repository.")]
    UnsupportedManifest,
    /// The manifest has no TAM (`TAMRequiredError`).
    #[error("Manifest is unauthenticated, but it is required for this repository.")]
    ManifestUnauthenticated,
    /// The manifest's TAM does not verify (`TAMInvalid`).
    #[error("Data integrity error: Manifest authentication did not verify")]
    ManifestTamInvalid,
    /// The TAM was made in a way that is not known (`TAMUnsupportedSuiteError`).
    #[error("Could not verify manifest: Unsupported suite {0:?}; a newer version is needed.")]
    TamUnsupportedSuite(String),
    /// The repository demands features for the operation that are not known (`MandatoryFeatureUnsupported`).
    #[error("Unsupported repository feature(s) {0}. A newer version of Borg is required to access this repository.")]
    MandatoryFeatureUnsupported(String),
    /// A new manifest would break one of Borg's limits.
    #[error("The manifest would hold too many {0}")]
    ManifestFull(&'static str),
    /// An archive's metadata is none that Borg 1.4 writes.
    #[error("Invalid archive metadata: {0}")]
    MalformedArchive(#[source] msgpack::Error),
    /// An archive has no TAM where one is demanded (`ArchiveTAMRequiredError`).
    #[error("Archive '{0}' is unauthenticated, but it is required for this repository.")]
    ArchiveUnauthenticated(String),
    /// An archive's TAM does not verify (`ArchiveTAMInvalid`).
    #[error("Data integrity error: Archive authentication did not verify")]
    ArchiveTamInvalid,
    /// A stored time does not read as one.
    #[error("Invalid timestamp {0:?}")]
    InvalidTimestamp(String),
    /// A part of an archive's item stream is no item.
    #[error("Invalid item metadata: {0}")]
    MalformedItem(#[source] msgpack::Error),
    /// The item stream ends inside an item.
    #[error("The item metadata stream ends inside an item")]
    TruncatedItems,
    /// One item is larger than the reader may buffer.
    #[error("An item's metadata is larger than {limit_bytes} bytes, which is what the memory limit leaves for it")]
    ItemTooLarge {
        /// What the reader was allowed.
        limit_bytes: usize,
    },
    /// The system gives no random bytes.
    #[error("No random numbers: {0}")]
    Random(#[from] getrandom::Error),
}
