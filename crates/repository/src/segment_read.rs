//! Reading log entries: one object, one header, or a whole segment in order.
//!
//! Nothing in a header is believed before it has been held against the limits and the file's length; no memory is
//! taken from a declared size. Cost: 16 open files; a walk over a segment holds one entry at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nanoprobe_crypto::crc32;
use nanoprobe_format::Id;
use nanoprobe_format::index::Location;
use nanoprobe_format::segment::{
    COMMIT_ENTRY, DATA_BYTES_MOST, HEADER_BYTES, Header, ID_HEADER_BYTES, MAGIC, Refusal, Tag,
};

use crate::Error;
use crate::fs::{self, Access, Advice, File, FileSystem};
use crate::segment_list::{Order, Segments};
use crate::stream::StreamReader;

/// Segment files kept open.
const OPEN_FILES: usize = 16;

/// What is read ahead at a time.
const AHEAD_BYTES: u32 = 4 << 20;

/// What is read with a header: a small object, or the next headers.
const FIRST_BYTES: usize = 4096;

/// Reads segments; shared by threads.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    pub(crate) segments: Segments,
    /// Open files, the last used at the end.
    open: Mutex<Vec<(u32, Arc<dyn File>)>>,
    /// Where the operating system was last asked to read ahead: segment and offset.
    advised: Mutex<Option<(u32, u32)>>,
}

/// How much of a segment a walk looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every byte, with its CRC.
    Data,
    /// Headers and ids; the rest is passed over.
    Headers,
}

/// One log entry of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) tag: Tag,
    /// All zero for COMMIT.
    pub(crate) id: Id,
    pub(crate) offset: u32,
    /// Size of the whole entry.
    pub(crate) bytes: u32,
}

impl SegmentReader {
    pub(crate) fn new(segments: Segments) -> Self {
        Self { segments, open: Mutex::new(Vec::with_capacity(OPEN_FILES)), advised: Mutex::new(None) }
    }

    /// Replaces `object` by what the PUT at `location` stores.
    pub(crate) fn read(&self, location: Location, id: &Id, object: &mut Vec<u8>) -> Result<(), Error> {
        let file = self.file(location.segment)?;
        let mut first = [0; FIRST_BYTES];
        let (first, header) = self.header(&*file, location, id, &mut first)?;
        let (header_bytes, data) = first.split_at(ID_HEADER_BYTES);
        let length = header.bytes as usize - ID_HEADER_BYTES;
        object.clear();
        object.extend_from_slice(&data[..data.len().min(length)]);
        if object.len() < length {
            let io = |error| Error::io(&self.segments.path(location.segment))(error);
            let (done, start) = (object.len(), u64::from(location.offset) + ID_HEADER_BYTES as u64);
            let present = file.bytes().map_err(io)?.saturating_sub(start).min(length as u64) as usize;
            object.resize(present.max(done), 0);
            let read = done + fs::read_full(&*file, &mut object[done..], start + done as u64).map_err(io)?;
            if read != length {
                return Err(short_read("data", location.segment, location.offset, length, read));
            }
        }
        check_crc(crc32(crc32(0, &header_bytes[4..]), object), header.crc, location)?;
        check_tag(header.tag, location)
    }

    /// Size of the whole entry at `location`, by its header alone.
    pub(crate) fn entry_bytes(&self, location: Location, id: &Id) -> Result<u32, Error> {
        let file = self.file(location.segment)?;
        let (_, header) = self.header(&*file, location, id, &mut [0; ID_HEADER_BYTES])?;
        check_tag(header.tag, location)?;
        Ok(header.bytes)
    }

