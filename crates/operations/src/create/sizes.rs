//! Stored sizes that the repository does not know: a repository elsewhere tells only what there is.
//!
//! Most chunks that this run meets again are those of the newest archive, whose items tell their sizes, at the cost of reading
//! its metadata once. What is met beside them gets the size 0, which in Borg's items says that it is not known.

use nanoprobe_archive::{ArchiveMetadata, ItemReader, Manifest};
use nanoprobe_key::Key;
use nanoprobe_repository::Repository;

use crate::{Error, Interrupt};

/// Tells the repository what the newest archive knows. An archive that cannot be read tells nothing.
pub(super) fn learn(
    repository: &dyn Repository,
    key: &Key,
    manifest: &Manifest,
    item_bytes: usize,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    if repository.unknown_sizes()? == 0 {
        return Ok(());
    }
    let Some(newest) = manifest.archives().iter().max_by(|one, other| one.time.cmp(&other.time)) else { return Ok(()) };
    let Ok(metadata) = ArchiveMetadata::open(repository, key, &mut key.opener(), &newest.id) else { return Ok(()) };
    let mut items = ItemReader::with_limit(repository, key.opener(), &metadata.items, item_bytes);
    while let Ok(Some(item)) = items.next() {
        for chunk in item.chunks.iter().flat_map(|chunks| chunks.iter()) {
            repository.learn(&chunk)?;
        }
        if interrupt.requested() {
            break;
        }
    }
    Ok(())
}
