//! open: stored objects to plain data, by several workers: authenticate, decrypt, decompress, check the id.

use crossbeam_channel::{Receiver, Sender};
use nanoprobe_key::{Batch, Opener};

use super::unit::Unit;

/// Chunks that are worth being opened together; units of small files have as many by themselves.
const SIDE_BY_SIDE: usize = 4;

/// Opens the objects of units into their slots; what cannot be opened or has no room is left to the writer. Units are
/// opened one by one, or a few together when they are there already and have few chunks.
pub(super) fn open_units(mut opener: Opener, to_open: &Receiver<Unit>, opened: &Sender<Unit>) {
    let mut units = heapless::Vec::<Unit, SIDE_BY_SIDE>::new();
    while let Ok(unit) = to_open.recv() {
        let mut chunks = unit.chunks.len();
        let _ = units.push(unit);
        while chunks < SIDE_BY_SIDE
            && !units.is_full()
            && let Ok(unit) = to_open.try_recv()
        {
            chunks += unit.chunks.len();
            let _ = units.push(unit);
        }
        let mut batches: heapless::Vec<Batch<'_>, SIDE_BY_SIDE> = units
            .iter_mut()
            .map(|Unit { chunks, slot, .. }| Batch {
                openings: chunks,
                objects: &mut slot.objects,
                data: &mut slot.plain,
            })
            .collect();
        opener.open_all(&mut batches);
        drop(batches);
        for unit in std::mem::take(&mut units) {
            if opened.send(unit).is_err() {
                return;
            }
        }
    }
}
