//! Fills units and hands them to the workers.

use bytes::BytesMut;
use crossbeam_channel::{Receiver, Sender};
use nanoprobe_format::Id;

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
    plan: CreatePlan,
    /// Content at which the unit at hand is handed on: small chunks are many, large ones should be a few.
    enough_bytes: usize,
}

impl<'a> Filling<'a> {
    pub(super) fn new(slots: &'a Slots, empty: Receiver<Unit>, full: Sender<Unit>, plan: &CreatePlan) -> Self {
        let (unit, block) = Default::default();
        Self { unit, slots, empty, full, block, used: 0, sequence: 0, plan: *plan, enough_bytes: plan.unit_bytes }
    }

    /// Makes room for `least` bytes behind the content, the first `ahead` of which are there already and `hoped` of which
    /// may be needed in one piece.
    pub(super) fn reserve(&mut self, ahead: usize, least: usize, hoped: usize) -> Result<(), Halt> {
        if self.block.len() - self.used >= least {
            return Ok(());
        }
        // Small files go round in a small piece, which stays in the processor's cache; a large one gets what there is.
        let is_large = hoped > self.plan.unit_bytes;
        if is_large && self.slots.extend(&mut self.block, self.used + least) {
            return Ok(());
        }
        self.dispatch()?;
        if self.block.len() < least {
            let most = if is_large { usize::MAX } else { 2 * self.plan.unit_bytes };
            let block = std::mem::take(&mut self.block);
            self.block = self.slots.grow(block, ahead, least, most).ok_or(Halt::Worker)?;
        }
        Ok(())
    }

    /// The reserved room, with the bytes read ahead in front.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.block[self.used..]
    }

    /// The first `bytes` of the room are a chunk, which may have its name already.
    pub(super) fn chunk(&mut self, bytes: usize, name: Option<Id>) -> Result<(), Halt> {
        if self.used + bytes > self.plan.most_unit_bytes {
            self.dispatch()?;
        }
        let range = self.used..self.used + bytes;
        self.used = range.end;
        let mut chunk = Chunk::new(range);
        if let Some(id) = name {
            (chunk.id, chunk.named) = (id, true);
        }
        self.unit.records.push(Record::Chunk(chunk));
        if bytes > self.plan.unit_bytes {
            self.enough_bytes = self.plan.large_unit_bytes;
        }
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
        if self.used >= self.enough_bytes || self.unit.is_full() { self.dispatch() } else { Ok(()) }
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
        self.enough_bytes = self.plan.unit_bytes;
        self.sequence += 1;
        self.full.send(unit).map_err(|_| Halt::Worker)
    }
}
