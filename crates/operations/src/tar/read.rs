//! Reads members in every format that Borg's reader knows: old, ustar, GNU with long names and sparse files, pax.
//!
//! Extensions stand in front of the member they are about; where several say the same, the first one counts. Nothing is believed
//! of a hostile archive: what is kept of one member is limited, and no length that it declares is allocated.
//!
//! RAM: extensions of a member up to [`MOST_EXTENSION_BYTES`], as much for global ones, and 16 bytes for every piece of a
//! sparse file up to [`MOST_PIECES`].

use std::io::{self, Read};

use super::{
    BLOCK_BYTES,
    header::{Fields, kind},
    pax,
    sparse::{self, Piece},
};

/// Long names and pax records of one member.
const MOST_EXTENSION_BYTES: usize = 1 << 20;
/// Pieces of a sparse file.
pub(super) const MOST_PIECES: usize = 1 << 19;
/// No file system has larger sparse files, and their zeros would have to be read.
const MOST_SPARSE_BYTES: u64 = 4 << 40;

/// Whether blocks of zeros end the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// They do.
    End,
    /// They are passed over, and whatever is no header with them (`--ignore-zeros`).
    Ignore,
}

/// A member.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: i64,
    pub(crate) gid: i64,
    /// Of the content, holes included.
    pub(crate) size: u64,
    /// In ns since 1970.
    pub(crate) mtime: i128,
    pub(crate) kind: u8,
    pub(crate) link: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) group: Vec<u8>,
    /// Major and minor number.
    pub(crate) device: (u32, u32),
}

/// Something in front of a member that is about it.
enum Extension {
    Name(Vec<u8>),
    Link(Vec<u8>),
    Pax(Vec<u8>),
}

/// A tar archive, read from its start to its end.
pub(crate) struct TarReader<R> {
    source: R,
    zeros: Zeros,
    offset: u64,
    /// Stored bytes of the member at hand that are not read yet, and what pads them.
    left_bytes: u64,
    padding_bytes: u64,
    /// Where the next byte of its content is, and how many there are.
    position: u64,
    size: u64,
    /// The pieces of a sparse file that are stored, last one first; nothing for other files.
    pieces: Option<Vec<Piece>>,
    global: Vec<u8>,
    is_damaged: bool,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(source: R, zeros: Zeros) -> Self {
        let (pieces, global) = Default::default();
        Self {
            source,
            zeros,
            offset: 0,
            left_bytes: 0,
            padding_bytes: 0,
            position: 0,
            size: 0,
            pieces,
            global,
            is_damaged: false,
        }
    }

