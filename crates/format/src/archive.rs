//! An archive's own metadata: one object, named in the manifest, that lists the chunks of the item metadata stream.
//!
//! After opening it is a msgpack map:
//!
//! ```text
//! map {                                              keys ascending
//!   "chunker_params": array ["buzhash", minimum, maximum, mask, window] or ["fixed", block, header]
//!                     or, in old ones, the four numbers of buzhash alone
//!   "cmdline" "recreate_cmdline":       array [ raw ]
//!   "comment" "cwd" "hostname" "name" "username":    raw
//!   "time" "time_end":                  raw "2026-05-04T03:02:01.000000", UTC
//!   "items":                            array [ raw 32 ]
//!   "size" "csize" "nfiles" "size_parts" "csize_parts" "nfiles_parts":   integers, since Borg 1.2
//!   "tam":                              see the module of that name
//!   "version":                          1
//! }
//! ```
//!
//! It is one object of at most 20 MiB, so an archive has at most some 600,000 metadata chunks. The view costs nothing.

use core::ops::Range;

use embedded_io::Write;

use crate::Id;
use crate::msgpack::{Error, Reader, Writer};
use crate::packed::{List, Packed};
use crate::tam::{self, TAM_BYTES, Tam};

/// An archive as it was read, or as it is to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive<'a> {
    /// How file data was cut; absent when no program but the writer can tell.
    pub chunker_params: Option<ChunkerParams<'a>>,
    /// The command that made the archive.
    pub cmdline: List<'a, &'a [u8]>,
    /// What the user says about it.
    pub comment: Option<&'a [u8]>,
    /// Stored sizes of all files' chunks, in bytes.
    pub csize: Option<u64>,
    /// The same for part files.
    pub csize_parts: Option<u64>,
    /// Working directory of the command.
    pub cwd: Option<&'a [u8]>,
    /// Where it was made.
    pub hostname: Option<&'a [u8]>,
    /// The item metadata stream's chunks.
    pub items: List<'a, Id>,
    /// The name, which the manifest may know differently after a repair.
    pub name: &'a [u8],
    /// Number of files.
    pub nfiles: Option<u64>,
    /// Number of part files.
    pub nfiles_parts: Option<u64>,
    /// The command that rewrote the archive.
    pub recreate_cmdline: Option<List<'a, &'a [u8]>>,
    /// Plain sizes of all files, in bytes.
    pub size: Option<u64>,
    /// The same for part files.
    pub size_parts: Option<u64>,
    /// The seal, not verified yet; not looked at when writing.
    pub tam: Tam,
    /// When it was begun, UTC.
    pub time: &'a [u8],
    /// When it was complete, UTC.
    pub time_end: Option<&'a [u8]>,
    /// Who made it.
    pub username: Option<&'a [u8]>,
}

/// How an archive's file data was cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkerParams<'a> {
    /// The rolling hash.
    Buzhash {
        /// Smallest chunk, as a power of two.
        minimum_exponent: u8,
        /// Largest chunk, as a power of two.
        maximum_exponent: u8,
        /// Bits of the hash that must be zero at a cut.
        mask_bits: u8,
        /// Window in bytes.
        window: u32,
    },
    /// Blocks of one size.
    Fixed {
        /// Size of a block in bytes.
        block_bytes: u32,
        /// Size of a first block of another size, or zero.
        header_bytes: u32,
    },
    /// Anything else, packed; it is written as it was.
    Other(&'a [u8]),
}

