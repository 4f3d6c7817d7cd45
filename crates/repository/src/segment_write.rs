//! Appending log entries to the newest segment.
//!
//! Small entries gather in a buffer; a large object goes to the file straight from its owner, header and data in one
//! vectored call. Readers see buffered entries too. A segment that is closed is durable, file and directory.
//! Cost: one buffer of 128 KiB.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use nanoprobe_crypto::crc32;
use nanoprobe_format::Id;
use nanoprobe_format::index::Location;
use nanoprobe_format::segment::{COMMIT_ENTRY, HEADER_BYTES, ID_HEADER_BYTES, MAGIC, Tag, id_header};

use crate::Error;
use crate::fs::{self, Advice, File};
use crate::segment_read::SegmentReader;

/// Entries are gathered up to this many bytes; larger ones are not copied.
const BUFFER_BYTES: usize = 128 * 1024;

/// The newest segment. Only the holder of the transaction writes; everybody may read.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    tail: RwLock<Tail>,
}

#[derive(Debug, Default)]
struct Tail {
    /// Number of the segment that is open, or would be opened next.
    segment: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: Arc<dyn File>,
    path: PathBuf,
    /// Bytes that are in the file.
    flushed: u64,
    buffer: Vec<u8>,
}

/// Where a COMMIT stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In a segment of its own: the end of a transaction.
    Alone,
    /// Behind the entries of the open segment: a step of compaction.
    Behind,
}

/// Where an entry goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Behind the last one, unless the segment is full.
    Current,
    /// A segment that it starts.
    Fresh,
}

impl SegmentWriter {
    pub(crate) fn new() -> Self {
        Self { tail: RwLock::new(Tail::default()) }
    }

    /// Forgets what is open and goes on with segment number `segment`.
    pub(crate) fn restart(&self, segment: u32) {
        *self.write() = Tail { segment, open: None };
    }

    /// Appends a PUT.
    pub(crate) fn put(&self, segments: &SegmentReader, most: u64, id: &Id, data: &[u8]) -> Result<Location, Error> {
        let mut header = id_header(Tag::Put, id, data.len() as u32);
        let crc = crc32(crc32(0, &header[4..]), data);
        header[..4].copy_from_slice(&crc.to_le_bytes());
        self.append(segments, most, target(id), &header, data)
    }

    /// Appends a DELETE.
    pub(crate) fn delete(&self, segments: &SegmentReader, most: u64, id: &Id) -> Result<Location, Error> {
        let mut header = id_header(Tag::Delete, id, 0);
        let crc = crc32(0, &header[4..]);
        header[..4].copy_from_slice(&crc.to_le_bytes());
        self.append(segments, most, target(id), &header, &[])
    }

    /// Makes everything durable, then a COMMIT; the number of the segment that holds it.
    pub(crate) fn commit(&self, segments: &SegmentReader, ending: Ending) -> Result<u32, Error> {
        let target = match ending {
            Ending::Alone => Target::Fresh,
            Ending::Behind => {
                self.sync()?;
                Target::Current
            }
        };
        let location = self.append(segments, u64::MAX, target, &COMMIT_ENTRY, &[])?;
        self.close(segments)?;
        Ok(location.segment)
    }

    /// True when the next entry starts another segment.
    pub(crate) fn is_full(&self, most: u64) -> bool {
        self.read().open.as_ref().is_some_and(|open| open.bytes() > most)
    }

    /// Makes what is in the open segment durable, so that a COMMIT behind it cannot be so alone.
    fn sync(&self) -> Result<(), Error> {
        let mut tail = self.write();
        let Some(open) = &mut tail.open else { return Ok(()) };
        open.flush()?;
        open.file.sync().map_err(Error::io(&open.path))
    }