    /// How many bytes were read so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it ended with something that is no header.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The next member; what was not read of the one before is passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        self.skip(self.left_bytes.saturating_add(self.padding_bytes))?;
        (self.left_bytes, self.padding_bytes, self.position, self.size, self.pieces) = (0, 0, 0, 0, None);
        let mut extensions: Vec<Extension> = Vec::new();
        let mut extension_bytes = 0;
        loop {
            let Some(fields) = self.header(extensions.is_empty())? else { return Ok(None) };
            let extension: fn(Vec<u8>) -> Extension = match fields.kind {
                kind::LONG_NAME => |bytes| Extension::Name(until_zero(bytes)),
                kind::LONG_LINK => |bytes| Extension::Link(until_zero(bytes)),
                kind::PAX | kind::SOLARIS_PAX | kind::GLOBAL_PAX => Extension::Pax,
                _ => return self.member(fields, &extensions).map(Some),
            };
            let bytes = self.extension(&fields)?;
            if fields.kind == kind::GLOBAL_PAX {
                if self.global.len() + bytes.len() > MOST_EXTENSION_BYTES {
                    return Err(malformed("global headers are too long"));
                }
                // Of several records with one key the last one counts.
                self.global.extend_from_slice(pax::trimmed(&bytes));
                continue;
            }
            extension_bytes += bytes.len() + size_of::<Extension>();
            if extension_bytes > MOST_EXTENSION_BYTES {
                return Err(malformed("headers are too long"));
            }
            extensions.push(extension(bytes));
        }
    }

    /// The next bytes of the member's content; fewer than `room` only at its end.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() && self.position < self.size {
            let rest = &mut room[filled..];
            let wanted = usize::try_from(self.size - self.position).map_or(rest.len(), |left| left.min(rest.len()));
            let got = match self.hole_bytes() {
                0 => {
                    let stored =
                        self.pieces.as_ref().and_then(|pieces| pieces.last()).map_or(self.left_bytes, |piece| {
                            piece.end().saturating_sub(self.position).min(self.left_bytes)
                        });
                    let wanted = usize::try_from(stored).map_or(wanted, |stored| stored.min(wanted));
                    let got = if wanted == 0 { 0 } else { self.source.read(&mut rest[..wanted])? };
                    if got == 0 {
                        return Err(malformed("unexpected end of data"));
                    }
                    self.offset += got as u64;
                    self.left_bytes -= got as u64;
                    got
                }
                hole => {
                    let got = usize::try_from(hole).map_or(wanted, |hole| hole.min(wanted));
                    rest[..got].fill(0);
                    got
                }
            };
            filled += got;
            self.position += got as u64;
        }
        Ok(filled)
    }

    /// Bytes of zeros from here on, before the next stored piece.
    fn hole_bytes(&mut self) -> u64 {
        let (position, size) = (self.position, self.size);
        let Some(pieces) = &mut self.pieces else { return 0 };
        while pieces.pop_if(|piece| piece.end() <= position).is_some() {}
        pieces.last().map_or(size, |piece| piece.start.min(size)).saturating_sub(position)
    }

    /// The next header that is one; `None` at the end. What follows an extension has to be one.
    fn header(&mut self, may_end: bool) -> io::Result<Option<Fields>> {
        loop {
            let at_start = self.offset == 0;
            let mut block = [0; BLOCK_BYTES];
            let got = self.fill(&mut block)?;
            let trouble = match got {
                0 => "empty file",
                BLOCK_BYTES => match Fields::parse(&block) {
                    Ok(fields) => return Ok(Some(fields)),
                    Err(trouble) => trouble,
                },
                _ => "truncated header",
            };
            let is_zeros = got == BLOCK_BYTES && block.iter().all(|&byte| byte == 0);
            if !may_end || (at_start && !is_zeros && (self.zeros == Zeros::End || got < BLOCK_BYTES)) {
                return Err(malformed(trouble));
            }
            if got == BLOCK_BYTES && self.zeros == Zeros::Ignore {
                continue;
            }
            self.is_damaged = got > 0 && !is_zeros;
            return Ok(None);
        }
    }

    /// What an extension holds.
    fn extension(&mut self, fields: &Fields) -> io::Result<Vec<u8>> {
        if fields.size > MOST_EXTENSION_BYTES as u64 {
            return Err(malformed("header is too long"));
        }
        let mut bytes = Vec::new();
        let got = (&mut self.source).take(fields.size).read_to_end(&mut bytes)? as u64;
        self.offset += got;
        if got < fields.size {
            return Err(malformed("unexpected end of data"));
        }
        self.skip(padding(fields.size))?;
        Ok(bytes)
    }

    fn member(&mut self, mut fields: Fields, extensions: &[Extension]) -> io::Result<Member> {
        let mut pieces = None;
        if fields.kind == kind::SPARSE {
            let mut found = fields.pieces.clone();
            let mut is_extended = fields.is_extended;
            while is_extended {
                let mut block = [0; BLOCK_BYTES];
                if self.fill(&mut block)? < BLOCK_BYTES {
                    return Err(malformed("unexpected end of data"));
                }
                is_extended = sparse::extend(&block, &mut found)?;
            }
            pieces = Some(found);
        }
        let mut stored_bytes = fields.size;
        if fields.kind == kind::SPARSE {
            fields.size = fields.real_size;
        }
        let mut member = fields.into_member();
        let mut attributes = pax::Attributes::default();
        attributes.read(&self.global, &mut member)?;
        for extension in extensions.iter().rev() {
            match extension {
                Extension::Name(name) => member.name.clone_from(name),
                Extension::Link(link) => member.link.clone_from(link),
                Extension::Pax(records) => attributes.read(records, &mut member)?,
            }
        }
        if let Some(size) = attributes.size {
            stored_bytes = size;
            if pieces.is_none() {
                member.size = size;
            }
        }
        if member.kind == kind::DIRECTORY {
            let end = member.name.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
            member.name.truncate(end);
        }
        // Links, directories and devices have no content, whatever their size says.
        self.left_bytes = if kind::WITHOUT_CONTENT.contains(&member.kind) { 0 } else { stored_bytes };
        self.padding_bytes = padding(self.left_bytes);
        if let Some(size) = attributes.real_size {
            member.size = size;
        }
        if attributes.has_map_in_content {
            pieces = Some(self.map_in_content()?);
        } else if let Some(found) = attributes.pieces {
            pieces = Some(found);
        }
        if let Some(pieces) = &mut pieces {
            sparse::check(pieces, member.size, self.left_bytes)?;
            if member.size > MOST_SPARSE_BYTES {
                return Err(malformed("sparse file is too large"));
            }
            pieces.reverse();
        }
        (self.size, self.pieces) = (member.size, pieces);
        Ok(member)
    }

    /// GNU's format 1.0: numbers in lines ahead of the content, up to a whole block.
    fn map_in_content(&mut self) -> io::Result<Vec<Piece>> {
        let mut map = sparse::Map::default();
        while !map.is_complete() {
            let mut block = [0; BLOCK_BYTES];
            if self.left_bytes < BLOCK_BYTES as u64 || self.fill(&mut block)? < BLOCK_BYTES {
                return Err(malformed("unexpected end of data"));
            }
            self.left_bytes -= BLOCK_BYTES as u64;
            map.feed(&block)?;
        }
        Ok(map.pieces)
    }

    /// Reads until the block is full or nothing more comes.
    fn fill(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < block.len() {
            match self.source.read(&mut block[filled..])? {
                0 => break,
                got => filled += got,
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.source).take(bytes), &mut io::sink())?;
        self.offset += skipped;
        if skipped < bytes { Err(malformed("unexpected end of data")) } else { Ok(()) }
    }
}

pub(super) fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn padding(bytes: u64) -> u64 {
    (BLOCK_BYTES as u64 - bytes % BLOCK_BYTES as u64) % BLOCK_BYTES as u64
}

fn until_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

#[cfg(test)]
mod tests;
