//! One file a codec. Each appends to the caller's vector, within room that the caller has bounded.

pub(crate) mod lz4;
pub(crate) mod lzma;
pub(crate) mod zlib;
pub(crate) mod zstd;

use crate::Error;

/// Whether the result was small enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It was appended.
    Yes,
    /// It was not; what may have been appended is no use.
    No,
}

/// Makes room for `bytes` more, or says that there is no memory.
fn reserve(vector: &mut Vec<u8>, bytes: usize) -> Result<(), Error> {
    vector.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory)
}
