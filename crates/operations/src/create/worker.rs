//! A worker's thread: everything from the cut on.
//!
//! A worker has two units in hand: while one is named, the MACs of the one before are made, so that there are always
//! hashes to be made side by side. The content of a unit is given back once it is compressed.

use crossbeam_channel::{Receiver, Sender};
use nanoprobe_compress::Compressor;
use nanoprobe_key::Sealer;
use nanoprobe_repository::Repository;

use super::{
    compress::compress,
    hash::Hasher,
    seen::seen,
    store::Store,
    turns::{Failed, Turns},
    unit::{Record, Unit},
};
use crate::{Error, slots::Slots};

/// One of several; units come through `queue` and go back through `recycle`.
pub(super) struct Worker<'a, 'k> {
    pub repository: &'a dyn Repository,
    pub hasher: Hasher<'a>,
    pub compressor: Compressor,
    pub sealer: Sealer,
    /// Objects of the unit that is stored next.
    pub output: Vec<u8>,
    pub slots: &'a Slots,
    pub queue: Receiver<Unit>,
    pub recycle: Sender<Unit>,
    pub turns: &'a Turns<Store<'k>>,
}

impl Worker<'_, '_> {
    /// Works until there are no more units, or somebody failed.
    pub(super) fn run(mut self) {
        if self.work().is_err() {
            self.slots.close();
        }
    }

    fn work(&mut self) -> Result<(), Failed> {
        let mut encrypted: Option<Unit> = None;
        loop {
            // What is encrypted waits for its MACs only where another unit is there to be named.
            let mut next = if encrypted.is_some() { self.queue.try_recv().ok() } else { self.queue.recv().ok() };
            self.hasher.hash(next.as_mut(), encrypted.as_ref(), &mut self.output, &self.sealer);
            if encrypted.is_none() && next.is_none() {
                return Ok(());
            }
            if let Some(unit) = encrypted.take() {
                self.store(unit)?;
            }
            if let Some(mut unit) = next {
                self.encrypt(&mut unit).map_err(|error| self.turns.fail(error))?;
                encrypted = Some(unit);
            }
        }
    }

    /// seen? → compress → encrypt for each chunk of a unit; its content is not needed afterwards.
    fn encrypt(&mut self, unit: &mut Unit) -> Result<(), Error> {
        let Self { repository, compressor, sealer, output, .. } = self;
        let content = std::mem::take(&mut unit.data);
        output.clear();
        for record in &mut unit.records {
            let Record::Chunk(chunk) = record else { continue };
            if seen(chunk, *repository)? {
                continue;
            }
            let data = if chunk.hole { &[][..] } else { &content[chunk.range.clone()] };
            compress(chunk, data, sealer.envelope_bytes(), compressor, output)?;
            sealer.encrypt(&mut output[chunk.object.clone()])?;
            chunk.csize = chunk.object.len() as u32;
        }
        self.slots.give(content);
        Ok(())
    }

    /// Stores a unit when its turn comes; it is empty again then.
    fn store(&mut self, mut unit: Unit) -> Result<(), Failed> {
        let Self { turns, output, .. } = self;
        turns.take(unit.sequence, |store| store.store(&mut unit, output))?;
        unit.clear();
        let _ = self.recycle.send(unit);
        Ok(())
    }
}
