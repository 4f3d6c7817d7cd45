//! An item's list of chunks: `array [ [raw 32: id, size, csize], … ]`, as a view over the packed form or a slice.

use embedded_io::Write;

use crate::ChunkRef;
use crate::msgpack::Writer;
use crate::packed::{List, Packed};

/// A file's content, in order: packed as it was read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum Chunks<'a> {
    /// As it stands in the stream.
    Packed(Packed<'a, ChunkRef>),
    /// To be emitted.
    Refs(&'a [ChunkRef]),
}

impl<'a> Chunks<'a> {
    /// Number of chunks.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// True for an empty file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkRef> + Clone + use<'a> {
        self.list().iter()
    }

    /// Sum of the plain sizes in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.iter().fold(0, |sum, chunk| sum.saturating_add(u64::from(chunk.size)))
    }

    pub(super) fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        self.list().emit(writer)
    }

    fn list(&self) -> List<'a, ChunkRef> {
        match *self {
            Self::Packed(packed) => List::Packed(packed),
            Self::Refs(refs) => List::Slice(refs),
        }
    }
}

impl PartialEq for Chunks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}
