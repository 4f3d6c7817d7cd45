//! content: a file's chunks are compressed anew, or cut anew.
//!
//! RAM (`RecreatePlan`): an object, the chunk in it, and what is cut and not stored yet, at most a chunk of the largest kind
//! each; 4 bytes for each chunk of the file at hand, or 40 where it is cut anew.

use nanoprobe_chunker::{Chunker, Parameters, Stream};
use nanoprobe_compress::{Codec, Compressor};
use nanoprobe_format::{ChunkRef, Id, item::Chunks};
use nanoprobe_key::{Key, Opener, Sealer};
use nanoprobe_repository::Repository;

use super::{Options, Recompress};
use crate::{Error, RecreatePlan, delete::KnownChunks};

/// Chunks that the repository is told about ahead of time.
const AHEAD: usize = 8;

/// What is done with content.
pub(super) struct Content<'a> {
    repository: &'a dyn Repository,
    key: &'a Key,
    sealer: &'a Sealer,
    opener: Opener,
    plan: RecreatePlan,
    compressor: Compressor,
    recompress: Recompress,
    cutter: Option<Cutter>,
    /// Compressed by this run already.
    compressed: &'a mut KnownChunks,
    /// Stored bytes of chunks that were not there before.
    pub(super) new_bytes: u64,
    /// An object as it was stored; then, when its data are at hand, one that is made of them.
    object: Vec<u8>,
    /// How the object that was fetched last is compressed.
    fetched: Option<(Id, Option<Codec>)>,
    data: Vec<u8>,
    /// Stored sizes of the file's chunks, where nothing else changes.
    csizes: Vec<u32>,
    /// The file's chunks, where they are cut anew.
    chunks: Vec<ChunkRef>,
}

/// Where data are cut anew.
struct Cutter {
    chunker: Chunker,
    /// The chunk at hand; never more than `maximum_bytes`.
    buffer: Vec<u8>,
    maximum_bytes: usize,
}

impl<'a> Content<'a> {
    pub(super) fn new(
        repository: &'a dyn Repository,
        key: &'a Key,
        sealer: &'a Sealer,
        options: &Options,
        chunker: Option<Parameters>,
        plan: RecreatePlan,
        compressed: &'a mut KnownChunks,
    ) -> Self {
        let gear = key.gear();
        let cutter = chunker.map(|parameters| Cutter {
            chunker: Chunker::new(parameters, key.chunk_seed(), Some(&gear)),
            buffer: Vec::with_capacity(parameters.maximum_bytes()),
            maximum_bytes: parameters.maximum_bytes(),
        });
        let (object, data, csizes, chunks) = Default::default();
        Self {
            repository,
            key,
            sealer,
            opener: key.opener(),
            plan,
            compressor: Compressor::within(&options.compression, plan.codec_bytes),
            recompress: options.recompress,
            cutter,
            compressed,
            new_bytes: 0,
            object,
            fetched: None,
            data,
            csizes,
            chunks,
        }
    }

    /// Whether files get other chunks than they had.
    pub(super) fn cuts_anew(&self) -> bool {
        self.cutter.is_some()
    }

    /// A file's chunks as they are in the new archive.
    pub(super) fn process<'c>(&'c mut self, old: Chunks<'c>) -> Result<Chunks<'c>, Error> {
        self.csizes.clear();
        self.chunks.clear();
        let mut chunks = old.iter();
        for place in 0.. {
            if place % AHEAD == 0 {
                let ahead: Vec<_> = chunks.clone().take(AHEAD).map(|chunk| chunk.id).collect();
                self.repository.preload(&ahead);
            }
            let Some(chunk) = chunks.next() else { break };
            self.fetch(&chunk)?;
            let data = std::mem::take(&mut self.data);
            let done = match self.cutter.take() {
                None => self.store(&chunk.id, &data).map(|csize| self.csizes.push(csize)),
                Some(mut cutter) => {
                    let done = self.append(&mut cutter, &data);
                    self.cutter = Some(cutter);
                    done
                }
            };
            self.data = data;
            done?;
        }
        let Some(mut cutter) = self.cutter.take() else { return Ok(old.resized(&self.csizes)) };
        let done = self.cut(&mut cutter, Stream::Ends);
        self.cutter = Some(cutter);
        done.map(|()| Chunks::Refs(&self.chunks))
    }

