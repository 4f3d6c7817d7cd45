//! An item's list of chunks: `array [ [raw 32: id, size, csize], … ]`, as a view over the packed form or a slice.

use embedded_io::Write;

use crate::msgpack::{Error, Reader, Writer};
use crate::{ChunkRef, Id};

/// A file's content, in order: packed as it was read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum Chunks<'a> {
    /// As it stands in the stream.
    Packed(PackedChunks<'a>),
    /// To be emitted.
    Refs(&'a [ChunkRef]),
}

/// A packed list whose every entry has been looked at.
#[derive(Clone, Copy, Debug)]
pub struct PackedChunks<'a> {
    entries: &'a [u8],
    count: usize,
}

impl<'a> Chunks<'a> {
    /// Number of chunks.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.count,
            Self::Refs(refs) => refs.len(),
        }
    }

    /// True for an empty file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkRef> + Clone + use<'a> {
        let (packed, refs) = match *self {
            Self::Packed(packed) => (packed.entries, &[][..]),
            Self::Refs(refs) => (&[][..], refs),
        };
        let mut reader = Reader::new(packed);
        core::iter::from_fn(move || read_entry(&mut reader).ok()).chain(refs.iter().copied())
    }

    /// Sum of the plain sizes in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.iter().fold(0, |sum, chunk| sum.saturating_add(u64::from(chunk.size)))
    }

    pub(super) fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.array(self.len())?;
        match self {
            Self::Packed(packed) => writer.packed(packed.entries),
            Self::Refs(refs) => refs.iter().try_for_each(|chunk| {
                writer.array(3)?;
                writer.raw(&chunk.id.0)?;
                writer.unsigned(u64::from(chunk.size))?;
                writer.unsigned(u64::from(chunk.csize))
            }),
        }
    }
}

impl PartialEq for Chunks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> PackedChunks<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = reader.array()?;
        let start = reader.rest();
        for _ in 0..count {
            read_entry(reader)?;
        }
        Ok(Self { entries: &start[..start.len() - reader.rest().len()], count })
    }
}

fn read_entry(reader: &mut Reader<'_>) -> Result<ChunkRef, Error> {
    if reader.array()? != 3 {
        return Err(Error::WrongLength);
    }
    Ok(ChunkRef { id: Id(reader.raw_array()?), size: reader.number()?, csize: reader.number()? })
}
