//! leftovers: what an interrupted recreate of the same archive has left goes first, so that recreating can be tried again.
//!
//! Only what certainly is one: an archive of the temporary name (or a checkpoint of it) that recreate wrote from an archive of
//! the same time, and not to a target of that name. Any other archive of that name stays, and stands in the way.

use std::time::Duration;

use nanoprobe_archive::{ArchiveMetadata, ManifestEntry};

use super::temporary;
use crate::{
    Error, Interrupt, Monitor, Session,
    delete::{DeleteOptions, Force, delete},
    prune::is_checkpoint,
    select::PartFiles,
};

/// How an option that names a target begins, however it is abbreviated.
const TARGET_OPTION: &str = "--ta";

/// Deletes leftovers of recreating `original`, whose metadata is given.
pub(super) fn delete_leftovers(
    session: &mut Session,
    original: &ManifestEntry,
    metadata: &ArchiveMetadata,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let temporary = temporary(&original.name);
    let mut names = Vec::new();
    for entry in session.manifest.archives() {
        let rest = entry.name.strip_prefix(&temporary);
        if rest.is_some_and(|rest| rest.is_empty() || is_only_checkpoint(rest))
            && is_leftover(session, entry, metadata)?
        {
            names.push(entry.name.clone());
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let options = DeleteOptions { force: Force::No, checkpoint_interval: Duration::ZERO, part_files: PartFiles::Skip };
    delete(session, &names, &options, monitor, interrupt).map(drop)
}

fn is_leftover(session: &Session, entry: &ManifestEntry, original: &ArchiveMetadata) -> Result<bool, Error> {
    let Session { repository, key, .. } = session;
    let metadata = ArchiveMetadata::open(&**repository, key, &mut key.opener(), &entry.id)?;
    let in_place = |words: &Vec<String>| !words.iter().any(|word| word.starts_with(TARGET_OPTION));
    Ok(metadata.time == original.time && metadata.recreate_command_line.as_ref().is_some_and(in_place))
}

/// Nothing but the ending of a checkpoint.
fn is_only_checkpoint(rest: &str) -> bool {
    is_checkpoint(rest) && rest.matches(".checkpoint").count() == 1 && rest.starts_with(".checkpoint")
}
