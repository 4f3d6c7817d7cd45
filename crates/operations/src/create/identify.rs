//! id: names a chunk by its content.

use std::collections::HashMap;

use nanoprobe_format::Id;
use nanoprobe_key::Key;

use super::unit::Chunk;

/// Names chunks; remembers the names of holes, which come in few sizes.
pub(super) struct Identifier<'a> {
    key: &'a Key,
    holes: HashMap<usize, Id>,
}

impl<'a> Identifier<'a> {
    pub(super) fn new(key: &'a Key) -> Self {
        Self { key, holes: HashMap::new() }
    }

    /// Gives `chunk` its name.
    pub(super) fn identify(&mut self, chunk: &mut Chunk, data: &[u8]) {
        chunk.id = if chunk.hole {
            *self.holes.entry(chunk.range.len()).or_insert_with(|| self.key.id(&vec![0; chunk.range.len()]))
        } else {
            self.key.id(data)
        };
    }
}
