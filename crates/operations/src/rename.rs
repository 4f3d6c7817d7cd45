//! `rename`: an archive's own object with another name in it, in place of the old one.
//!
//! The old object goes, unless some file holds the very same bytes, which only a pass over all archives tells
//! (`delete/strike.rs`). Where that cannot be told it stays, which `check` reports.

use nanoprobe_archive::{ArchiveMetadata, ManifestEntry, RepositoryTotals};

use crate::{
    Error, Interrupt, Monitor, Session,
    delete::is_needed,
    mark::{Objects, Source},
};

/// Renames an archive and commits.
pub fn rename(
    session: &mut Session,
    old: &str,
    new: &str,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let renamed = replace(session, old, new, monitor, interrupt);
    if renamed.is_err() {
        // The failure itself is what counts.
        let _ = session.repository.rollback();
    }
    renamed
}

fn replace(
    session: &mut Session,
    old: &str,
    new: &str,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let Some(entry) = session.manifest.archive(old).cloned() else { return Err(Error::NoSuchArchive(old.to_owned())) };
    let mut metadata = ArchiveMetadata::open(&*session.repository, &session.key, &mut session.key.opener(), &entry.id)?;
    if session.manifest.archive(new).is_some() {
        return Err(Error::ArchiveExists(new.to_owned()));
    }
    let totals = RepositoryTotals::load(&session.cache, &session.key, session.manifest.archives());
    let mut data = Vec::new();
    let csize = Objects::new(session).fetch(&entry.id, &mut data)?;
    let size = data.len() as u64;
    drop(data);

    let is_needed = match is_needed(session, &entry.id, old, monitor, interrupt) {
        Err(Error::KeptArchiveDamaged { .. }) => true,
        needed => needed?,
    };
    new.clone_into(&mut metadata.name);
    let stored = metadata.store(&*session.repository, &session.key, &session.sealer)?;
    if !is_needed {
        session.repository.delete(&entry.id)?;
    }
    session.manifest.remove(old);
    session.manifest.insert(ManifestEntry { name: new.to_owned(), id: stored.id, time: metadata.time });
    session.commit_manifest()?;
    if let Some(totals) = totals.filter(|_| !is_needed) {
        let totals = RepositoryTotals {
            unique_size_bytes: (totals.unique_size_bytes + u64::from(stored.plain_bytes)).saturating_sub(size),
            unique_csize_bytes: (totals.unique_csize_bytes + u64::from(stored.stored_bytes))
                .saturating_sub(u64::from(csize)),
            ..totals
        };
        // A file that cannot be written is of an older set of archives, so that it says nothing.
        let _ = totals.save(&session.cache, &session.key, session.manifest.archives());
    }
    Ok(())
}
