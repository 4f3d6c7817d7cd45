//! content: a file's chunks are kept, compressed anew, or cut anew.
//!
//! RAM: one chunk stored and plain, what is cut and not stored yet (a chunk of the largest kind and what came with its last
//! piece), one object.

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_compress::{Codec, Compressor};
use nanoprobe_format::ChunkRef;
use nanoprobe_key::{Key, Opener, Sealer};
use nanoprobe_repository::Repository;

use super::{Options, Recompress};
use crate::{Error, create::Statistics, delete::KnownChunks};

/// Chunks that the repository is told about ahead of time.
const AHEAD: usize = 8;

/// What is done with content.
pub(super) struct Content<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    sealer: &'a Sealer,
    opener: Opener,
    compressor: Compressor,
    recompress: Recompress,
    chunker: Option<Chunker>,
    /// Compressed by this run already.
    compressed: &'a mut KnownChunks,
    /// Sums over the new archive.
    pub(super) statistics: Statistics,
    object: Vec<u8>,
    data: Vec<u8>,
    /// To be cut.
    buffer: Vec<u8>,
    /// A new object.
    output: Vec<u8>,
}

impl<'a> Content<'a> {
    pub(super) fn new(
        repository: &'a dyn Repository,
        key: &'a Key,
        sealer: &'a Sealer,
        options: &Options,
        chunker: Option<Parameters>,
        codec_bytes: usize,
        compressed: &'a mut KnownChunks,
    ) -> Self {
        let gear = key.gear();
        let (object, data, buffer, output) = Default::default();
        Self {
            repository,
            key,
            sealer,
            opener: key.opener(),
            compressor: Compressor::within(&options.compression, codec_bytes),
            recompress: options.recompress,
            chunker: chunker.map(|parameters| Chunker::new(parameters, key.chunk_seed(), Some(&gear))),
            compressed,
            statistics: Statistics::default(),
            object,
            data,
            buffer,
            output,
        }
    }

    /// A file's chunks become those of the new archive's, in `new`.
    pub(super) fn process(&mut self, old: &[ChunkRef], new: &mut Vec<ChunkRef>) -> Result<(), Error> {
        new.clear();
        if self.recompress == Recompress::Never && self.chunker.is_none() {
            new.extend_from_slice(old);
            for chunk in old {
                self.statistics.original_bytes += u64::from(chunk.size);
                self.statistics.compressed_bytes += u64::from(chunk.csize);
            }
            return Ok(());
        }
        for (place, chunk) in old.iter().enumerate() {
            if place.is_multiple_of(AHEAD) {
                let ahead: Vec<_> = old[place..].iter().take(AHEAD).map(|chunk| chunk.id).collect();
                self.repository.preload(&ahead);
            }
            self.repository.get(&chunk.id, &mut self.object)?;
            let mut data = std::mem::take(&mut self.data);
            let opened = self.opener.open_in_place(Some(&chunk.id), &mut self.object, &mut data);
            let done = opened.map_err(Error::from).and_then(|()| self.take(&data, new));
            self.data = data;
            done?;
        }
        self.cut(Stream::Ends, new)
    }

    fn take(&mut self, data: &[u8], new: &mut Vec<ChunkRef>) -> Result<(), Error> {
        if self.chunker.is_some() {
            self.buffer.extend_from_slice(data);
            return self.cut(Stream::Continues, new);
        }
        new.push(self.store(data)?);
        Ok(())
    }

    /// Stores every chunk whose end is certain.
    fn cut(&mut self, stream: Stream, new: &mut Vec<ChunkRef>) -> Result<(), Error> {
        let Some(mut chunker) = self.chunker.take() else { return Ok(()) };
        let buffer = std::mem::take(&mut self.buffer);
        let (mut start, mut result) = (0, Ok(()));
        while let Some(length) = chunker.next_cut(&buffer[start..], stream) {
            match self.store(&buffer[start..start + length]) {
                Ok(chunk) => new.push(chunk),
                Err(error) => result = Err(error),
            }
            start += length;
            if result.is_err() {
                break;
            }
        }
        if stream == Stream::Ends {
            chunker.start();
        }
        (self.chunker, self.buffer) = (Some(chunker), buffer);
        self.buffer.drain(..start);
        result
    }

    /// Stores a chunk, unless it is stored as it should be.
    fn store(&mut self, data: &[u8]) -> Result<ChunkRef, Error> {
        let id = self.key.id(data);
        let stored = self.repository.stored_bytes(&id)?;
        let csize = match stored {
            Some(csize) if self.recompress == Recompress::Never || self.compressed.contains(&id) => csize,
            _ => {
                self.output.clear();
                self.output.resize(self.sealer.envelope_bytes(), 0);
                self.compressor.compress(data, &mut self.output)?;
                match stored {
                    Some(csize) if self.recompress == Recompress::IfDifferent && self.is_alike(&id)? => csize,
                    _ => {
                        self.sealer.seal(&mut self.output)?;
                        self.repository.put(&id, &self.output)?;
                        // An object that was stored is shorter than 20 MiB.
                        self.output.len() as u32
                    }
                }
            }
        };
        self.compressed.insert(&id);
        self.statistics.original_bytes += data.len() as u64;
        self.statistics.compressed_bytes += u64::from(csize);
        if stored.is_none() {
            self.statistics.deduplicated_bytes += u64::from(csize);
        }
        Ok(ChunkRef { id, size: data.len() as u32, csize })
    }

    /// Whether the stored chunk was compressed by the codec of the new one.
    fn is_alike(&mut self, id: &nanoprobe_format::Id) -> Result<bool, Error> {
        let mut plain = Vec::new();
        self.repository.get(id, &mut self.object)?;
        self.opener.open_in_place(Some(id), &mut self.object, &mut plain)?;
        // What was decrypted lies where it lay.
        let envelope = self.sealer.envelope_bytes();
        let codec = |object: &[u8]| object.get(envelope..).and_then(Codec::of);
        Ok(codec(&self.object) == codec(&self.output))
    }
}
