//! An open repository with its key and manifest: what every operation starts from.

use std::{path::PathBuf, sync::Arc};

use nanoprobe_archive::Manifest;
use nanoprobe_key::{Key, Sealer};
use nanoprobe_repository::Repository;

use crate::Budget;

/// Repository, key and manifest, opened and verified.
pub struct Session {
    /// The repository; whether it is remote does not show.
    pub repository: Arc<dyn Repository>,
    /// The unlocked key.
    pub key: Key,
    /// What seals new objects.
    pub sealer: Sealer,
    /// The verified manifest.
    pub manifest: Manifest,
    /// Our own cache directory for this repository (never Borg's).
    pub cache: PathBuf,
    /// The memory budget.
    pub budget: Budget,
}
