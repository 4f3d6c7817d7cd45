//! Pass 2: whatever an archive that stays refers to is no candidate any more.

use nanoprobe_archive::{ArchiveMetadata, ManifestEntry};
use nanoprobe_format::item::Item;

use super::candidates::Candidates;
use crate::{
    Error, Event, Interrupt, Monitor, Session,
    check::damage::is_archive_damage,
    mark::{Chunk, Extent, Mark, Objects, Visitor},
};

/// Reads all archives that stay. One that is damaged ends everything: what it needs is not known.
pub(super) fn strike(
    session: &Session,
    kept: &[ManifestEntry],
    candidates: &mut Candidates,
    monitor: &dyn Monitor,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let Session { repository, key, budget, .. } = session;
    let mut mark = Mark::new(Objects::new(session), budget.memo_bytes(), budget.item_bytes(), Some(interrupt));
    let mut striker = Striker { candidates };
    let mut opener = key.opener();
    for (place, entry) in kept.iter().enumerate() {
        striker.candidates.strike(&entry.id);
        let read = ArchiveMetadata::open(&**repository, key, &mut opener, &entry.id)
            .map_err(Error::from)
            .and_then(|metadata| mark.walk(&metadata.items, &mut striker));
        read.map_err(|error| kept_archive_failed(entry, error))?;
        let (done, total) = (place as u64 + 1, kept.len() as u64);
        monitor.event(Event::Progress { operation: "cache.sync", done, total, information: entry.name.as_bytes() });
    }
    monitor.event(Event::ProgressFinished { operation: "cache.sync" });
    Ok(())
}

/// Damage lasts until it is repaired; what else keeps an archive from being read may be gone next time.
pub(super) fn kept_archive_failed(entry: &ManifestEntry, error: Error) -> Error {
    match is_archive_damage(&error) {
        true => Error::KeptArchiveDamaged { name: entry.name.clone(), source: Box::new(error) },
        false => error,
    }
}

struct Striker<'a> {
    candidates: &'a mut Candidates,
}

impl Visitor for Striker<'_> {
    type Tally = ();

    fn chunk(&mut self, chunk: &Chunk, (): &mut ()) -> Result<(), Error> {
        self.candidates.strike(&chunk.id);
        Ok(())
    }

    fn item(&mut self, value: &[u8], _: Extent<'_>, (): &mut ()) -> Result<(), Error> {
        let item = Item::parse(value).map_err(nanoprobe_archive::Error::MalformedItem)?;
        // A repair may bring back what the healthy list names.
        for chunks in [&item.chunks, &item.chunks_healthy].into_iter().flatten() {
            chunks.iter().for_each(|chunk| self.candidates.strike(&chunk.id));
        }
        Ok(())
    }

    fn again(&mut self, (): &()) {}
}
