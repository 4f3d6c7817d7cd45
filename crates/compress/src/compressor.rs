//! The `compress` step.

use crate::codec::{Fit, lz4, lzma, zlib, zstd};
use crate::frame::{Codec, HEADER_BYTES};
use crate::obfuscation::{Obfuscation, SIZE_BYTES};
use crate::specification::{Method, Specification};
use crate::{Error, LARGEST_DATA_BYTES};

/// A worker's compressor; contexts are kept from chunk to chunk.
pub struct Compressor {
    method: Prepared,
}

impl Compressor {
    /// Prepares the contexts.
    pub fn new(specification: &Specification) -> Self {
        Self::within(specification, usize::MAX)
    }

    /// The same in at most `memory_bytes`, or [`Compressor::least_memory_bytes`] if that is more: with little memory,
    /// lzma's dictionary and zstd's level are lower than asked for.
    pub fn within(specification: &Specification, memory_bytes: usize) -> Self {
        Self { method: Prepared::new(&specification.method, memory_bytes) }
    }

    /// Appends header and compressed `data` to `framed` (which may hold an envelope's room already). `framed` grows by at
    /// most the data's size and a few bytes, padding apart. After an error `framed` is as it was.
    pub fn compress(&mut self, data: &[u8], framed: &mut Vec<u8>) -> Result<(), Error> {
        let start = framed.len();
        let result = self.method.frame(data, framed, usize::MAX);
        if result.is_err() {
            framed.truncate(start);
        }
        result.map(|_| ())
    }

    /// Memory of the contexts in bytes while a chunk of any size is compressed, for the budget.
    pub fn memory_bytes(specification: &Specification) -> usize {
        Self::memory_bytes_for(specification, LARGEST_DATA_BYTES)
    }

    /// The same where no chunk is larger than `chunk_bytes`: at high levels much less.
    pub fn memory_bytes_for(specification: &Specification, chunk_bytes: usize) -> usize {
        Self::memory(specification, chunk_bytes, lzma::memory_bytes, zstd::memory_bytes)
    }

    /// What [`Compressor::within`] needs where no chunk is larger than `chunk_bytes`.
    pub fn least_memory_bytes(specification: &Specification, chunk_bytes: usize) -> usize {
        let lzma = |level, _| lzma::least_memory_bytes(level);
        Self::memory(specification, chunk_bytes, lzma, zstd::least_memory_bytes)
    }

    fn memory(
        specification: &Specification,
        chunk_bytes: usize,
        lzma: fn(u32, usize) -> usize,
        zstd: fn(i32, usize) -> usize,
    ) -> usize {
        let mut method = &specification.method;
        let mut tried = 0;
        loop {
            match method {
                Method::None => return tried,
                Method::Lz4 => return tried.max(lz4::MEMORY_BYTES),
                Method::Zstd { level } => return tried.max(zstd(*level, chunk_bytes)),
                Method::Zlib { .. } => return tried.max(zlib::MEMORY_BYTES),
                Method::Lzma { level } => return tried.max(lzma(*level, chunk_bytes)),
                Method::Auto(inner) => (method, tried) = (inner, lz4::MEMORY_BYTES),
                Method::Obfuscate(_, inner) => method = inner,
            }
        }
    }
}

enum Prepared {
    None,
    Lz4,
    Zstd(zstd::Compressor),
    Zlib(zlib::Compressor),
    Lzma(lzma::Compressor),
    Auto(Box<Prepared>),
    Obfuscate(Obfuscation, Box<Prepared>),
}

impl Prepared {
    fn new(method: &Method, memory_bytes: usize) -> Self {
        match method {
            Method::None => Self::None,
            Method::Lz4 => Self::Lz4,
            Method::Zstd { level } => Self::Zstd(zstd::Compressor::new(*level, memory_bytes)),
            Method::Zlib { level } => Self::Zlib(zlib::Compressor::new(*level)),
            Method::Lzma { level } => Self::Lzma(lzma::Compressor::new(*level, memory_bytes)),
            Method::Auto(inner) => Self::Auto(Box::new(Self::new(inner, memory_bytes))),
            Method::Obfuscate(obfuscation, inner) => {
                Self::Obfuscate(*obfuscation, Box::new(Self::new(inner, memory_bytes)))
            }
        }
    }

