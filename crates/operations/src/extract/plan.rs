//! select: items in archive order become units of work.
//!
//! Runs on the fetch thread, one unit ahead of it. Decides what is extracted at all and where a hard link's content comes from;
//! reads no file data.

use std::path::PathBuf;

use nanoprobe_archive::ItemReader;
use nanoprobe_format::{
    ChunkRef,
    item::{Chunks, Item},
};

use super::{
    content_bytes,
    destination::{Destination, Parents},
    masters::{Master, Masters, Stored},
    unit::{Content, Unit},
};
use crate::{Error, select::Selection};

const TYPE_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
/// Regular files, FIFOs and devices can be hard links.
const LINKABLE: [u32; 4] = [REGULAR, 0o010_000, 0o020_000, 0o060_000];

/// Makes units out of an archive's items.
pub(super) struct Planner<'a> {
    items: ItemReader<'a>,
    selection: &'a mut Selection,
    /// Present when links are to be followed to masters that are not selected.
    masters: Option<Masters>,
    /// Present for `--continue`.
    present: Option<Destination>,
    sizes: Sizes,
    unit_bytes: usize,
    chunks: Vec<ChunkRef>,
}

/// What items that do not record their sizes get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    /// None.
    AsStored,
    /// The sum of their chunks.
    Computed,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        items: ItemReader<'a>,
        selection: &'a mut Selection,
        masters: Option<Masters>,
        present: Option<Destination>,
        sizes: Sizes,
        unit_bytes: usize,
    ) -> Self {
        Self { items, selection, masters, present, sizes, unit_bytes, chunks: Vec::new() }
    }

    /// Plans all items; `send` takes each full unit and leaves an empty one, and says `false` when the run is over.
    pub(super) fn run(&mut self, send: &mut dyn FnMut(&mut Unit) -> bool) -> Result<(), Error> {
        let failed = |source| Error::Local { action: "temporary file", path: PathBuf::new(), source };
        let mut unit = Unit::default();
        while let Some(item) = self.items.next()? {
            if !self.selection.considers(&item) {
                continue;
            }
            let Some(stripped) = self.selection.matches(&item) else {
                if let Some(masters) = &mut self.masters
                    && is_master(&item)
                {
                    remember(masters, &item).map_err(failed)?;
                }
                continue;
            };
            if unit.is_full() && !send(&mut unit) {
                return Ok(());
            }
            let mut planned = Item { chunks: None, ..item.clone() };
            let mut content = Content::Own;
            let mut from_master = None;
            let mut link = Vec::new();
            if is_link(&item)
                && let Some(source) = item.source
            {
                let found = match &self.masters {
                    Some(masters) => masters.find(source).map_err(failed)?,
                    None => None,
                };
                content = Content::Link;
                planned.source = Some(self.selection.strip(source));
                match found {
                    Some(Master::At(path)) => {
                        link = path;
                        planned.source = Some(&link);
                    }
                    Some(Master::Content(stored)) => {
                        // The first selected link takes the master's place.
                        content = Content::Own;
                        planned.source = None;
                        from_master = Some(stored);
                        if let Some(masters) = &mut self.masters {
                            masters.extracted(source, &item.path[stripped..]).map_err(failed)?;
                        }
                    }
                    None => {}
                }
            }
            if self.present.as_mut().is_some_and(|destination| is_present(destination, &item, stripped)) {
                content = Content::Present;
            }
            // The healthy list says only that the content is not what it was.
            if planned.chunks_healthy.is_some() {
                planned.chunks_healthy = Some(Chunks::Refs(&[]));
            }
            if self.sizes == Sizes::Computed && content == Content::Own && planned.size.is_none() {
                planned.size = match (&from_master, &self.masters) {
                    (Some(stored), Some(masters)) => Some(masters.size_bytes(*stored).map_err(failed)?),
                    _ => Some(content_bytes(&item)),
                };
            }
            unit.begin(&planned, stripped, content);
            drop(link);
            if content == Content::Own {
                let own = item.chunks.as_ref().filter(|_| from_master.is_none());
                for chunk in own.iter().flat_map(|chunks| chunks.iter()) {
                    if !plan_chunk(&mut unit, chunk, self.unit_bytes, send) {
                        return Ok(());
                    }
                }
                if let (Some(mut stored), Some(masters)) = (from_master, &self.masters)
                    && !plan_stored(&mut unit, masters, &mut stored, &mut self.chunks, self.unit_bytes, send)
                        .map_err(failed)?
                {
                    return Ok(());
                }
            }
            unit.end();
        }
        if !unit.is_empty() {
            send(&mut unit);
        }
        Ok(())
    }
}

fn plan_chunk(unit: &mut Unit, chunk: ChunkRef, unit_bytes: usize, send: &mut dyn FnMut(&mut Unit) -> bool) -> bool {
    if (unit.is_full() || !unit.has_room_for(&chunk, unit_bytes)) && !send(unit) {
        return false;
    }
    unit.chunk(chunk);
    true
}

fn plan_stored(
    unit: &mut Unit,
    masters: &Masters,
    stored: &mut Stored,
    chunks: &mut Vec<ChunkRef>,
    unit_bytes: usize,
    send: &mut dyn FnMut(&mut Unit) -> bool,
) -> std::io::Result<bool> {
    loop {
        masters.chunks(stored, chunks)?;
        if chunks.is_empty() {
            return Ok(true);
        }
        if !chunks.iter().all(|&chunk| plan_chunk(unit, chunk, unit_bytes, send)) {
            return Ok(false);
        }
    }
}

fn remember(masters: &mut Masters, item: &Item<'_>) -> std::io::Result<()> {
    let chunks = item.chunks.unwrap_or(Chunks::Refs(&[]));
    masters.remember(item.path, chunks.len(), chunks.iter())
}

fn is_link(item: &Item<'_>) -> bool {
    item.source.is_some() && LINKABLE.contains(&(item.mode & TYPE_BITS))
}

/// Old archives do not say who is a master: anything that could be one counts.
fn is_master(item: &Item<'_>) -> bool {
    item.source.is_none() && item.hardlink_master.unwrap_or(true) && LINKABLE.contains(&(item.mode & TYPE_BITS))
}

/// Whether an earlier run has extracted this file completely: its time is set last.
fn is_present(destination: &mut Destination, item: &Item<'_>, stripped: usize) -> bool {
    if item.mode & TYPE_BITS != REGULAR || item.source.is_some() {
        return false;
    }
    let Ok(place) = destination.place(&item.path[stripped..], Parents::Expect) else { return false };
    let Ok(stat) = rustix::fs::statat(place.directory, place.name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) else {
        return false;
    };
    let modified = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    let size = item.size.unwrap_or_else(|| item.chunks.map_or(0, |chunks| chunks.size_bytes()));
    stat.st_mode & TYPE_BITS == REGULAR
        && u64::try_from(stat.st_size).is_ok_and(|present| present == size)
        && item.mtime.is_some_and(|mtime| i128::from(mtime) == modified)
}
