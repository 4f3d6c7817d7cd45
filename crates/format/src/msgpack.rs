//! The msgpack dialect of Borg 1.x: the old "raw" family (nil, bool, integers, raw strings, arrays, maps).
//!
//! Text and bytes are one type here. The newer families (`bin`, `str8`, `ext`) are never written; `bin` and
//! `str8` are read, since other writers may produce them. Floats occur in messages only.

use embedded_io::Write;

pub use scanner::Scanner;

mod scanner;

/// Nesting that [`Reader::skip`] follows; Borg's own structures need six.
const MAX_DEPTH: u32 = 16;

/// What can be wrong with msgpack bytes, or with a structure made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The value needs more bytes than are there; not an error where more may follow.
    #[error("truncated msgpack value")]
    Truncated,
    /// The value is of another type than the structure demands.
    #[error("unexpected msgpack type 0x{0:02x}")]
    UnexpectedType(u8),
    /// A number does not fit the field.
    #[error("msgpack integer out of range")]
    OutOfRange,
    /// Nested deeper than any structure of Borg's.
    #[error("msgpack nested too deeply")]
    TooDeep,
    /// A key that the structure cannot do without.
    #[error("msgpack map without {0:?}")]
    Missing(&'static str),
    /// A list or a raw string of another length than the structure demands.
    #[error("msgpack value of the wrong length")]
    WrongLength,
    /// The structure ends before the bytes do.
    #[error("bytes after the end of the msgpack value")]
    TrailingBytes,
    /// A version of the structure, or of the whole envelope, that Borg 1.4 does not know either.
    #[error("unknown version of the structure")]
    UnknownVersion,
    /// More of something than Borg's own limits allow.
    #[error("too many {0}")]
    TooMany(&'static str),
}

/// A cursor over msgpack bytes; every read borrows from the slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// True at the end of the slice.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value's marker byte, without reading it.
    pub fn peek(&self) -> Result<u8, Error> {
        self.rest.first().copied().ok_or(Error::Truncated)
    }

    /// Number of pairs of a map.
    pub fn map(&mut self) -> Result<usize, Error> {
        match self.marker()? {
            marker @ 0x80..=0x8f => Ok(usize::from(marker & 0x0f)),
            0xde => self.length(2),
            0xdf => self.length(4),
            marker => Err(Error::UnexpectedType(marker)),
        }
    }

    /// Number of elements of an array.
    pub fn array(&mut self) -> Result<usize, Error> {
        match self.marker()? {
            marker @ 0x90..=0x9f => Ok(usize::from(marker & 0x0f)),
            0xdc => self.length(2),
            0xdd => self.length(4),
            marker => Err(Error::UnexpectedType(marker)),
        }
    }

    /// A raw string: text or bytes.
    pub fn raw(&mut self) -> Result<&'a [u8], Error> {
        let length = match self.marker()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            0xc4 | 0xd9 => self.length(1)?,
            0xc5 | 0xda => self.length(2)?,
            0xc6 | 0xdb => self.length(4)?,
            marker => return Err(Error::UnexpectedType(marker)),
        };
        self.take(length)
    }

    /// A raw string of exactly `N` bytes.
    pub fn raw_array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.raw()?.try_into().map_err(|_| Error::WrongLength)
    }

    /// Any integer, in the width that holds all of msgpack's.
    pub fn integer(&mut self) -> Result<i128, Error> {
        Ok(match self.marker()? {
            marker @ 0x00..=0x7f => i128::from(marker),
            marker @ 0xe0..=0xff => i128::from(marker as i8),
            0xcc => i128::from(self.bytes::<1>()?[0]),
            0xcd => i128::from(u16::from_be_bytes(self.bytes()?)),
            0xce => i128::from(u32::from_be_bytes(self.bytes()?)),
            0xcf => i128::from(u64::from_be_bytes(self.bytes()?)),
            0xd0 => i128::from(self.bytes::<1>()?[0] as i8),
            0xd1 => i128::from(i16::from_be_bytes(self.bytes()?)),
            0xd2 => i128::from(i32::from_be_bytes(self.bytes()?)),
            0xd3 => i128::from(i64::from_be_bytes(self.bytes()?)),
            marker => return Err(Error::UnexpectedType(marker)),
        })
    }

    /// An integer that must fit `T`.
    pub fn number<T: TryFrom<i128>>(&mut self) -> Result<T, Error> {
        T::try_from(self.integer()?).map_err(|_| Error::OutOfRange)
    }

    /// A float of either width, or an integer in its place.
    pub fn float(&mut self) -> Result<f64, Error> {
        match self.peek()? {
            0xca => self.bytes::<5>().map(|[_, bytes @ ..]| f64::from(f32::from_be_bytes(bytes))),
            0xcb => self.bytes::<9>().map(|[_, bytes @ ..]| f64::from_be_bytes(bytes)),
            _ => self.integer().map(|value| value as f64),
        }
    }

    /// True or false.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        match self.marker()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            marker => Err(Error::UnexpectedType(marker)),
        }
    }

    /// Reads a nil if the next value is one.
    pub fn nil(&mut self) -> Result<bool, Error> {
        let is_nil = self.peek()? == 0xc0;
        if is_nil {
            self.rest = &self.rest[1..];
        }
        Ok(is_nil)
    }

    /// Reads past a whole map and gives the value of `key`, packed; the last one if the key stands twice.
    pub fn find(&mut self, key: &[u8]) -> Result<Option<&'a [u8]>, Error> {
        let mut found = None;
        for _ in 0..self.map()? {
            let this = self.raw()?;
            let value = self.skip()?;
            if this == key {
                found = Some(value);
            }
        }
        Ok(found)
    }

    /// Reads past one whole value and returns its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8], Error> {
        let start = self.rest;
        self.skip_nested(MAX_DEPTH)?;
        Ok(&start[..start.len() - self.rest.len()])
    }

    fn skip_nested(&mut self, depth: u32) -> Result<(), Error> {
        let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
        let values = match self.peek()? {
            0x80..=0x8f | 0xde | 0xdf => self.map()? as u64 * 2,
            0x90..=0x9f | 0xdc | 0xdd => self.array()? as u64,
            0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => return self.raw().map(drop),
            0xc0 | 0xc2 | 0xc3 => return self.take(1).map(drop),
            0xca => return self.take(5).map(drop),
            0xcb => return self.take(9).map(drop),
            _ => return self.integer().map(drop),
        };
        (0..values).try_for_each(|_| self.skip_nested(depth))
    }

    fn marker(&mut self) -> Result<u8, Error> {
        Ok(self.bytes::<1>()?[0])
    }

    fn length(&mut self, width: usize) -> Result<usize, Error> {
        Ok(self.take(width)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(head)
    }
}

