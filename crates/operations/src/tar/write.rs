//! Writes members as Borg writes them: the GNU format, long names in members of their own, records of 20 blocks.

use std::io::{self, Write};

use nanoprobe_format::item::Item;
use rustix::fs::{major, minor};

use super::{
    BLOCK_BYTES,
    header::{Header, Magic, kind},
};

/// The end is padded to this.
const RECORD_BYTES: u64 = 20 * BLOCK_BYTES as u64;
/// Longer names stand in members of their own.
const NAME_BYTES: usize = 100;
const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// One tar archive on its way out.
pub(crate) struct TarWriter<'a> {
    out: &'a mut (dyn Write + Send),
    written_bytes: u64,
    /// What is left of the content that the member at hand was said to have.
    left_bytes: u64,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Its content follows.
    Member,
    /// Tar has nothing like it.
    Unsupported,
}

/// Where a file's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It follows.
    Here,
    /// With the member that `source` names.
    Elsewhere,
}

impl<'a> TarWriter<'a> {
    pub(crate) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, written_bytes: 0, left_bytes: 0 }
    }

    /// Begins a member called `path`; a regular file is to have `size` bytes.
    pub(crate) fn begin(&mut self, item: &Item<'_>, path: &[u8], place: Place) -> io::Result<Begun> {
        let source = item.source.unwrap_or_default();
        let mut device = None;
        let (kind, link, size) = match item.mode & 0o170_000 {
            // A link to a name that was stripped away altogether is an empty file.
            0o100_000 if place == Place::Elsewhere && !source.is_empty() => (kind::HARD_LINK, source, 0),
            0o100_000 if place == Place::Elsewhere => (kind::REGULAR, &b""[..], 0),
            0o100_000 => (kind::REGULAR, &b""[..], item.size.unwrap_or(0)),
            0o040_000 => (kind::DIRECTORY, &b""[..], 0),
            0o120_000 => (kind::SYMBOLIC_LINK, source, 0),
            0o010_000 => (kind::FIFO, &b""[..], 0),
            bits @ (0o020_000 | 0o060_000) => {
                let number = item.rdev.unwrap_or(0);
                device = Some((major(number), minor(number)));
                (if bits == 0o020_000 { kind::CHARACTER_DEVICE } else { kind::BLOCK_DEVICE }, &b""[..], 0)
            }
            _ => return Ok(Begun::Unsupported),
        };
        let mut name = path.to_vec();
        if kind == kind::DIRECTORY && !name.ends_with(b"/") {
            name.push(b'/');
        }
        let header = Header {
            name: &name,
            mode: item.mode,
            uid: item.uid.unwrap_or(0),
            gid: item.gid.unwrap_or(0),
            size,
            // Borg divides floats: the last nanoseconds of a second may count to the next.
            mtime: (item.mtime.unwrap_or(0) as f64 / 1e9) as i64,
            kind,
            link,
            magic: Magic::Gnu,
            user: item.user.unwrap_or_default(),
            group: item.group.unwrap_or_default(),
            device,
        };
        self.long(link, kind::LONG_LINK)?;
        self.long(&name, kind::LONG_NAME)?;
        self.write(&header.block())?;
        self.left_bytes = size;
        Ok(Begun::Member)
    }

    /// The next piece of the content; what is more than was announced is left away.
    pub(crate) fn content(&mut self, data: &[u8]) -> io::Result<()> {
        let length = usize::try_from(self.left_bytes).map_or(data.len(), |left| left.min(data.len()));
        self.left_bytes -= length as u64;
        self.write(&data[..length])
    }

    /// The member is complete; it is an error if its content is not.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.left_bytes > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of data"));
        }
        self.pad(BLOCK_BYTES as u64)
    }

    /// The archive is complete.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.write(&ZEROS)?;
        self.write(&ZEROS)?;
        self.pad(RECORD_BYTES)?;
        self.out.flush()
    }

    /// A name that is too long for its field, ahead of the member.
    fn long(&mut self, name: &[u8], kind: u8) -> io::Result<()> {
        if name.len() <= NAME_BYTES {
            return Ok(());
        }
        let empty = &b""[..];
        let header = Header {
            name: b"././@LongLink",
            mode: 0,
            uid: 0,
            gid: 0,
            size: name.len() as u64 + 1,
            mtime: 0,
            kind,
            link: empty,
            magic: Magic::Gnu,
            user: empty,
            group: empty,
            device: None,
        };
        self.write(&header.block())?;
        self.write(name)?;
        self.write(&[0])?;
        self.pad(BLOCK_BYTES as u64)
    }

    fn pad(&mut self, unit: u64) -> io::Result<()> {
        let mut missing = self.written_bytes.next_multiple_of(unit) - self.written_bytes;
        while missing > 0 {
            let length = missing.min(BLOCK_BYTES as u64);
            self.write(&ZEROS[..length as usize])?;
            missing -= length;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written_bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}
