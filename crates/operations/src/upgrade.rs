//! `upgrade`: archives from before Borg 1.0.9 get the authentication that Borg demands today.
//!
//! Manifest and key are changed by the command itself, each in one durable step. RAM: one archive's metadata.

use nanoprobe_archive::{ArchiveMetadata, ManifestEntry};
use nanoprobe_format::Id;

use crate::{Error, Interrupt, Session};

/// What is done about archives without TAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They are named.
    Check,
    /// They get one.
    Add,
}

/// What was found, or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is one, and it is right.
    Present,
    /// There is none, or a wrong one.
    Missing,
    /// There was none; the archive's metadata are now this object.
    Added(Id),
}

/// Goes through all archives, oldest first, and tells of each; commits what was added in one transaction. Gives the number of
/// archives that had none.
pub fn archives(
    session: &mut Session,
    action: Action,
    interrupt: &Interrupt,
    each: &mut dyn FnMut(&ManifestEntry, Found) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut entries = session.manifest.archives().to_vec();
    entries.sort_by(|left, right| left.time.cmp(&right.time));
    let mut opener = session.key.opener();
    let mut issues = 0;
    for entry in &entries {
        if interrupt.requested() {
            return Err(Error::Interrupted);
        }
        let Session { repository, key, sealer, manifest, .. } = &mut *session;
        let metadata = ArchiveMetadata::open_without_tam(&**repository, key, &mut opener, &entry.id)?;
        if metadata.authentic {
            each(entry, Found::Present)?;
            continue;
        }
        issues += 1;
        if action == Action::Check {
            each(entry, Found::Missing)?;
            continue;
        }
        let stored = metadata.store(&**repository, key, sealer)?;
        manifest.insert(ManifestEntry { id: stored.id, ..entry.clone() });
        if manifest.archives().iter().all(|other| other.id != entry.id) {
            repository.delete(&entry.id)?;
        }
        each(entry, Found::Added(stored.id))?;
    }
    if action == Action::Add {
        session.commit_manifest()?;
    }
    Ok(issues)
}
