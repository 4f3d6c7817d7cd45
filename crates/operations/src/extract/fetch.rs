//! fetch: the objects of a unit, read in order by one thread.
//!
//! A unit of one chunk takes its object as the repository gives it; the objects of many small chunks are laid side by side.

use nanoprobe_format::Id;
use nanoprobe_repository::Repository;

use super::unit::Unit;

/// Gets objects, unit after unit.
pub(super) struct Fetch<'a> {
    repository: &'a dyn Repository,
    object: Vec<u8>,
    ids: Vec<Id>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(repository: &'a dyn Repository) -> Self {
        Self { repository, object: Vec::new(), ids: Vec::new() }
    }

    /// Says what will be asked for next.
    pub(super) fn announce(&mut self, unit: &Unit) {
        self.ids.clear();
        self.ids.extend(unit.chunks.iter().map(|chunk| chunk.id));
        self.repository.preload(&self.ids);
    }

    /// Fills the unit's slot. What cannot be got, or has no room (only an archive that lies about sizes comes to that), is left
    /// to the writer, which meets the same trouble at the right place among the files.
    pub(super) fn fill(&mut self, unit: &mut Unit) {
        if let [chunk] = unit.chunks.as_mut_slice() {
            if self.repository.get(&chunk.id, &mut unit.slot.objects).is_ok() {
                chunk.object = Some((0, unit.slot.objects.len() as u32));
            }
            return;
        }
        unit.slot.objects.clear();
        for chunk in &mut unit.chunks {
            if self.repository.get(&chunk.id, &mut self.object).is_err() {
                continue;
            }
            let start = unit.slot.objects.len();
            let end = start + self.object.len();
            if end <= unit.slot.objects.capacity() {
                unit.slot.objects.extend_from_slice(&self.object);
                chunk.object = Some((start as u32, end as u32));
            }
        }
    }
}
