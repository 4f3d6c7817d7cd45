//! Making a damaged segment sound: what of its entries is still whole goes into a new file, which replaces the old one.
//!
//! Entries are looked for at every byte. Behind one that is damaged in its data only, the next one stands where the header
//! says, which saves looking at every byte of the data. The old file is replaced atomically; nothing is written in place.
//! Cost: two windows of 256 KiB.

use std::io;
use std::path::Path;
use std::sync::Arc;

use nanoprobe_crypto::crc32;
use nanoprobe_format::segment::{HEADER_BYTES, Header, ID_HEADER_BYTES, MAGIC, Tag};

use crate::Error;
use crate::fs::{self, Access, File, FileSystem};
use crate::stream::{STREAM_BYTES, StreamWriter};

/// Replaces the segment at `path`, durably.
pub(crate) fn salvage(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    let source = fs.open(path, Access::Read).map_err(Error::io(path))?;
    let written = (|| {
        fs::remove_if_present(fs, &temporary)?;
        let mut writer = StreamWriter::new(fs.create(&temporary)?, "");
        copy_whole(source, &mut writer)?;
        writer.finish()?.0.sync()
    })();
    written.map_err(Error::io(&temporary))?;
    fs.rename(&temporary, path).map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), |directory| fs.sync_directory(directory).map_err(Error::io(directory)))
}

fn copy_whole(source: Arc<dyn File>, writer: &mut StreamWriter) -> io::Result<()> {
    let length = source.bytes()?;
    let mut window = Window { file: source, bytes: vec![0; STREAM_BYTES], start: 0, end: 0 };
    writer.write(&MAGIC)?;
    let mut offset = 0;
    while let Some(header) = window.header(offset)? {
        let end = offset + u64::from(header.bytes);
        if is_possible(&header) && end <= length {
            if window.crc(offset, end)? == header.crc {
                window.copy(offset, end, writer)?;
                offset = end;
                continue;
            }
            // Damage in the data leaves the next entry where it was.
            if let Some(next) = window.header(end)?
                && is_possible(&next)
                && end + u64::from(next.bytes) <= length
                && window.crc(end, end + u64::from(next.bytes))? == next.crc
            {
                offset = end;
                continue;
            }
        }
        offset += 1;
    }
    Ok(())
}

/// Whether a header can be one at all: size and tag fit each other.
fn is_possible(header: &Header) -> bool {
    match Tag::from_byte(header.tag) {
        Some(Tag::Put) => header.refusal(ID_HEADER_BYTES).is_none(),
        Some(Tag::Delete) => header.bytes as usize == ID_HEADER_BYTES,
        Some(Tag::Commit) => header.bytes as usize == HEADER_BYTES,
        None => false,
    }
}

/// A part of a file in memory.
struct Window {
    file: Arc<dyn File>,
    bytes: Vec<u8>,
    start: u64,
    end: u64,
}

impl Window {
    /// The bytes from `offset` on: as many as are in memory, at least nine unless the file ends.
    fn at(&mut self, offset: u64, least: usize) -> io::Result<&[u8]> {
        if offset < self.start || offset + least as u64 > self.end {
            let read = fs::read_full(&*self.file, &mut self.bytes, offset)?;
            (self.start, self.end) = (offset, offset + read as u64);
        }
        Ok(&self.bytes[(offset - self.start) as usize..(self.end - self.start) as usize])
    }

    fn header(&mut self, offset: u64) -> io::Result<Option<Header>> {
        Ok(self.at(offset, HEADER_BYTES)?.first_chunk().map(Header::from_bytes))
    }

    /// CRC of the entry from `start` to `end`.
    fn crc(&mut self, start: u64, end: u64) -> io::Result<u32> {
        let mut crc = 0;
        self.each(start + 4, end, |bytes| {
            crc = crc32(crc, bytes);
            Ok(())
        })?;
        Ok(crc)
    }

    fn copy(&mut self, start: u64, end: u64, writer: &mut StreamWriter) -> io::Result<()> {
        self.each(start, end, |bytes| writer.write(bytes))
    }

    fn each(&mut self, mut at: u64, end: u64, mut visit: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        while at < end {
            let bytes = self.at(at, 1)?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let count = bytes.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            visit(&bytes[..count])?;
            at += count as u64;
        }
        Ok(())
    }
}
