//! Items: what an archive stores about one file, directory, link or device.
//!
//! An archive's item metadata stream is a plain concatenation of items. An item is a msgpack map:
//!
//! ```text
//! map { key: value, … }                      keys ascending as bytes
//!   path source user group                   raw; user and group may be nil
//!   mode uid gid rdev bsdflags size part     integers
//!   atime birthtime ctime mtime              integers, ns since 1970; beyond 64 bits: raw, little endian, signed
//!   hardlink_master                          boolean
//!   chunks chunks_healthy                    array of [raw 32: id, size, csize]
//!   xattrs                                   map raw → raw; nil stands for an empty value
//!   acl_access acl_default acl_extended acl_nfs4   raw
//! ```
//!
//! Parsing borrows and needs no memory of its own; emission streams. Keys that are not known are read past and never
//! written: Borg's check calls items with such keys damaged.

use embedded_io::Write;

use crate::msgpack::{Error, Reader, Writer};
use crate::packed::Packed;

pub use chunks::Chunks;
pub use xattrs::{Xattr, Xattrs};

mod chunks;
mod xattrs;

/// One item of an archive. Parsed views borrow from the stream, emitted ones from the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item<'a> {
    /// Relative path, without a leading slash, in the file system's own bytes.
    pub path: &'a [u8],
    /// Type and permissions, as in `st_mode`.
    pub mode: u32,
    /// Owner; archives made from foreign sources may hold negative numbers.
    pub uid: Option<i64>,
    /// Group; may be negative like `uid`.
    pub gid: Option<i64>,
    /// Name of the owner; `None` is stored as nil.
    pub user: Option<&'a [u8]>,
    /// Name of the group; `None` is stored as nil.
    pub group: Option<&'a [u8]>,
    /// Modification time in ns since 1970.
    pub mtime: Option<i64>,
    /// Access time in ns since 1970.
    pub atime: Option<i64>,
    /// Inode change time in ns since 1970.
    pub ctime: Option<i64>,
    /// Creation time in ns since 1970.
    pub birthtime: Option<i64>,
    /// Target of a symbolic link, or path of the hard link master.
    pub source: Option<&'a [u8]>,
    /// Device number of a device node, as in `st_rdev`.
    pub rdev: Option<u64>,
    /// True for the first of several hard links; false is stored by some, absent means unknown.
    pub hardlink_master: Option<bool>,
    /// Number of hard links. Read where present; never written, since Borg's check refuses it.
    pub nlink: Option<u64>,
    /// File flags in BSD numbering.
    pub bsdflags: Option<u64>,
    /// Extended attributes.
    pub xattrs: Option<Xattrs<'a>>,
    /// Access ACL as text.
    pub acl_access: Option<&'a [u8]>,
    /// Default ACL of a directory as text.
    pub acl_default: Option<&'a [u8]>,
    /// macOS ACL as text.
    pub acl_extended: Option<&'a [u8]>,
    /// NFSv4 ACL as text.
    pub acl_nfs4: Option<&'a [u8]>,
    /// Content of a regular file, in order.
    pub chunks: Option<Chunks<'a>>,
    /// The content as it was before a repair replaced missing chunks by zeros.
    pub chunks_healthy: Option<Chunks<'a>>,
    /// Sum of the chunks' sizes in bytes.
    pub size: Option<u64>,
    /// Number of a part file, counted from one.
    pub part: Option<u64>,
}