    /// Replaces `data` by a chunk's.
    fn fetch(&mut self, chunk: &ChunkRef) -> Result<(), Error> {
        self.plan.check_chunk(chunk.size as usize)?;
        self.repository.get(&chunk.id, &mut self.object)?;
        self.opener.open_in_place(Some(&chunk.id), &mut self.object, &mut self.data)?;
        // What was decrypted lies where it lay.
        self.fetched = Some((chunk.id, self.object.get(self.sealer.envelope_bytes()..).and_then(Codec::of)));
        Ok(())
    }

    /// Cuts what comes next of a file, never with more than a chunk at hand.
    fn append(&mut self, cutter: &mut Cutter, mut data: &[u8]) -> Result<(), Error> {
        while !data.is_empty() {
            if cutter.buffer.len() >= cutter.maximum_bytes {
                self.cut(cutter, Stream::Continues)?;
            }
            let (now, later) = data.split_at(data.len().min(cutter.maximum_bytes - cutter.buffer.len()));
            cutter.buffer.extend_from_slice(now);
            data = later;
        }
        Ok(())
    }

    /// Stores every chunk whose end is certain. A full buffer holds at least one.
    fn cut(&mut self, cutter: &mut Cutter, stream: Stream) -> Result<(), Error> {
        let mut start = 0;
        while let Some(length) = cutter.chunker.next_cut(&cutter.buffer[start..], stream) {
            let data = &cutter.buffer[start..start + length];
            let id = self.key.id(data);
            let csize = self.store(&id, data)?;
            self.chunks.push(ChunkRef { id, size: length as u32, csize });
            self.plan.check_list(self.chunks.len())?;
            start += length;
        }
        cutter.buffer.drain(..start);
        if stream == Stream::Ends {
            cutter.chunker.start();
        }
        Ok(())
    }

    /// Stores a chunk, unless it is stored as it should be. Gives its stored size.
    fn store(&mut self, id: &Id, data: &[u8]) -> Result<u32, Error> {
        let stored = self.repository.stored_bytes(id)?;
        let csize = match stored {
            Some(csize) if self.recompress == Recompress::Never || self.compressed.contains(id) => csize,
            _ => {
                let before = match (stored, self.recompress) {
                    (Some(csize), Recompress::IfDifferent) => self.codec_of(id)?.map(|codec| (codec, csize)),
                    _ => None,
                };
                self.compress(id, data, before)?
            }
        };
        self.compressed.insert(id);
        if stored.is_none() {
            self.new_bytes += u64::from(csize);
        }
        Ok(csize)
    }

    /// Puts a chunk, unless its codec is that of the object `before`. Gives its stored size.
    fn compress(&mut self, id: &Id, data: &[u8], before: Option<(Codec, u32)>) -> Result<u32, Error> {
        let envelope = self.sealer.envelope_bytes();
        self.fetched = None;
        self.object.clear();
        self.object.resize(envelope, 0);
        self.compressor.compress(data, &mut self.object)?;
        if let Some((codec, csize)) = before
            && self.object.get(envelope..).and_then(Codec::of) == Some(codec)
        {
            return Ok(csize);
        }
        self.sealer.seal(&mut self.object)?;
        self.repository.put(id, &self.object)?;
        // An object that was stored is shorter than 20 MiB.
        Ok(self.object.len() as u32)
    }

    /// How a stored chunk is compressed.
    fn codec_of(&mut self, id: &Id) -> Result<Option<Codec>, Error> {
        if let Some((_, codec)) = self.fetched.filter(|(fetched, _)| fetched == id) {
            return Ok(codec);
        }
        self.repository.get(id, &mut self.object)?;
        Ok(Codec::of(self.opener.unseal_in_place(id, &mut self.object)?))
    }
}
