//! An item's extended attributes: `map { raw: raw, … }`; Borg stores an empty value as nil.

use embedded_io::Write;

use crate::msgpack::{Error, Reader, Writer};

/// Extended attributes: packed as they were read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum Xattrs<'a> {
    /// As they stand in the stream.
    Packed(PackedXattrs<'a>),
    /// To be emitted: names and values, in any order, each name once.
    Pairs(&'a [(&'a [u8], &'a [u8])]),
}

/// A packed map whose every pair has been looked at.
#[derive(Clone, Copy, Debug)]
pub struct PackedXattrs<'a> {
    pairs: &'a [u8],
    count: usize,
}

impl<'a> Xattrs<'a> {
    /// Number of attributes.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.count,
            Self::Pairs(pairs) => pairs.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let (packed, pairs) = match *self {
            Self::Packed(packed) => (packed.pairs, &[][..]),
            Self::Pairs(pairs) => (&[][..], pairs),
        };
        let mut reader = Reader::new(packed);
        core::iter::from_fn(move || read_pair(&mut reader).ok()).chain(pairs.iter().copied())
    }

    /// Writes the map with its names ascending. Names are picked one after another, smallest first: quadratic, but a
    /// file has few attributes, and this needs no memory.
    pub(super) fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        match self {
            Self::Packed(packed) => {
                writer.map(packed.count)?;
                writer.packed(packed.pairs)
            }
            Self::Pairs(pairs) if pairs.is_sorted_by_key(|pair| pair.0) => {
                writer.map(pairs.len())?;
                pairs.iter().try_for_each(|&pair| emit_pair(writer, pair))
            }
            Self::Pairs(pairs) => {
                writer.map(pairs.len())?;
                let mut after = None;
                while let Some(name) = pairs.iter().map(|pair| pair.0).filter(|&name| Some(name) > after).min() {
                    pairs.iter().filter(|pair| pair.0 == name).try_for_each(|&pair| emit_pair(writer, pair))?;
                    after = Some(name);
                }
                Ok(())
            }
        }
    }
}

impl PartialEq for Xattrs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> PackedXattrs<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = reader.map()?;
        let start = reader.rest();
        for _ in 0..count {
            read_pair(reader)?;
        }
        Ok(Self { pairs: &start[..start.len() - reader.rest().len()], count })
    }
}

fn read_pair<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), Error> {
    let name = reader.raw()?;
    Ok((name, if reader.nil()? { &[] } else { reader.raw()? }))
}

fn emit_pair<W: Write>(writer: &mut Writer<W>, (name, value): (&[u8], &[u8])) -> Result<(), W::Error> {
    writer.raw(name)?;
    if value.is_empty() { writer.nil() } else { writer.raw(value) }
}
