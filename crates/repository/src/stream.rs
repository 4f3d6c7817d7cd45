//! Reading and writing files front to back through a bounded buffer, with the digest of `integrity.N` on the way.
//!
//! Cost: one buffer of 256 KiB each, which keeps an SD card or a disk busy with large requests.

use std::io;
use std::sync::Arc;

use nanoprobe_crypto::Xxh64;
use nanoprobe_format::integrity::{FINAL_PART, length_text, position_text};

use crate::fs::{self, File};

/// Size of a sequential read or write.
pub(crate) const STREAM_BYTES: usize = 256 * 1024;

/// The digest of a named file; see `format::integrity` for what enters it.
#[derive(Clone)]
pub(crate) struct Digest {
    hash: Xxh64,
    position: u64,
}

impl Digest {
    pub(crate) fn new(name: &str) -> Self {
        let mut hash = Xxh64::new();
        hash.update(length_text(name.len()).as_bytes());
        hash.update(name.as_bytes());
        Self { hash, position: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.position += bytes.len() as u64;
    }

    /// Ends a part; the digest up to here.
    pub(crate) fn part(&mut self, name: &str) -> u64 {
        self.hash.update(length_text(name.len()).as_bytes());
        self.hash.update(name.as_bytes());
        self.hash.update(position_text(self.position).as_bytes());
        self.hash.digest()
    }
}

/// Writes a new file front to back.
pub(crate) struct StreamWriter {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    /// Bytes in the file already.
    flushed: u64,
    digest: Digest,
}

impl StreamWriter {
    /// `name` is what the file will be called in the end, for the digest.
    pub(crate) fn new(file: Arc<dyn File>, name: &str) -> Self {
        Self { file, buffer: Vec::with_capacity(STREAM_BYTES), flushed: 0, digest: Digest::new(name) }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > STREAM_BYTES {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends a part of the digest.
    pub(crate) fn part(&mut self, name: &str) -> io::Result<u64> {
        self.flush()?;
        Ok(self.digest.part(name))
    }

    /// Writes what is left; the file, not yet durable, and its final digest.
    pub(crate) fn finish(mut self) -> io::Result<(Arc<dyn File>, u64)> {
        self.flush()?;
        let digest = self.digest.part(FINAL_PART);
        Ok((self.file, digest))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.digest.update(&self.buffer);
        fs::write_all(&*self.file, &self.buffer, self.flushed)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl embedded_io::ErrorType for StreamWriter {
    type Error = io::Error;
}

impl embedded_io::Write for StreamWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // `finish` flushes
    }
}

/// Reads a file front to back.
pub(crate) struct StreamReader {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    /// What of the buffer has not been consumed.
    start: usize,
    end: usize,
    /// Where the buffer's end stands in the file.
    offset: u64,
    digest: Option<Digest>,
}

impl StreamReader {
    /// Starts at `offset`; `digest` has seen what stands before it.
    pub(crate) fn new(file: Arc<dyn File>, offset: u64, digest: Option<Digest>) -> Self {
        file.advise(offset, 0, fs::Advice::Sequential);
        Self { file, buffer: vec![0; STREAM_BYTES], start: 0, end: 0, offset, digest }
    }

    /// What has been read and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Moves past `count` of [`StreamReader::bytes`].
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Reads more behind what is there; false at the end of the file, or when the buffer is full.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = fs::read_full(&*self.file, &mut self.buffer[self.end..], self.offset)?;
        if let Some(digest) = &mut self.digest {
            digest.update(&self.buffer[self.end..self.end + read]);
        }
        self.end += read;
        self.offset += read as u64;
        Ok(read > 0)
    }

    /// The next `N` bytes, `None` at the end of the file.
    pub(crate) fn take<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        while self.bytes().len() < N {
            if !self.fill()? {
                return Ok(None);
            }
        }
        let taken = self.bytes().first_chunk::<N>().copied();
        self.consume(N);
        Ok(taken)
    }

    /// The final digest, once everything has been read.
    pub(crate) fn finish(self) -> Option<u64> {
        self.digest.map(|mut digest| digest.part(FINAL_PART))
    }
}
