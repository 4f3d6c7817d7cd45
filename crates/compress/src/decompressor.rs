//! The mirror of the `compress` step. What comes in may be hostile: in Borg's modes without encryption nothing has
//! authenticated it.

use crate::Error;
use crate::codec::{lz4, lzma, zlib, zstd};
use crate::frame::{Codec, HEADER_BYTES};
use crate::obfuscation::SIZE_BYTES;

/// A worker's decompressor for every codec.
#[derive(Default)]
pub struct Decompressor {
    zstd: Option<zstd::Decompressor>,
    zlib: Option<zlib::Decompressor>,
}

impl Decompressor {
    /// Prepares nothing; contexts are made when first needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces `data` by the plain bytes of `framed`; more than `limit` bytes is an error, found before they are made.
    /// Memory: `data` itself and some 160 KiB; for lzma once more the data's size.
    pub fn decompress(&mut self, framed: &[u8], limit: usize, data: &mut Vec<u8>) -> Result<(), Error> {
        data.clear();
        let mut framed = framed;
        // Each round takes six bytes away, so that nested padding ends.
        while Codec::of(framed) == Some(Codec::Obfuscate) {
            framed = without_padding(framed)?;
        }
        let codec = Codec::of(framed).ok_or(Error::UnknownCodec { header: first_two(framed) })?;
        let body = &framed[codec.header().len()..];
        let result = match codec {
            Codec::None if body.len() > limit => Err(Error::TooLarge { limit_bytes: limit }),
            Codec::None => {
                data.try_reserve_exact(body.len()).map_err(|_| Error::OutOfMemory)?;
                data.extend_from_slice(body);
                Ok(())
            }
            Codec::Lz4 => lz4::decompress(body, limit, data),
            Codec::Lzma => lzma::decompress(body, limit, data),
            Codec::Zlib => self.zlib.get_or_insert_default().decompress(body, limit, data),
            Codec::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = Some(zstd::Decompressor::new()?);
                }
                match &mut self.zstd {
                    Some(zstd) => zstd.decompress(body, limit, data),
                    None => Err(Error::OutOfMemory),
                }
            }
            Codec::Obfuscate => Err(Error::Corrupt { codec: "obfuscate", reason: "nested without end" }),
        };
        if result.is_err() {
            data.clear();
        }
        result
    }
}

/// The frame inside an `obfuscate` frame. A size beyond the end is cut there, as Borg does; the codec then complains.
fn without_padding(framed: &[u8]) -> Result<&[u8], Error> {
    let body = &framed[HEADER_BYTES..];
    let (size, inner) = body
        .split_first_chunk::<SIZE_BYTES>()
        .ok_or(Error::Corrupt { codec: "obfuscate", reason: "the size is missing" })?;
    let size = u32::from_be_bytes(*size) as usize;
    Ok(&inner[..size.min(inner.len())])
}

fn first_two(framed: &[u8]) -> [u8; 2] {
    [framed.first().copied().unwrap_or_default(), framed.get(1).copied().unwrap_or_default()]
}
