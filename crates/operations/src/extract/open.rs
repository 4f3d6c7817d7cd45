//! open: stored objects to plain data, by several workers: authenticate, decrypt, decompress, check the id.

use nanoprobe_key::Opener;

use super::unit::Unit;

/// One worker's state.
pub(super) struct Open {
    opener: Opener,
    data: Vec<u8>,
}

impl Open {
    pub(super) fn new(opener: Opener) -> Self {
        Self { opener, data: Vec::new() }
    }

    /// Opens the unit's objects into its slot. What cannot be opened or has no room is left to the writer.
    pub(super) fn open(&mut self, unit: &mut Unit) {
        let slot = &mut unit.slot;
        if let [chunk] = unit.chunks.as_mut_slice() {
            if let Some((start, end)) = chunk.object
                && let object = &mut slot.objects[start as usize..end as usize]
                && self.opener.open_in_place(Some(&chunk.reference.id), object, &mut slot.plain).is_ok()
            {
                chunk.plain = Some((0, slot.plain.len() as u32));
            }
            return;
        }
        slot.plain.clear();
        for chunk in &mut unit.chunks {
            let Some((start, end)) = chunk.object else { continue };
            let object = &mut slot.objects[start as usize..end as usize];
            if self.opener.open_in_place(Some(&chunk.reference.id), object, &mut self.data).is_err() {
                continue;
            }
            let start = slot.plain.len();
            let end = start + self.data.len();
            if end <= slot.plain.capacity() {
                slot.plain.extend_from_slice(&self.data);
                chunk.plain = Some((start as u32, end as u32));
            }
        }
    }
}