    /// Appends one frame of at most `room` bytes. If it does not fit, `framed` is left as it was.
    fn frame(&mut self, data: &[u8], framed: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
        match self {
            Self::None => plain(data, framed, room),
            Self::Lz4 => smaller(Codec::Lz4, data, framed, room, lz4::compress),
            Self::Zstd(zstd) => {
                smaller(Codec::Zstd, data, framed, room, |data, framed, room| zstd.compress(data, framed, room))
            }
            Self::Zlib(zlib) => {
                smaller(Codec::Zlib, data, framed, room, |data, framed, room| zlib.compress(data, framed, room))
            }
            Self::Lzma(lzma) => {
                smaller(Codec::Lzma, data, framed, room, |data, framed, room| lzma.compress(data, framed, room))
            }
            Self::Auto(inner) => automatic(inner, data, framed, room),
            Self::Obfuscate(obfuscation, inner) => obfuscated(*obfuscation, inner, data, framed, room),
        }
    }
}

fn plain(data: &[u8], framed: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
    if HEADER_BYTES + data.len() > room {
        return Ok(Fit::No);
    }
    framed.try_reserve(HEADER_BYTES + data.len()).map_err(|_| Error::OutOfMemory)?;
    framed.extend_from_slice(Codec::None.header());
    framed.extend_from_slice(data);
    Ok(Fit::Yes)
}

/// The codec's result if it is smaller than the data, else the data.
fn smaller(
    codec: Codec,
    data: &[u8],
    framed: &mut Vec<u8>,
    room: usize,
    compress: impl FnOnce(&[u8], &mut Vec<u8>, usize) -> Result<Fit, Error>,
) -> Result<Fit, Error> {
    let start = framed.len();
    let header = codec.header();
    let codec_room = data.len().saturating_sub(1).min(room.saturating_sub(header.len()));
    if codec_room > 0 {
        framed.try_reserve(header.len() + codec_room).map_err(|_| Error::OutOfMemory)?;
        framed.extend_from_slice(header);
        if compress(data, framed, codec_room)? == Fit::Yes {
            return Ok(Fit::Yes);
        }
        framed.truncate(start);
    }
    plain(data, framed, room)
}

/// Borg's `auto`. lz4 that saves less than 3 % is kept (or `none` if it saves nothing); otherwise the inner method is
/// tried, and kept if it is more than 1 % smaller than lz4. lz4's result is not kept meanwhile but made again in the
/// rare case: that costs less than the memory.
fn automatic(inner: &mut Prepared, data: &[u8], framed: &mut Vec<u8>, room: usize) -> Result<Fit, Error> {
    let start = framed.len();
    let fit = Prepared::Lz4.frame(data, framed, room)?;
    let lz4_bytes = framed.len() - start;
    let pays = fit == Fit::Yes && (lz4_bytes as f64 / (data.len() + HEADER_BYTES) as f64) < 0.97;
    if !pays || matches!(inner, Prepared::None | Prepared::Lz4) {
        return Ok(fit);
    }
    let mut wanted = lz4_bytes * 99 / 100 + 1;
    while wanted > 0 && wanted as f64 / lz4_bytes as f64 >= 0.99 {
        wanted -= 1;
    }
    framed.truncate(start);
    match inner.frame(data, framed, wanted.min(room))? {
        Fit::Yes => Ok(Fit::Yes),
        Fit::No => Prepared::Lz4.frame(data, framed, room),
    }
}

fn obfuscated(
    obfuscation: Obfuscation,
    inner: &mut Prepared,
    data: &[u8],
    framed: &mut Vec<u8>,
    room: usize,
) -> Result<Fit, Error> {
    let start = framed.len();
    let inner_start = start + HEADER_BYTES + SIZE_BYTES;
    framed.extend_from_slice(Codec::Obfuscate.header());
    framed.extend_from_slice(&[0; SIZE_BYTES]);
    let inner_room = room.saturating_sub(HEADER_BYTES + SIZE_BYTES);
    if inner.frame(data, framed, inner_room)? == Fit::No {
        framed.truncate(start);
        return Ok(Fit::No);
    }
    let inner_bytes = framed.len() - inner_start;
    let size = u32::try_from(inner_bytes)
        .map_err(|_| Error::Compression { codec: "obfuscate", reason: "the data is too large" })?;
    framed[inner_start - SIZE_BYTES..inner_start].copy_from_slice(&size.to_be_bytes());
    let padding = obfuscation.padding_bytes(inner_bytes)?.min(inner_room - inner_bytes);
    framed.try_reserve(padding).map_err(|_| Error::OutOfMemory)?;
    framed.resize(framed.len() + padding, 0);
    Ok(Fit::Yes)
}
