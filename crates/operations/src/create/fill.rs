//! Fills units and hands them to the workers.

use bytes::BytesMut;
use crossbeam_channel::{Receiver, Sender};

use super::{
    halt::Halt,
    trouble::Trouble,
    unit::{Chunk, Entry, Record, Told, Unit},
};
use crate::{budget::CreatePlan, slots::Slots};

/// The unit at hand, and the piece of the slots that its content goes into.
pub(super) struct Filling<'a> {
    pub unit: Unit,
    slots: &'a Slots,
    empty: Receiver<Unit>,
    full: Sender<Unit>,
    /// Content of the unit first, then bytes read ahead, then room.
    block: BytesMut,
    used: usize,
    sequence: u64,
    unit_bytes: usize,
    /// Bytes read ahead, on their way to another piece.
    moved: Vec<u8>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(slots: &'a Slots, empty: Receiver<Unit>, full: Sender<Unit>, plan: &CreatePlan) -> Self {
        let (unit, block, moved) = Default::default();
        Self { unit, slots, empty, full, block, used: 0, sequence: 0, unit_bytes: plan.unit_bytes, moved }
    }

    /// Makes room for `least` bytes behind the content, the first `ahead` of which are there already.
    pub(super) fn reserve(&mut self, ahead: usize, least: usize) -> Result<(), Halt> {
        if self.block.len() - self.used >= least {
            return Ok(());
        }
        self.dispatch()?;
        if self.block.len() >= least {
            return Ok(());
        }
        self.moved.clear();
        self.moved.extend_from_slice(&self.block[..ahead]);
        self.slots.give(std::mem::take(&mut self.block));
        // Small files go round in a small piece, which stays in the processor's cache; a large one gets what there is.
        let most = if least > self.unit_bytes { usize::MAX } else { 2 * self.unit_bytes };
        self.block = self.slots.take(least, most).ok_or(Halt::Worker)?;
        self.block[..ahead].copy_from_slice(&self.moved);
        Ok(())
    }

    /// The reserved room, with the bytes read ahead in front.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.block[self.used..]
    }

    /// The first `bytes` of the room are a chunk.
    pub(super) fn chunk(&mut self, bytes: usize) -> Result<(), Halt> {
        let range = self.used..self.used + bytes;
        self.used = range.end;
        self.unit.records.push(Record::Chunk(Chunk::new(range)));
        self.dispatch_if_full()
    }

    /// An item begins.
    pub(super) fn begin(&mut self, entry: Entry) {
        self.unit.records.push(Record::Begin(self.unit.entries.len() as u32));
        self.unit.entries.push(entry);
    }

    /// A status line.
    pub(super) fn report(&mut self, status: char, path: &[u8]) -> Result<(), Halt> {
        let path = self.unit.push(path);
        self.unit.records.push(Record::Told(Told::Report { status, path }));
        self.dispatch_if_full()
    }

    /// Trouble with one file.
    pub(super) fn warn(&mut self, trouble: &Trouble, path: &[u8]) -> Result<(), Halt> {
        self.warn_with(&trouble.message(path), trouble.exit_code())
    }

    /// Another warning.
    pub(super) fn warn_with(&mut self, message: &str, exit_code: u8) -> Result<(), Halt> {
        let message = self.unit.push(message.as_bytes());
        self.unit.records.push(Record::Told(Told::Warning { message, exit_code }));
        self.dispatch_if_full()
    }

    /// Something to know that is no trouble with a file.
    pub(super) fn remark(&mut self, message: &str) -> Result<(), Halt> {
        self.unit.remark(message);
        self.dispatch_if_full()
    }

    /// Hands the unit on when it holds enough.
    pub(super) fn dispatch_if_full(&mut self) -> Result<(), Halt> {
        if self.used >= self.unit_bytes || self.unit.is_full() { self.dispatch() } else { Ok(()) }
    }

    /// Hands the unit on.
    pub(super) fn dispatch(&mut self) -> Result<(), Halt> {
        if self.unit.is_empty() {
            return Ok(());
        }
        let next = self.empty.recv().map_err(|_| Halt::Worker)?;
        let mut unit = std::mem::replace(&mut self.unit, next);
        unit.data = self.block.split_to(self.used);
        unit.sequence = self.sequence;
        self.used = 0;
        self.sequence += 1;
        self.full.send(unit).map_err(|_| Halt::Worker)
    }
}
