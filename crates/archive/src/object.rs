//! The last steps of data on its way into the repository: compress → encrypt → store.

use nanoprobe_compress::{Compressor, Specification};
use nanoprobe_format::Id;
use nanoprobe_key::Sealer;
use nanoprobe_repository::Repository;

use crate::Error;

/// Compresses, seals and stores; keeps its contexts and its buffer (as large as the largest object it stored).
pub struct ObjectWriter {
    compressor: Compressor,
    sealer: Sealer,
    object: Vec<u8>,
}

impl ObjectWriter {
    /// Compresses as it is told to.
    pub fn new(compression: &Specification, sealer: Sealer) -> Self {
        Self { compressor: Compressor::new(compression), sealer, object: Vec::new() }
    }

    /// Stores `data` as `id` and gives the object's size in bytes.
    pub fn store(&mut self, repository: &dyn Repository, id: &Id, data: &[u8]) -> Result<u32, Error> {
        self.object.clear();
        self.object.resize(self.sealer.envelope_bytes(), 0);
        self.compressor.compress(data, &mut self.object)?;
        self.sealer.seal(&mut self.object)?;
        repository.put(id, &self.object)?;
        // An object that was stored is shorter than 20 MiB.
        Ok(self.object.len() as u32)
    }
}
