//! The manifest: the list of archives, and what every client of the repository must know.
//!
//! It is the object whose id is all zero. After opening it is a msgpack map:
//!
//! ```text
//! map {
//!   "archives":  map { raw name: map { "id": raw 32, "time": raw } }     names ascending, at most 400,000
//!   "config":    map { raw: any }                                        kept as it was
//!   "item_keys": array [ raw ]                                           ascending, at most 100; absent in old ones
//!   "tam":       see the module of that name
//!   "timestamp": raw "2026-05-04T03:02:01.000000"                        UTC
//!   "version":   1
//! }
//! ```
//!
//! The whole manifest is one object, at most 20 MiB. The view costs nothing beside the bytes.

use core::ops::Range;

use embedded_io::Write;
use heapless::Vec;

use crate::Id;
use crate::msgpack::{Error, Reader, Writer};
use crate::packed::{Element, Packed};
use crate::tam::{self, TAM_BYTES, Tam};

/// Most archives a repository can have.
pub const MAX_ARCHIVES: usize = 400_000;
/// Longest name of an archive, in characters.
pub const MAX_ARCHIVE_NAME: usize = 255;
/// Most item keys that a manifest can list.
pub const MAX_ITEM_KEYS: usize = 100;

/// Every key that Borg 1.4 knows in an item, ascending; a manifest lists them for Borg's check.
pub const ITEM_KEYS: [&[u8]; 23] = [
    b"acl_access",
    b"acl_default",
    b"acl_extended",
    b"acl_nfs4",
    b"atime",
    b"birthtime",
    b"bsdflags",
    b"chunks",
    b"chunks_healthy",
    b"ctime",
    b"gid",
    b"group",
    b"hardlink_master",
    b"mode",
    b"mtime",
    b"part",
    b"path",
    b"rdev",
    b"size",
    b"source",
    b"uid",
    b"user",
    b"xattrs",
];

/// First bytes of a manifest that a later generation of Borg writes.
const NEWER: [u8; 4] = [0xc1; 4];

/// A manifest as it was read.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    /// The archives, in stored order.
    pub archives: Packed<'a, ManifestArchive<'a>>,
    /// A packed map; see [`mandatory_features`].
    pub config: &'a [u8],
    /// Keys that items may have.
    pub item_keys: Packed<'a, &'a [u8]>,
    /// When it was written; absent only in very old ones.
    pub timestamp: Option<&'a [u8]>,
    /// The seal, not verified yet.
    pub tam: Tam,
}

/// One archive in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestArchive<'a> {
    /// Its name: UTF-8 as a rule.
    pub name: &'a [u8],
    /// Its metadata object.
    pub id: Id,
    /// When it was begun, UTC.
    pub time: &'a [u8],
}

impl<'a> Manifest<'a> {
    /// Reads a manifest that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.starts_with(&NEWER) {
            return Err(Error::UnknownVersion);
        }
        let mut reader = Reader::new(bytes);
        let (mut version, mut archives, mut config) = (None, None, None);
        let (mut item_keys, mut timestamp, mut tam) = (Packed::EMPTY, None, Tam::Absent);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"version" => version = Some(reader.integer()?),
                b"archives" => archives = Some(Packed::read_map(&mut reader)?),
                b"config" => config = Some(packed_map(&mut reader)?),
                b"item_keys" => item_keys = Packed::read_array(&mut reader)?,
                b"timestamp" => timestamp = Some(reader.raw()?),
                b"tam" => tam = Tam::read(&mut reader, bytes.len())?,
                _ => drop(reader.skip()?),
            }
        }
        let archives: Packed<'_, ManifestArchive<'_>> = archives.ok_or(Error::Missing("archives"))?;
        match version {
            _ if !reader.is_empty() => Err(Error::TrailingBytes),
            _ if archives.len() > MAX_ARCHIVES => Err(Error::TooMany("archives")),
            _ if item_keys.len() > MAX_ITEM_KEYS => Err(Error::TooMany("item keys")),
            Some(1 | 2) => {
                Ok(Self { archives, config: config.ok_or(Error::Missing("config"))?, item_keys, timestamp, tam })
            }
            _ => Err(Error::UnknownVersion),
        }
    }
}

/// What a new manifest says beside its archives.
#[derive(Clone, Copy, Debug)]
pub struct NewManifest<'a> {
    /// A packed map.
    pub config: &'a [u8],
    /// Item keys that the manifest before listed; Borg's own are added.
    pub item_keys: Packed<'a, &'a [u8]>,
    /// Now, and later than the manifest before.
    pub timestamp: &'a [u8],
    /// Fresh random bytes.
    pub salt: &'a [u8; TAM_BYTES],
}

