//! Which errors say that stored bytes are not what they were, rather than that they cannot be had: check reports those and goes on.

use nanoprobe_archive::Error as ArchiveError;
use nanoprobe_key::{Error as KeyError, IntegrityError};
use nanoprobe_repository::Error as RepositoryError;

use crate::Error;

/// Whether an error says that stored bytes are not what they were, rather than that they cannot be had.
pub(super) fn is_damage(error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Repository(error) => is_integrity(error),
        ArchiveError::Key(error) => is_key_damage(error),
        ArchiveError::ManifestTamInvalid
        | ArchiveError::ManifestUnauthenticated
        | ArchiveError::TamUnsupportedSuite(_)
        | ArchiveError::MalformedManifest(_)
        | ArchiveError::MalformedArchive(_)
        | ArchiveError::ArchiveTamInvalid
        | ArchiveError::ArchiveUnauthenticated(_) => true,
        _ => false,
    }
}

/// The same for reading an archive's items, where a missing object counts too.
pub(crate) fn is_item_damage(error: &Error) -> bool {
    match error {
        Error::Repository(error) => is_not_found(error) || is_integrity(error),
        Error::Key(error) => is_key_damage(error),
        Error::Format(_) => true,
        Error::Archive(ArchiveError::MalformedItem(_) | ArchiveError::TruncatedItems) => true,
        _ => false,
    }
}

/// The same for all that reading an archive takes.
pub(crate) fn is_archive_damage(error: &Error) -> bool {
    match error {
        Error::Archive(ArchiveError::Repository(error)) if is_not_found(error) => true,
        Error::Archive(error) if is_damage(error) => true,
        error => is_item_damage(error),
    }
}

/// The same for what opening an object came to.
pub(super) fn is_key_damage(error: &KeyError) -> bool {
    match error {
        KeyError::Repository(error) => is_integrity(error),
        KeyError::Integrity(_) | KeyError::Decompression(_) => true,
        _ => false,
    }
}

/// The same for what reading an object came to.
pub(super) fn is_integrity(error: &RepositoryError) -> bool {
    matches!(error, RepositoryError::Integrity(_) | RepositoryError::FileIntegrity(_))
}

/// There is no such object.
pub(crate) fn is_not_found(error: &RepositoryError) -> bool {
    matches!(error, RepositoryError::ObjectNotFound { .. })
}

/// What Borg's check prints for it: a wrong MAC goes by fewer words there than elsewhere.
pub(super) fn describe(error: &KeyError) -> String {
    match error {
        KeyError::Integrity(IntegrityError::Mac(_)) => "MAC Authentication failed".to_owned(),
        error => error.to_string(),
    }
}

/// The same for manifests and archives.
pub(super) fn describe_archive(error: &ArchiveError) -> String {
    match error {
        ArchiveError::Key(error) => describe(error),
        error => error.to_string(),
    }
}
