//! An item's extended attributes: `map { raw: raw, … }`; Borg stores an empty value as nil.

use embedded_io::Write;

use crate::msgpack::{Error, Reader, Writer};
use crate::packed::{Element, Packed};

/// Extended attributes: packed as they were read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum Xattrs<'a> {
    /// As they stand in the stream.
    Packed(Packed<'a, Xattr<'a>>),
    /// To be emitted: names and values, in any order, each name once.
    Pairs(&'a [(&'a [u8], &'a [u8])]),
}

/// A name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xattr<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Xattrs<'a> {
    /// Number of attributes.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.len(),
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
            Self::Packed(packed) => (packed, &[][..]),
            Self::Pairs(pairs) => (Packed::EMPTY, pairs),
        };
        packed.iter().map(|xattr| (xattr.name, xattr.value)).chain(pairs.iter().copied())
    }

    /// Writes the map with its names ascending. Names are picked one after another, smallest first: quadratic, but a
    /// file has few attributes, and this needs no memory.
    pub(super) fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        match self {
            Self::Packed(packed) => {
                writer.map(packed.len())?;
                writer.packed(packed.bytes())
            }
            Self::Pairs(pairs) if pairs.is_sorted_by_key(|pair| pair.0) => {
                writer.map(pairs.len())?;
                pairs.iter().try_for_each(|&(name, value)| Xattr { name, value }.emit(writer))
            }
            Self::Pairs(pairs) => {
                writer.map(pairs.len())?;
                let mut after = None;
                while let Some(name) = pairs.iter().map(|pair| pair.0).filter(|&name| Some(name) > after).min() {
                    pairs
                        .iter()
                        .filter(|pair| pair.0 == name)
                        .try_for_each(|&(name, value)| Xattr { name, value }.emit(writer))?;
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

impl<'a> Element<'a> for Xattr<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let name = reader.raw()?;
        Ok(Self { name, value: if reader.nil()? { &[] } else { reader.raw()? } })
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.raw(self.name)?;
        if self.value.is_empty() { writer.nil() } else { writer.raw(self.value) }
    }
}