impl<'a> Archive<'a> {
    /// Reads an archive that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let mut archive = Self::default();
        let (mut version, mut name, mut items, mut cmdline, mut time) = (None, None, None, None, None);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"version" => version = Some(reader.integer()?),
                b"name" => name = Some(reader.raw()?),
                b"items" => items = Some(Packed::read_array(&mut reader)?),
                b"cmdline" => cmdline = Some(Packed::read_array(&mut reader)?),
                b"time" => time = Some(reader.raw()?),
                b"chunker_params" => archive.chunker_params = Some(ChunkerParams::read(&mut reader)?),
                b"comment" => archive.comment = Some(reader.raw()?),
                b"csize" => archive.csize = Some(reader.number()?),
                b"csize_parts" => archive.csize_parts = Some(reader.number()?),
                b"cwd" => archive.cwd = Some(reader.raw()?),
                b"hostname" => archive.hostname = Some(reader.raw()?),
                b"nfiles" => archive.nfiles = Some(reader.number()?),
                b"nfiles_parts" => archive.nfiles_parts = Some(reader.number()?),
                b"recreate_cmdline" => {
                    archive.recreate_cmdline = Some(List::Packed(Packed::read_array(&mut reader)?));
                }
                b"size" => archive.size = Some(reader.number()?),
                b"size_parts" => archive.size_parts = Some(reader.number()?),
                b"tam" => archive.tam = Tam::read(&mut reader, bytes.len())?,
                b"time_end" => archive.time_end = Some(reader.raw()?),
                b"username" => archive.username = Some(reader.raw()?),
                _ => drop(reader.skip()?),
            }
        }
        match version {
            _ if !reader.is_empty() => return Err(Error::TrailingBytes),
            Some(1) => {}
            Some(_) => return Err(Error::UnknownVersion),
            None => return Err(Error::Missing("version")),
        }
        archive.name = name.ok_or(Error::Missing("name"))?;
        archive.items = List::Packed(items.ok_or(Error::Missing("items"))?);
        archive.cmdline = List::Packed(cmdline.ok_or(Error::Missing("cmdline"))?);
        archive.time = time.ok_or(Error::Missing("time"))?;
        Ok(archive)
    }

    /// Writes the archive with `salt` for its seal. Gives the place of the HMAC, which is written as zeros.
    pub fn emit<W: Write>(&self, salt: &[u8; TAM_BYTES], writer: &mut Writer<W>) -> Result<Range<usize>, W::Error> {
        writer.map(self.pairs())?;
        if let Some(parameters) = &self.chunker_params {
            writer.raw(b"chunker_params")?;
            parameters.emit(writer)?;
        }
        writer.raw(b"cmdline")?;
        self.cmdline.emit(writer)?;
        raw(writer, b"comment", self.comment)?;
        number(writer, b"csize", self.csize)?;
        number(writer, b"csize_parts", self.csize_parts)?;
        raw(writer, b"cwd", self.cwd)?;
        raw(writer, b"hostname", self.hostname)?;
        writer.raw(b"items")?;
        self.items.emit(writer)?;
        raw(writer, b"name", Some(self.name))?;
        number(writer, b"nfiles", self.nfiles)?;
        number(writer, b"nfiles_parts", self.nfiles_parts)?;
        if let Some(cmdline) = &self.recreate_cmdline {
            writer.raw(b"recreate_cmdline")?;
            cmdline.emit(writer)?;
        }
        number(writer, b"size", self.size)?;
        number(writer, b"size_parts", self.size_parts)?;
        let hmac_range = tam::emit(salt, writer)?;
        raw(writer, b"time", Some(self.time))?;
        raw(writer, b"time_end", self.time_end)?;
        raw(writer, b"username", self.username)?;
        number(writer, b"version", Some(1))?;
        Ok(hmac_range)
    }

    /// Number of pairs that `emit` writes; cmdline, items, name, tam, time and version are always there.
    fn pairs(&self) -> usize {
        let raws = [self.comment, self.cwd, self.hostname, self.time_end, self.username];
        let numbers = [self.csize, self.csize_parts, self.nfiles, self.nfiles_parts, self.size, self.size_parts];
        6 + raws.iter().flatten().count()
            + numbers.iter().flatten().count()
            + usize::from(self.chunker_params.is_some())
            + usize::from(self.recreate_cmdline.is_some())
    }
}

impl<'a> ChunkerParams<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let packed = reader.skip()?;
        Ok(Self::known(Reader::new(packed)).unwrap_or(Self::Other(packed)))
    }

    fn known(mut reader: Reader<'a>) -> Result<Self, Error> {
        let count = reader.array()?;
        let mut ahead = reader;
        let (algorithm, numbers) = match ahead.raw() {
            Ok(algorithm) => (algorithm, count.saturating_sub(1)),
            Err(_) => (&b"buzhash"[..], count),
        };
        if numbers < count {
            reader = ahead;
        }
        match (algorithm, numbers) {
            (b"buzhash", 4) => Ok(Self::Buzhash {
                minimum_exponent: reader.number()?,
                maximum_exponent: reader.number()?,
                mask_bits: reader.number()?,
                window: reader.number()?,
            }),
            (b"fixed", 2) => Ok(Self::Fixed { block_bytes: reader.number()?, header_bytes: reader.number()? }),
            _ => Err(Error::WrongLength),
        }
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        match *self {
            Self::Buzhash { minimum_exponent, maximum_exponent, mask_bits, window } => {
                writer.array(5)?;
                writer.raw(b"buzhash")?;
                writer.unsigned(u64::from(minimum_exponent))?;
                writer.unsigned(u64::from(maximum_exponent))?;
                writer.unsigned(u64::from(mask_bits))?;
                writer.unsigned(u64::from(window))
            }
            Self::Fixed { block_bytes, header_bytes } => {
                writer.array(3)?;
                writer.raw(b"fixed")?;
                writer.unsigned(u64::from(block_bytes))?;
                writer.unsigned(u64::from(header_bytes))
            }
            Self::Other(packed) => writer.packed(packed),
        }
    }
}

fn raw<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<&[u8]>) -> Result<(), W::Error> {
    let Some(value) = value else { return Ok(()) };
    writer.raw(key)?;
    writer.raw(value)
}

fn number<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<u64>) -> Result<(), W::Error> {
    let Some(value) = value else { return Ok(()) };
    writer.raw(key)?;
    writer.unsigned(value)
}