impl<'a> Item<'a> {
    /// Reads an item that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let item = Self::read(&mut reader)?;
        if reader.is_empty() { Ok(item) } else { Err(Error::TrailingBytes) }
    }

    /// Reads the next item; a key that stands twice counts as its last value.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut item = Self::default();
        let (mut path, mut mode) = (None, None);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"path" => path = Some(reader.raw()?),
                b"mode" => mode = Some(reader.number()?),
                b"uid" => item.uid = Some(reader.number()?),
                b"gid" => item.gid = Some(reader.number()?),
                b"user" => item.user = optional(reader, Reader::raw)?,
                b"group" => item.group = optional(reader, Reader::raw)?,
                b"mtime" => item.mtime = Some(timestamp(reader)?),
                b"atime" => item.atime = Some(timestamp(reader)?),
                b"ctime" => item.ctime = Some(timestamp(reader)?),
                b"birthtime" => item.birthtime = Some(timestamp(reader)?),
                b"source" => item.source = Some(reader.raw()?),
                b"rdev" => item.rdev = Some(reader.number()?),
                b"hardlink_master" => item.hardlink_master = Some(reader.boolean()?),
                b"nlink" => item.nlink = Some(reader.number()?),
                b"bsdflags" => item.bsdflags = Some(reader.number()?),
                b"xattrs" => item.xattrs = Some(Xattrs::Packed(Packed::read_map(reader)?)),
                b"acl_access" => item.acl_access = Some(reader.raw()?),
                b"acl_default" => item.acl_default = Some(reader.raw()?),
                b"acl_extended" => item.acl_extended = Some(reader.raw()?),
                b"acl_nfs4" => item.acl_nfs4 = Some(reader.raw()?),
                b"chunks" => item.chunks = optional(reader, Packed::read_array)?.map(Chunks::Packed),
                b"chunks_healthy" => item.chunks_healthy = optional(reader, Packed::read_array)?.map(Chunks::Packed),
                b"size" => item.size = Some(reader.number()?),
                b"part" => item.part = Some(reader.number()?),
                _ => drop(reader.skip()?),
            }
        }
        item.path = path.ok_or(Error::Missing("path"))?;
        item.mode = mode.ok_or(Error::Missing("mode"))?;
        Ok(item)
    }

    /// Writes the item as Borg's packer would: keys ascending, integers in the smallest form.
    pub fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.map(self.pairs())?;
        raw(writer, b"acl_access", self.acl_access)?;
        raw(writer, b"acl_default", self.acl_default)?;
        raw(writer, b"acl_extended", self.acl_extended)?;
        raw(writer, b"acl_nfs4", self.acl_nfs4)?;
        signed(writer, b"atime", self.atime)?;
        signed(writer, b"birthtime", self.birthtime)?;
        unsigned(writer, b"bsdflags", self.bsdflags)?;
        chunk_list(writer, b"chunks", self.chunks.as_ref())?;
        chunk_list(writer, b"chunks_healthy", self.chunks_healthy.as_ref())?;
        signed(writer, b"ctime", self.ctime)?;
        signed(writer, b"gid", self.gid)?;
        raw_or_nil(writer, b"group", self.group)?;
        if let Some(master) = self.hardlink_master {
            writer.raw(b"hardlink_master")?;
            writer.boolean(master)?;
        }
        unsigned(writer, b"mode", Some(u64::from(self.mode)))?;
        signed(writer, b"mtime", self.mtime)?;
        unsigned(writer, b"part", self.part)?;
        raw(writer, b"path", Some(self.path))?;
        unsigned(writer, b"rdev", self.rdev)?;
        unsigned(writer, b"size", self.size)?;
        raw(writer, b"source", self.source)?;
        signed(writer, b"uid", self.uid)?;
        raw_or_nil(writer, b"user", self.user)?;
        if let Some(xattrs) = &self.xattrs {
            writer.raw(b"xattrs")?;
            xattrs.emit(writer)?;
        }
        Ok(())
    }

    /// Number of pairs that `emit` writes; path, mode, user and group are always there.
    fn pairs(&self) -> usize {
        let raws = [self.acl_access, self.acl_default, self.acl_extended, self.acl_nfs4, self.source];
        let signed = [self.atime, self.birthtime, self.ctime, self.mtime, self.uid, self.gid];
        let unsigned = [self.bsdflags, self.part, self.rdev, self.size];
        let others = [
            self.chunks.is_some(),
            self.chunks_healthy.is_some(),
            self.hardlink_master.is_some(),
            self.xattrs.is_some(),
        ];
        4 + raws.iter().flatten().count()
            + signed.iter().flatten().count()
            + unsigned.iter().flatten().count()
            + others.iter().filter(|&&present| present).count()
    }
}

fn optional<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    if reader.nil()? { Ok(None) } else { read(reader).map(Some) }
}

/// A time; one beyond 64 bits (possible only in the raw form) is taken for the end of time on its side.
fn timestamp(reader: &mut Reader<'_>) -> Result<i64, Error> {
    let value = match reader.peek()? {
        0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => little_endian(reader.raw()?)?,
        _ => reader.integer()?,
    };
    Ok(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
}

/// A signed little-endian integer of up to 16 bytes.
fn little_endian(bytes: &[u8]) -> Result<i128, Error> {
    let fill = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide.get_mut(..bytes.len()).ok_or(Error::OutOfRange)?.copy_from_slice(bytes);
    Ok(i128::from_le_bytes(wide))
}

fn raw<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<&[u8]>) -> Result<(), W::Error> {
    let Some(value) = value else { return Ok(()) };
    writer.raw(key)?;
    writer.raw(value)
}

fn raw_or_nil<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<&[u8]>) -> Result<(), W::Error> {
    writer.raw(key)?;
    match value {
        Some(value) => writer.raw(value),
        None => writer.nil(),
    }
}

fn signed<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<i64>) -> Result<(), W::Error> {
    let Some(value) = value else { return Ok(()) };
    writer.raw(key)?;
    writer.signed(value)
}

fn unsigned<W: Write>(writer: &mut Writer<W>, key: &[u8], value: Option<u64>) -> Result<(), W::Error> {
    let Some(value) = value else { return Ok(()) };
    writer.raw(key)?;
    writer.unsigned(value)
}

fn chunk_list<W: Write>(writer: &mut Writer<W>, key: &[u8], chunks: Option<&Chunks<'_>>) -> Result<(), W::Error> {
    let Some(chunks) = chunks else { return Ok(()) };
    writer.raw(key)?;
    chunks.emit(writer)
}

#[cfg(test)]
mod tests;
