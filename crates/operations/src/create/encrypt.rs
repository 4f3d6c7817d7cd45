//! encrypt: seals the compressed chunk where it lies.

use nanoprobe_key::{Error, Sealer};

use super::unit::Chunk;

/// Turns the chunk's part of `output` into an object.
pub(super) fn encrypt(chunk: &mut Chunk, sealer: &Sealer, output: &mut [u8]) -> Result<(), Error> {
    sealer.seal(&mut output[chunk.object.clone()])?;
    chunk.csize = chunk.object.len() as u32;
    Ok(())
}
