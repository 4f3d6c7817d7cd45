//! What travels through the pipeline: many small items, or a stretch of the chunks of a large one.
//!
//! A unit is planned (items, steps, chunk references), gets its objects from fetch and its plain data from the workers, and is
//! carried out step by step, in order, by the writer.

use nanoprobe_format::{ChunkRef, item::Item};
use nanoprobe_key::Opening;

use super::slots::Slot;
use crate::{Error, packed::append_item};

/// Steps after which a unit is closed even if it holds little data.
const MOST_STEPS: usize = 1024;
/// Packed items after which a unit is closed, and the most that is kept for the next one.
const MOST_ITEM_BYTES: usize = 128 << 10;

/// What the writer is to do next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Begin an item; its packed form without chunks is `items[start..end]`.
    Begin { start: u32, end: u32, stripped: u32, content: Content },
    /// Write the next chunk of the item at hand.
    Chunk,
    /// The item at hand is complete.
    End,
}

/// Where an item's content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// From chunks that follow, or it has none.
    Own,
    /// From the extracted file that `source` names.
    Link,
    /// The file is there already (`--continue`).
    Present,
}

/// One unit of work.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) sequence: u64,
    pub(super) items: Vec<u8>,
    pub(super) steps: Vec<Step>,
    /// The chunks; objects and data lie in the slot. What is not there by then, the writer gets by itself.
    pub(super) chunks: Vec<Opening>,
    pub(super) slot: Slot,
    /// What ended the run after the steps of this unit.
    pub(super) failure: Option<Error>,
    plain_bytes: usize,
    object_bytes: usize,
}

impl Unit {
    /// Room that objects and plain data need, as the archive says.
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.object_bytes, self.plain_bytes)
    }

    /// Nothing planned.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether another step should go to the next unit.
    pub(super) fn is_full(&self) -> bool {
        self.steps.len() >= MOST_STEPS || self.items.len() >= MOST_ITEM_BYTES
    }

    /// Whether a chunk still fits beside those planned; a chunk larger than a unit wants one for itself.
    pub(super) fn has_room_for(&self, chunk: &ChunkRef, unit_bytes: usize) -> bool {
        self.chunks.is_empty()
            || (self.plain_bytes + chunk.size as usize <= unit_bytes
                && self.object_bytes + object_bytes(chunk) <= unit_bytes)
    }

    /// Plans an item; `stripped` bytes of its path are not for the destination.
    pub(super) fn begin(&mut self, item: &Item<'_>, stripped: usize, content: Content) {
        let start = self.items.len() as u32;
        append_item(item, &mut self.items);
        let end = self.items.len() as u32;
        self.steps.push(Step::Begin { start, end, stripped: stripped as u32, content });
    }

    /// Plans a chunk of the item at hand.
    pub(super) fn chunk(&mut self, reference: ChunkRef) {
        self.plain_bytes += reference.size as usize;
        self.object_bytes += object_bytes(&reference);
        self.chunks.push(Opening { id: reference.id, object: None, data: None });
        self.steps.push(Step::Chunk);
    }

    /// Plans the end of the item at hand.
    pub(super) fn end(&mut self) {
        self.steps.push(Step::End);
    }

    /// Makes the unit ready to be planned anew.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.items.shrink_to(MOST_ITEM_BYTES * 2);
        self.steps.clear();
        self.chunks.clear();
        (self.plain_bytes, self.object_bytes) = (0, 0);
    }
}

/// Stored size; archives made without a chunks cache may not know it.
fn object_bytes(chunk: &ChunkRef) -> usize {
    if chunk.csize == 0 { chunk.size as usize + 1024 } else { chunk.csize as usize }
}