/// Emits msgpack in the smallest form, as Borg's packer does.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    written_bytes: usize,
}

impl<W: Write> Writer<W> {
    /// Writes to `sink`.
    pub fn new(sink: W) -> Self {
        Self { sink, written_bytes: 0 }
    }

    /// Gives the sink back.
    pub fn into_inner(self) -> W {
        self.sink
    }

    /// Bytes written so far: where the next value will stand.
    pub fn written_bytes(&self) -> usize {
        self.written_bytes
    }

    /// Starts a map of `pairs` pairs.
    pub fn map(&mut self, pairs: usize) -> Result<(), W::Error> {
        self.header(pairs, 0x80, 15, 0xde, 0xdf)
    }

    /// Starts an array of `elements`.
    pub fn array(&mut self, elements: usize) -> Result<(), W::Error> {
        self.header(elements, 0x90, 15, 0xdc, 0xdd)
    }

    /// Writes a raw string.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        self.header(bytes.len(), 0xa0, 31, 0xda, 0xdb)?;
        self.write(bytes)
    }

    /// Writes an unsigned integer.
    pub fn unsigned(&mut self, value: u64) -> Result<(), W::Error> {
        if value < 0x80 {
            self.write(&[value as u8])
        } else if let Ok(value) = u8::try_from(value) {
            self.write(&[0xcc, value])
        } else if let Ok(value) = u16::try_from(value) {
            self.tagged(0xcd, &value.to_be_bytes())
        } else if let Ok(value) = u32::try_from(value) {
            self.tagged(0xce, &value.to_be_bytes())
        } else {
            self.tagged(0xcf, &value.to_be_bytes())
        }
    }

    /// Writes a signed integer; one that is not negative takes the unsigned form.
    pub fn signed(&mut self, value: i64) -> Result<(), W::Error> {
        if let Ok(value) = u64::try_from(value) {
            self.unsigned(value)
        } else if value >= -32 {
            self.write(&[value as u8])
        } else if let Ok(value) = i8::try_from(value) {
            self.write(&[0xd0, value as u8])
        } else if let Ok(value) = i16::try_from(value) {
            self.tagged(0xd1, &value.to_be_bytes())
        } else if let Ok(value) = i32::try_from(value) {
            self.tagged(0xd2, &value.to_be_bytes())
        } else {
            self.tagged(0xd3, &value.to_be_bytes())
        }
    }

    /// Writes a float.
    pub fn float(&mut self, value: f64) -> Result<(), W::Error> {
        self.tagged(0xcb, &value.to_be_bytes())
    }

    /// Writes true or false.
    pub fn boolean(&mut self, value: bool) -> Result<(), W::Error> {
        self.write(&[if value { 0xc3 } else { 0xc2 }])
    }

    /// Writes nil.
    pub fn nil(&mut self) -> Result<(), W::Error> {
        self.write(&[0xc0])
    }

    /// Writes a value that is msgpack already.
    pub fn packed(&mut self, value: &[u8]) -> Result<(), W::Error> {
        self.write(value)
    }

    fn header(&mut self, length: usize, fix: u8, fix_most: usize, two: u8, four: u8) -> Result<(), W::Error> {
        if length <= fix_most {
            self.write(&[fix | length as u8])
        } else if let Ok(length) = u16::try_from(length) {
            self.tagged(two, &length.to_be_bytes())
        } else {
            self.tagged(four, &(length as u32).to_be_bytes())
        }
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> Result<(), W::Error> {
        self.write(&[tag])?;
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        self.sink.write_all(bytes)?;
        self.written_bytes += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
