//! Borg's compression framing over its codecs. The only crate that links C codecs.

/// What `--compression` says: `none`, `lz4`, `zstd[,L]`, `zlib[,L]`, `lzma[,L]`, `auto,C[,L]`, `obfuscate,SPEC,C[,L]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specification {}
// impl FromStr, Display (Borg's spelling), Default (lz4).

/// A worker's compressor; contexts and scratch space are kept from chunk to chunk.
pub struct Compressor {}

impl Compressor {
    /// Prepares the contexts.
    pub fn new(specification: &Specification) -> Self {
        todo!()
    }
    /// Appends header and compressed `data` to `framed` (which may hold an envelope's room already).
    pub fn compress(&mut self, data: &[u8], framed: &mut Vec<u8>) -> Result<(), Error> {
        todo!()
    }
    /// Memory of the contexts in bytes, for the budget.
    pub fn memory_bytes(specification: &Specification) -> usize {
        todo!()
    }
}

/// A worker's decompressor for every codec.
pub struct Decompressor {}

impl Decompressor {
    /// Prepares nothing; contexts are made when first needed.
    pub fn new() -> Self {
        todo!()
    }
    /// Replaces `data` by the plain bytes of `framed`; more than `limit` bytes is an error, found before they are made.
    pub fn decompress(&mut self, framed: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
        todo!()
    }
}

/// What can be wrong with compressed bytes or a specification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