    /// Makes the open segment durable and closes it.
    pub(crate) fn close(&self, segments: &SegmentReader) -> Result<(), Error> {
        let (file, path, segment) = {
            let mut tail = self.write();
            let Some(open) = &mut tail.open else { return Ok(()) };
            open.flush()?;
            (Arc::clone(&open.file), open.path.clone(), tail.segment)
        };
        // Readers go on through the file meanwhile.
        file.sync().map_err(Error::io(&path))?;
        file.advise(0, 0, Advice::Done);
        let directory = segments.segments.directory(segment);
        segments.segments.fs.sync_directory(&directory).map_err(Error::io(&directory))?;
        let mut tail = self.write();
        tail.open = None;
        tail.segment = segment + 1;
        Ok(())
    }

    /// Replaces `object` by the data at `location` if it is still buffered; the size of the whole entry.
    pub(crate) fn buffered(&self, location: Location, object: Option<&mut Vec<u8>>) -> Option<u32> {
        let tail = self.read();
        let open = tail.open.as_ref().filter(|_| tail.segment == location.segment)?;
        let start = usize::try_from(u64::from(location.offset).checked_sub(open.flushed)?).ok()?;
        let entry = open.buffer.get(start..)?;
        let bytes = u32::from_le_bytes(*entry.get(4..)?.first_chunk()?);
        if let Some(object) = object {
            object.clear();
            object.extend_from_slice(entry.get(ID_HEADER_BYTES..bytes as usize)?);
        }
        Some(bytes)
    }

    fn append(
        &self,
        segments: &SegmentReader,
        most: u64,
        target: Target,
        header: &[u8],
        data: &[u8],
    ) -> Result<Location, Error> {
        let full = self.read().open.as_ref().is_some_and(|open| target == Target::Fresh || open.bytes() > most);
        if full {
            self.close(segments)?;
        }
        let mut tail = self.write();
        let segment = tail.segment;
        let open = match &mut tail.open {
            Some(open) => open,
            None => tail.open.insert(Open::create(segments, segment)?),
        };
        let offset = open.bytes();
        open.append(header, data)?;
        Ok(Location { segment, offset: offset as u32 }) // `most` is below 4 GiB less an entry
    }

    fn read(&self) -> RwLockReadGuard<'_, Tail> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tail> {
        self.tail.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn create(segments: &SegmentReader, segment: u32) -> Result<Self, Error> {
        segments.segments.create_directory(segment)?;
        segments.forget(segment);
        let path = segments.segments.path(segment);
        let file = segments.segments.fs.create(&path).map_err(Error::io(&path))?;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        buffer.extend_from_slice(&MAGIC);
        Ok(Self { file, path, flushed: 0, buffer })
    }

    fn bytes(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    fn append(&mut self, header: &[u8], data: &[u8]) -> Result<(), Error> {
        if self.buffer.len() + header.len() + data.len() <= BUFFER_BYTES {
            self.buffer.extend_from_slice(header);
            self.buffer.extend_from_slice(data);
            return Ok(());
        }
        if self.buffer.len() + header.len() > BUFFER_BYTES || data.len() < BUFFER_BYTES / 2 {
            self.flush()?;
        }
        self.buffer.extend_from_slice(header);
        if data.len() < BUFFER_BYTES / 2 {
            self.buffer.extend_from_slice(data);
            return Ok(());
        }
        // What is buffered, the header and the data in one call.
        fs::write_all_of(&*self.file, [&self.buffer, data], self.flushed).map_err(Error::io(&self.path))?;
        self.flushed += (self.buffer.len() + data.len()) as u64;
        self.buffer.clear();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        fs::write_all(&*self.file, &self.buffer, self.flushed).map_err(Error::io(&self.path))?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn target(id: &Id) -> Target {
    // Every manifest starts a segment, so that damage to it cannot spread and it is found quickly.
    if *id == Id::MANIFEST { Target::Fresh } else { Target::Current }
}

const _: () = assert!(HEADER_BYTES == COMMIT_ENTRY.len());
