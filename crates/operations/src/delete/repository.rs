//! Deleting a whole repository, and what this machine remembers of it.

use std::{fs, io, sync::Arc};

use nanoprobe_archive::{Manifest, ManifestEntry};
use nanoprobe_format::Id;
use nanoprobe_key::{Key, SecurityDirectory};
use nanoprobe_repository::Repository;

use crate::{Error, Places, Prompts, check::damage::is_not_found};

/// What becomes of the security directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityInformation {
    /// It stays (`--keep-security-info`).
    Kept,
    /// It goes too.
    Deleted,
}

/// The archives of a repository that is about to be deleted, whatever features it demands; `None` when it has no manifest.
pub fn archives(
    repository: &Arc<dyn Repository>,
    places: &Places,
    prompts: &mut impl Prompts,
) -> Result<Option<Vec<ManifestEntry>>, Error> {
    let mut object = Vec::new();
    match repository.get(&Id::MANIFEST, &mut object) {
        Ok(()) => {}
        Err(error) if is_not_found(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let key = Key::unlock(&**repository, &object, &places.directories, prompts)?;
    let manifest = Manifest::open(&object, &key, &mut key.opener())?;
    Ok(Some(manifest.archives().to_vec()))
}

/// Deletes the repository.
pub fn destroy(repository: &dyn Repository, places: &Places, security: SecurityInformation) -> Result<(), Error> {
    repository.destroy()?;
    if security == SecurityInformation::Deleted {
        SecurityDirectory::open(&places.directories, repository)?.destroy()?;
    }
    Ok(())
}

/// Deletes our caches for the repository.
pub fn destroy_cache(repository: &dyn Repository, places: &Places) -> Result<(), Error> {
    let path = places.caches.join(Id(repository.id()).to_string());
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::local("remove", path)(error)),
        _ => Ok(()),
    }
}
