//! compress: behind room for the envelope, at the end of the worker's output.

use nanoprobe_compress::{Compressor, Error};

use super::unit::Chunk;

/// Appends room for the envelope and the compressed chunk to `output`.
pub(super) fn compress(
    chunk: &mut Chunk,
    data: &[u8],
    envelope_bytes: usize,
    compressor: &mut Compressor,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = output.len();
    output.resize(start + envelope_bytes, 0);
    if chunk.hole {
        compressor.compress(&vec![0; chunk.range.len()], output)?;
    } else {
        compressor.compress(data, output)?;
    }
    chunk.object = start..output.len();
    Ok(())
}
