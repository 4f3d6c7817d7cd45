//! Lists as they stand in msgpack bytes: looked at once when read, walked again whenever needed, never copied.

use core::marker::PhantomData;

use embedded_io::Write;

use crate::msgpack::{Error, Reader, Writer};
use crate::{ChunkRef, Id};

/// What stands in a [`Packed`] list: an element of an array, or one pair of a map.
pub trait Element<'a>: Copy {
    /// Reads one.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error>;
    /// Writes one.
    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error>;
}

/// An array's elements or a map's pairs, packed; every one has been read once without an error.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    bytes: &'a [u8],
    count: usize,
    element: PhantomData<T>,
}

impl<'a, T: Element<'a>> Packed<'a, T> {
    /// Nothing.
    pub const EMPTY: Self = Self { bytes: &[], count: 0, element: PhantomData };

    /// Reads an array.
    pub fn read_array(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = reader.array()?;
        Self::read_elements(reader, count)
    }

    /// Reads a map.
    pub fn read_map(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = reader.map()?;
        Self::read_elements(reader, count)
    }

    /// Number of elements or pairs.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The elements or pairs, without the header in front of them.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + use<'a, T> {
        let mut reader = Reader::new(self.bytes);
        core::iter::from_fn(move || T::read(&mut reader).ok())
    }

    fn read_elements(reader: &mut Reader<'a>, count: usize) -> Result<Self, Error> {
        let start = reader.rest();
        for _ in 0..count {
            T::read(reader)?;
        }
        Ok(Self { bytes: &start[..start.len() - reader.rest().len()], count, element: PhantomData })
    }
}

/// An array: packed as it was read, or the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum List<'a, T> {
    /// As it was read.
    Packed(Packed<'a, T>),
    /// To be emitted.
    Slice(&'a [T]),
}

impl<'a, T: Element<'a>> List<'a, T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => packed.len(),
            Self::Slice(slice) => slice.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + use<'a, T> {
        let (packed, slice) = match *self {
            Self::Packed(packed) => (packed, &[][..]),
            Self::Slice(slice) => (Packed::EMPTY, slice),
        };
        packed.iter().chain(slice.iter().copied())
    }

    /// Writes the array.
    pub fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.array(self.len())?;
        match self {
            Self::Packed(packed) => writer.packed(packed.bytes()),
            Self::Slice(slice) => slice.iter().try_for_each(|element| element.emit(writer)),
        }
    }
}

impl<'a, T: Element<'a>> Default for List<'a, T> {
    fn default() -> Self {
        Self::Slice(&[])
    }
}

impl<'a, T: Element<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> Element<'a> for &'a [u8] {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        reader.raw()
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.raw(self)
    }
}

impl<'a> Element<'a> for Id {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        reader.raw_array().map(Self)
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.raw(&self.0)
    }
}

impl<'a> Element<'a> for ChunkRef {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        if reader.array()? != 3 {
            return Err(Error::WrongLength);
        }
        Ok(Self { id: Id::read(reader)?, size: reader.number()?, csize: reader.number()? })
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.array(3)?;
        self.id.emit(writer)?;
        writer.unsigned(u64::from(self.size))?;
        writer.unsigned(u64::from(self.csize))
    }
}
