//! Writes an archive's items: emit → chunk → id → seen? → compress → encrypt → store.
//!
//! Borg cuts the stream in its own way (it gathers 8 MiB, cuts them, keeps the last piece for the next round), but a cut
//! depends only on what stands before it and one window behind it, so cutting as the stream comes gives the same chunks,
//! and an archive of unchanged files costs no new metadata chunks beside the last ones.
//!
//! RAM: one chunk of the largest size (512 KiB), the object that is made of it, and 32 bytes a stored chunk.

use embedded_io::{ErrorKind, ErrorType, Write};
use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_compress::Specification;
use nanoprobe_format::Id;
use nanoprobe_format::item::Item;
use nanoprobe_format::msgpack::Writer;
use nanoprobe_key::{Key, Sealer};
use nanoprobe_repository::Repository;

use crate::Error;
use crate::object::ObjectWriter;

/// Chunks and stores an item metadata stream.
pub struct ItemWriter<'k> {
    key: &'k Key,
    chunker: Chunker,
    objects: ObjectWriter,
    /// The chunk at hand and what came after it; never more than `maximum_bytes`.
    buffer: Vec<u8>,
    maximum_bytes: usize,
    ids: Vec<Id>,
    statistics: StreamStatistics,
}

/// What a stream has cost so far. Borg keeps these figures apart from an archive's own, which speak of files only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStatistics {
    /// Plain bytes of all chunks.
    pub original_bytes: u64,
    /// Stored bytes of all chunks, whether they were there before or not.
    pub compressed_bytes: u64,
    /// Plain bytes of new chunks.
    pub new_bytes: u64,
    /// Stored bytes of new chunks.
    pub deduplicated_bytes: u64,
    /// All chunks.
    pub chunks: u64,
    /// New chunks.
    pub new_chunks: u64,
}

impl<'k> ItemWriter<'k> {
    /// Begins a stream.
    pub fn new(key: &'k Key, sealer: Sealer, compression: &Specification) -> Self {
        let parameters = Parameters::ITEMS;
        let maximum_bytes = parameters.maximum_bytes();
        Self {
            key,
            chunker: Chunker::new(parameters, key.chunk_seed(), None),
            objects: ObjectWriter::new(compression, sealer),
            buffer: Vec::with_capacity(maximum_bytes),
            maximum_bytes,
            ids: Vec::new(),
            statistics: StreamStatistics::default(),
        }
    }

    /// Appends one item; full chunks are stored at once (deduplicated).
    pub fn write(&mut self, item: &Item<'_>, repository: &dyn Repository) -> Result<(), Error> {
        item.emit(&mut Writer::new(Sink { stream: self, repository })).map_err(|Failure(error)| error)
    }

    /// Stores the tail and gives the stream's ids. The writer can go on: what follows begins a new chunk, as after a
    /// checkpoint of Borg's.
    pub fn flush(&mut self, repository: &dyn Repository) -> Result<&[Id], Error> {
        self.cut(Stream::Ends, repository)?;
        Ok(&self.ids)
    }

    /// What the stream has cost so far; the chunk at hand is not counted yet.
    pub fn statistics(&self) -> StreamStatistics {
        self.statistics
    }

    fn append(&mut self, mut bytes: &[u8], repository: &dyn Repository) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.buffer.len() >= self.maximum_bytes {
                self.cut(Stream::Continues, repository)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.maximum_bytes - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Stores every chunk whose end is certain. A full buffer holds at least one.
    fn cut(&mut self, stream: Stream, repository: &dyn Repository) -> Result<(), Error> {
        let mut start = 0;
        while let Some(length) = self.chunker.next_cut(&self.buffer[start..], stream) {
            let chunk = &self.buffer[start..start + length];
            let id = self.key.id(chunk);
            let stored_before = repository.stored_bytes(&id)?;
            let stored_bytes = match stored_before {
                Some(bytes) => bytes,
                None => self.objects.store(repository, &id, chunk)?,
            };
            self.statistics.add(length, stored_bytes, stored_before.is_none());
            self.ids.push(id);
            start += length;
        }
        self.buffer.drain(..start);
        if matches!(stream, Stream::Ends) {
            self.chunker.start();
        }
        Ok(())
    }
}

impl StreamStatistics {
    fn add(&mut self, plain_bytes: usize, stored_bytes: u32, is_new: bool) {
        self.original_bytes += plain_bytes as u64;
        self.compressed_bytes += u64::from(stored_bytes);
        self.chunks += 1;
        if is_new {
            self.new_bytes += plain_bytes as u64;
            self.deduplicated_bytes += u64::from(stored_bytes);
            self.new_chunks += 1;
        }
    }
}

/// Where items are emitted to: the stream, with the repository that takes its full chunks.
struct Sink<'s, 'k> {
    stream: &'s mut ItemWriter<'k>,
    repository: &'s dyn Repository,
}

/// An error on its way through `embedded-io`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failure(Error);

impl ErrorType for Sink<'_, '_> {
    type Error = Failure;
}

impl embedded_io::Error for Failure {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl Write for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        self.stream.append(bytes, self.repository).map_err(Failure)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