impl NewManifest<'_> {
    /// Writes the manifest; `archives` must ascend by name. Gives the place of the HMAC, which is written as zeros.
    pub fn emit<'e, W: Write>(
        &self,
        archives: impl ExactSizeIterator<Item = ManifestArchive<'e>>,
        writer: &mut Writer<W>,
    ) -> Result<Range<usize>, W::Error> {
        writer.map(6)?;
        writer.raw(b"archives")?;
        writer.map(archives.len())?;
        for archive in archives {
            archive.emit(writer)?;
        }
        writer.raw(b"config")?;
        writer.packed(self.config)?;
        writer.raw(b"item_keys")?;
        emit_item_keys(self.item_keys, writer)?;
        let hmac_range = tam::emit(self.salt, writer)?;
        writer.raw(b"timestamp")?;
        writer.raw(self.timestamp)?;
        writer.raw(b"version")?;
        writer.unsigned(1)?;
        Ok(hmac_range)
    }
}

/// Features that a client must know before it does `operation` (Borg's names: read, check, write, delete).
pub fn mandatory_features<'a>(config: &'a [u8], operation: &[u8]) -> Result<Packed<'a, &'a [u8]>, Error> {
    let mut value = Some(config);
    for key in [b"feature_flags", operation, b"mandatory"] {
        let Some(map) = value.filter(|map| map != b"\xc0") else { return Ok(Packed::EMPTY) };
        value = Reader::new(map).find(key)?;
    }
    value.map_or(Ok(Packed::EMPTY), |list| Packed::read_array(&mut Reader::new(list)))
}

/// True where the manifest itself demands that manifests be authenticated.
pub fn config_requires_tam(config: &[u8]) -> bool {
    matches!(Reader::new(config).find(b"tam_required"), Ok(Some(b"\xc3")))
}

/// Writes `config` again with `tam_required` true.
pub fn emit_config_requiring_tam<W: Write>(config: &[u8], writer: &mut Writer<W>) -> Result<(), W::Error> {
    emit_config_with_tam_required(config, true, writer)
}

/// Writes `config` again with another `tam_required`.
pub fn emit_config_with_tam_required<W: Write>(
    config: &[u8],
    required: bool,
    writer: &mut Writer<W>,
) -> Result<(), W::Error> {
    const KEY: &[u8] = b"tam_required";
    let pairs = || {
        let mut reader = Reader::new(config);
        let count = reader.map().unwrap_or(0);
        let pair = move |_| Some((reader.raw().ok()?, reader.skip().ok()?));
        (0..count).map_while(pair).filter(|(key, _)| *key != KEY)
    };
    writer.map(pairs().count() + 1)?;
    let emit = |writer: &mut Writer<W>, (key, value): (&[u8], &[u8])| {
        writer.raw(key)?;
        writer.packed(value)
    };
    pairs().filter(|pair| pair.0 < KEY).try_for_each(|pair| emit(writer, pair))?;
    emit(writer, (KEY, if required { b"\xc3" } else { b"\xc2" }))?;
    pairs().filter(|pair| pair.0 > KEY).try_for_each(|pair| emit(writer, pair))
}

impl<'a> Element<'a> for ManifestArchive<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let name = reader.raw()?;
        let (mut id, mut time) = (None, None);
        for _ in 0..reader.map()? {
            match reader.raw()? {
                b"id" => id = Some(Id::read(reader)?),
                b"time" => time = Some(reader.raw()?),
                _ => drop(reader.skip()?),
            }
        }
        Ok(Self { name, id: id.ok_or(Error::Missing("id"))?, time: time.ok_or(Error::Missing("time"))? })
    }

    fn emit<W: Write>(&self, writer: &mut Writer<W>) -> Result<(), W::Error> {
        writer.raw(self.name)?;
        writer.map(2)?;
        writer.raw(b"id")?;
        self.id.emit(writer)?;
        writer.raw(b"time")?;
        writer.raw(self.time)
    }
}

/// A map whose keys are raw, whatever the values.
fn packed_map<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let map = reader.skip()?;
    Reader::new(map).find(b"")?;
    Ok(map)
}

/// The union of `stored` and Borg's own, ascending.
fn emit_item_keys<W: Write>(stored: Packed<'_, &[u8]>, writer: &mut Writer<W>) -> Result<(), W::Error> {
    let mut keys = Vec::<&[u8], MAX_ITEM_KEYS>::from_iter(ITEM_KEYS);
    for key in stored.iter() {
        // A full list is as long as Borg allows.
        if !keys.contains(&key) && keys.push(key).is_err() {
            break;
        }
    }
    keys.sort_unstable();
    writer.array(keys.len())?;
    keys.iter().try_for_each(|key| writer.raw(key))
}
