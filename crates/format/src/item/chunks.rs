//! An item's list of chunks: `array [ [raw 32: id, size, csize], … ]`, as a view over the packed form or a slice.

use embedded_io::Write;

use crate::ChunkRef;
use crate::msgpack::Writer;
use crate::packed::{Element, List, Packed};

/// A file's content, in order: packed as it was read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum Chunks<'a> {
    /// As it stands in the stream.
    Packed(Packed<'a, ChunkRef>),
    /// To be emitted.
    Refs(&'a [ChunkRef]),
    /// A list, as it is but for the stored sizes.
    Resized(List<'a, ChunkRef>, &'a [u32]),
}

impl<'a> Chunks<'a> {
    /// Number of chunks.
    pub fn len(&self) -> usize {
        self.parts().0.len()
    }

    /// True for an empty file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkRef> + Clone + use<'a> {
        let (list, csizes) = self.parts();
        let mut csizes = csizes.iter();
        list.iter().map(move |chunk| ChunkRef { csize: csizes.next().copied().unwrap_or(chunk.csize), ..chunk })
    }

    /// The same with other stored sizes.
    pub fn resized(&self, csizes: &'a [u32]) -> Self {
        Self::Resized(self.parts().0, csizes)
    }

    /// Sum of the plain sizes in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.iter().fold(0, |sum, chunk| sum.saturating_add(u64::from(chunk.size)))
    }

    pub(super) fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        let (list, csizes) = self.parts();
        if csizes.is_empty() {
            return list.emit(writer);
        }
        writer.array(list.len())?;
        self.iter().try_for_each(|chunk| chunk.emit(writer))
    }

    /// What there is, and the stored sizes that count instead of its own.
    fn parts(&self) -> (List<'a, ChunkRef>, &'a [u32]) {
        match *self {
            Self::Packed(packed) => (List::Packed(packed), &[]),
            Self::Refs(refs) => (List::Slice(refs), &[]),
            Self::Resized(list, csizes) => (list, csizes),
        }
    }
}

impl PartialEq for Chunks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
