//! Borg's compression framing over its codecs: the `compress` step between `seen?` and `encrypt`, and its mirror.
//! The only crate that links C codecs.
//!
//! A compressed chunk begins with two bytes that name the codec (`Codec`); zlib alone brings its own. A codec whose
//! result is not smaller than the data is replaced by `none`, which every Borg reads.
//!
//! RAM: contexts live as long as their worker; [`Compressor::memory_bytes`] says how much they take. Output goes to the
//! caller's buffers, which never grow beyond the data's size (compressing) or the caller's limit (decompressing).

mod codec;
mod compressor;
mod decompressor;
mod error;
mod frame;
mod obfuscation;
mod specification;

pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use error::Error;
pub use frame::Codec;
pub use specification::Specification;

/// The largest stored object's payload in Borg, and so the largest chunk there can be.
const LARGEST_DATA_BYTES: usize = 20 * 1024 * 1024 - 41;