    /// Asks the operating system to read the PUT at `location` ahead, and what follows it: once for many small ones, since the
    /// question costs it more than they do.
    pub(crate) fn preload(&self, location: Location) {
        let Location { segment, offset } = location;
        let mut advised = self.advised.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ahead = |(last_segment, last): (u32, u32)| {
            last_segment == segment && offset.checked_sub(last).is_some_and(|ahead| ahead < AHEAD_BYTES / 2)
        };
        if !advised.is_some_and(is_ahead)
            && let Ok(file) = self.file(segment)
        {
            file.advise(u64::from(offset), u64::from(AHEAD_BYTES), Advice::Needed);
            *advised = Some((segment, offset));
        }
    }

    /// Forgets the open file of a segment that was removed or is replaced.
    pub(crate) fn forget(&self, segment: u32) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(open, _)| *open != segment);
    }

    /// Removes a segment file.
    pub(crate) fn remove(&self, segment: u32) -> Result<(), Error> {
        self.forget(segment);
        let path = self.segments.path(segment);
        let fs = &*self.segments.fs;
        let removed = match fs::remove_if_present(fs, &path) {
            // Some file systems need room to remove a file, and get it from what the file held. An empty one counts as gone.
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull && links(fs, &path) == Some(1) => fs
                .open(&path, Access::Write)
                .and_then(|file| file.truncate(0))
                .map_err(|_| error)
                .and_then(|()| fs::remove_if_present(fs, &path)),
            removed => removed,
        };
        removed.map_err(Error::io(&path))
    }

    /// Calls `visit` with the entries of a segment in order, until it returns false. `object` holds a PUT's data when
    /// the depth is [`Depth::Data`].
    pub(crate) fn walk(
        &self,
        segment: u32,
        from: u32,
        depth: Depth,
        mut visit: impl FnMut(LogEntry) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let path = self.segments.path(segment);
        let file = self.segments.fs.open(&path, Access::Read).map_err(Error::io(&path))?;
        let length = file.bytes().map_err(Error::io(&path))?;
        let mut offset = u64::from(from);
        if from == 0 {
            let mut magic = [0; MAGIC.len()];
            fs::read_full(&*file, &mut magic, 0).map_err(Error::io(&path))?;
            if magic != MAGIC {
                return Err(Error::Integrity(format!("Invalid segment magic [segment {segment}, offset 0]")));
            }
            offset = MAGIC.len() as u64;
        }
        let mut cursor = Cursor::new(&file, offset, depth);
        while offset < length {
            let place = Location { segment, offset: u32::try_from(offset).unwrap_or(u32::MAX) };
            let entry = cursor.entry(place, length).map_err(|failure| failure.at(&path))?;
            if !visit(entry)? {
                break;
            }
            offset += u64::from(entry.bytes);
        }
        file.advise(0, 0, Advice::Done);
        Ok(())
    }

    /// The newest segment that ends with a COMMIT and is sound: the transaction's id.
    pub(crate) fn last_committed(&self) -> Result<Option<u32>, Error> {
        let mut committed = None;
        self.segments.each(0, Order::NewestFirst, |segment| {
            if self.is_committed(segment)? {
                committed = Some(segment);
            }
            Ok(committed.is_none())
        })?;
        Ok(committed)
    }

    fn is_committed(&self, segment: u32) -> Result<bool, Error> {
        let path = self.segments.path(segment);
        let file = self.segments.fs.open(&path, Access::Read).map_err(Error::io(&path))?;
        let mut end = [0; HEADER_BYTES];
        let Some(offset) = file.bytes().map_err(Error::io(&path))?.checked_sub(end.len() as u64) else {
            return Ok(false);
        };
        let read = fs::read_full(&*file, &mut end, offset).map_err(Error::io(&path))?;
        if read < end.len() || end != COMMIT_ENTRY {
            return Ok(false);
        }
        let (mut commit, mut behind) = (false, false);
        let walked = self.walk(segment, 0, Depth::Data, |entry| {
            behind = commit && entry.tag != Tag::Commit;
            commit |= entry.tag == Tag::Commit;
            Ok(!behind)
        });
        match walked {
            Ok(()) => Ok(commit && !behind),
            Err(Error::Integrity(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Fills `first` with what stands at `at`; as much of it as is there, and the header that it begins with.
    fn header<'b>(
        &self,
        file: &dyn File,
        at: Location,
        id: &Id,
        first: &'b mut [u8],
    ) -> Result<(&'b [u8], Header), Error> {
        let read = fs::read_full(file, first, u64::from(at.offset))
            .map_err(|error| Error::io(&self.segments.path(at.segment))(error))?;
        let raw = &first[..read];
        if raw.len() < ID_HEADER_BYTES {
            return Err(Error::Integrity(format!(
                "Invalid segment entry header [segment {}, offset {}]: unpack requires a buffer of {} bytes",
                at.segment, at.offset, ID_HEADER_BYTES
            )));
        }
        let header = raw.first_chunk().map(Header::from_bytes).unwrap_or(Header { crc: 0, bytes: 0, tag: u8::MAX });
        check_size(&header, ID_HEADER_BYTES, at)?;
        if raw[HEADER_BYTES..ID_HEADER_BYTES] != id.0 {
            return Err(Error::Integrity(format!(
                "Invalid segment entry header, is not for wanted id [segment {}, offset {}]",
                at.segment, at.offset
            )));
        }
        Ok((raw, header))
    }

    fn file(&self, segment: u32) -> Result<Arc<dyn File>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match open.iter().position(|(number, _)| *number == segment) {
            Some(place) => open.remove(place),
            None => {
                let path = self.segments.path(segment);
                let file = self.segments.fs.open(&path, Access::Read).map_err(Error::io(&path))?;
                if open.len() >= OPEN_FILES {
                    open.remove(0);
                }
                (segment, file)
            }
        };
        open.push(found);
        Ok(Arc::clone(&open[open.len() - 1].1))
    }
}

fn links(fs: &dyn FileSystem, path: &Path) -> Option<u64> {
    fs.metadata(path).ok().map(|metadata| metadata.links)
}

/// Where a walk stands in its file.
enum Cursor<'a> {
    /// Reads everything, front to back.
    Data(StreamReader),
    /// Reads headers only, and what of the next ones comes with them.
    Headers { file: &'a dyn File, start: u64, bytes: Vec<u8> },
}

/// What ends a walk: a defect, or the operating system, whose path only the caller knows.
enum WalkFailure {
    Defect(Error),
    Io(std::io::Error),
}

impl WalkFailure {
    fn at(self, path: &Path) -> Error {
        match self {
            Self::Defect(error) => error,
            Self::Io(error) => Error::io(path)(error),
        }
    }
}

impl From<Error> for WalkFailure {
    fn from(error: Error) -> Self {
        Self::Defect(error)
    }
}

impl From<std::io::Error> for WalkFailure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl<'a> Cursor<'a> {
    fn new(file: &'a Arc<dyn File>, offset: u64, depth: Depth) -> Self {
        match depth {
            Depth::Data => Self::Data(StreamReader::new(Arc::clone(file), offset, None)),
            Depth::Headers => Self::Headers { file: &**file, start: 0, bytes: Vec::with_capacity(FIRST_BYTES) },
        }
    }

    fn entry(&mut self, at: Location, length: u64) -> Result<LogEntry, WalkFailure> {
        let mut raw = [0; ID_HEADER_BYTES];
        let read = match self {
            Self::Data(stream) => {
                while stream.bytes().len() < raw.len() && stream.fill()? {}
                let present = stream.bytes().len().min(raw.len());
                raw[..present].copy_from_slice(&stream.bytes()[..present]);
                present
            }
            Self::Headers { file, start, bytes } => {
                let offset = u64::from(at.offset);
                let is_here = offset >= *start && offset + raw.len() as u64 <= *start + bytes.len() as u64;
                if !is_here {
                    bytes.resize(FIRST_BYTES, 0);
                    let read = fs::read_full(*file, bytes, offset)?;
                    bytes.truncate(read);
                    *start = offset;
                }
                let there = &bytes[(offset - *start) as usize..];
                let present = there.len().min(raw.len());
                raw[..present].copy_from_slice(&there[..present]);
                present
            }
        };
        if read < HEADER_BYTES {
            return Err(Error::Integrity(format!(
                "Invalid segment entry header [segment {}, offset {}]: unpack requires a buffer of {} bytes",
                at.segment, at.offset, HEADER_BYTES
            ))
            .into());
        }
        let header = raw.first_chunk().map(Header::from_bytes).unwrap_or(Header { crc: 0, bytes: 0, tag: u8::MAX });
        check_size(&header, HEADER_BYTES, at)?;
        let present = length.saturating_sub(u64::from(at.offset));
        if u64::from(header.bytes) > present {
            let (expected, got) = (header.bytes as usize - HEADER_BYTES, present as usize - HEADER_BYTES);
            return Err(short_read("data", at.segment, at.offset, expected, got).into());
        }
        if let Self::Data(stream) = self {
            check_crc(entry_crc(stream, header.bytes as usize)?, header.crc, at)?;
        }
        let tag = Tag::from_byte(header.tag).ok_or_else(|| unacceptable(at))?;
        if tag == Tag::Commit {
            return Ok(LogEntry { tag, id: Id([0; 32]), offset: at.offset, bytes: header.bytes });
        }
        if (header.bytes as usize) < ID_HEADER_BYTES {
            let got = header.bytes as usize - HEADER_BYTES;
            return Err(short_read("key", at.segment, at.offset, 32, got).into());
        }
        let mut id = Id([0; 32]);
        id.0.copy_from_slice(&raw[HEADER_BYTES..]);
        Ok(LogEntry { tag, id, offset: at.offset, bytes: header.bytes })
    }
}

/// CRC of the entry the stream stands at; the stream is moved past it.
fn entry_crc(stream: &mut StreamReader, bytes: usize) -> Result<u32, std::io::Error> {
    let mut crc = 0;
    let mut done = 0;
    while done < bytes {
        if stream.bytes().is_empty() && !stream.fill()? {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let count = stream.bytes().len().min(bytes - done);
        let skip = 4_usize.saturating_sub(done).min(count); // the CRC does not cover itself
        crc = crc32(crc, &stream.bytes()[skip..count]);
        stream.consume(count);
        done += count;
    }
    Ok(crc)
}

fn check_size(header: &Header, least: usize, at: Location) -> Result<(), Error> {
    let reason = match header.refusal(least) {
        None => return Ok(()),
        Some(Refusal::TooBig) => "too big",
        Some(Refusal::TooSmall) => "too small",
    };
    let Location { segment, offset } = at;
    let text = format!("Invalid segment entry size {} - {reason} [segment {segment}, offset {offset}]", header.bytes);
    Err(Error::Integrity(text))
}

fn check_crc(found: u32, expected: u32, at: Location) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Integrity(format!("Segment entry checksum mismatch [segment {}, offset {}]", at.segment, at.offset)))
}

fn check_tag(tag: u8, at: Location) -> Result<(), Error> {
    if tag == Tag::Put as u8 { Ok(()) } else { Err(unacceptable(at)) }
}

fn unacceptable(at: Location) -> Error {
    Error::Integrity(format!(
        "Invalid segment entry header, did not get acceptable tag [segment {}, offset {}]",
        at.segment, at.offset
    ))
}

fn short_read(what: &str, segment: u32, offset: u32, expected: usize, got: usize) -> Error {
    let place = format!("[segment {segment}, offset {offset}]");
    Error::Integrity(format!("Segment entry {what} short read {place}: expected {expected}, got {got} bytes"))
}

const _: () = assert!(DATA_BYTES_MOST == 20_971_479);
