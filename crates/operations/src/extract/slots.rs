//! The buffers that objects and plain data travel in, from fetch to write.
//!
//! Their capacities together stay within one limit; what comes back is used again, so that steady work allocates nothing.
//! Small units share slots of one size; a chunk that is larger than a unit takes a larger slot, and then there are fewer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Larger buffers are made in steps of this many bytes, so that chunks of similar sizes fit each other's.
const STEP_BYTES: usize = 1 << 20;

/// Room for one unit of work.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Stored objects, one after another.
    pub(super) objects: Vec<u8>,
    /// Their plain data.
    pub(super) plain: Vec<u8>,
    charged_bytes: usize,
}

impl Slot {
    fn capacity_bytes(&self) -> usize {
        self.objects.capacity() + self.plain.capacity()
    }
}

/// All slots of one run.
#[derive(Debug)]
pub(super) struct Slots {
    state: Mutex<State>,
    returned: Condvar,
    limit_bytes: usize,
    unit_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Slot>,
    charged_bytes: usize,
    taken: usize,
    is_closed: bool,
}

impl Slots {
    /// `limit_bytes` for all, `unit_bytes` for each half of an ordinary one.
    pub(super) fn new(limit_bytes: usize, unit_bytes: usize) -> Self {
        Self { state: Mutex::default(), returned: Condvar::new(), limit_bytes, unit_bytes }
    }

    /// Waits for room; `None` when the run is over. One slot is always granted, however large.
    pub(super) fn take(&self, objects_bytes: usize, plain_bytes: usize) -> Option<Slot> {
        let (objects_bytes, plain_bytes) = (self.rounded(objects_bytes), self.rounded(plain_bytes));
        let mut state = self.lock();
        while !state.is_closed {
            let fitting =
                |slot: &Slot| slot.objects.capacity() >= objects_bytes && slot.plain.capacity() >= plain_bytes;
            let best = (0..state.idle.len())
                .filter(|&index| fitting(&state.idle[index]))
                .min_by_key(|&index| state.idle[index].charged_bytes);
            if let Some(index) = best {
                state.taken += 1;
                return Some(state.idle.swap_remove(index));
            }
            let needed = objects_bytes + plain_bytes;
            if state.charged_bytes + needed <= self.limit_bytes || (state.taken == 0 && state.idle.is_empty()) {
                state.charged_bytes += needed;
                state.taken += 1;
                drop(state);
                return Some(Slot {
                    objects: Vec::with_capacity(objects_bytes),
                    plain: Vec::with_capacity(plain_bytes),
                    charged_bytes: needed,
                });
            }
            if let Some(slot) = state.idle.pop() {
                state.charged_bytes -= slot.charged_bytes;
                continue;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Takes a slot back; one that grew beyond what it was granted is not kept.
    pub(super) fn give(&self, mut slot: Slot) {
        let mut state = self.lock();
        state.taken -= 1;
        if slot.capacity_bytes() > slot.charged_bytes {
            state.charged_bytes -= slot.charged_bytes;
        } else {
            slot.objects.clear();
            slot.plain.clear();
            state.idle.push(slot);
        }
        drop(state);
        self.returned.notify_one();
    }

    /// Wakes whoever waits: the run is over.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.returned.notify_all();
    }

    fn rounded(&self, bytes: usize) -> usize {
        if bytes <= self.unit_bytes { self.unit_bytes } else { bytes.next_multiple_of(STEP_BYTES) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_the_limit_and_uses_slots_again() {
        let slots = Slots::new(4 << 20, 256 << 10);
        let small: Vec<Slot> = (0..8).map(|_| slots.take(1, 1).expect("open")).collect();
        assert_eq!(slots.lock().charged_bytes, 4 << 20);
        let address = small[0].plain.as_ptr();
        for slot in small {
            slots.give(slot);
        }
        assert!((0..8).map(|_| slots.take(9, 9).expect("open")).any(|slot| slot.plain.as_ptr() == address));
        assert_eq!(slots.lock().charged_bytes, 4 << 20);
    }

    #[test]
    fn larger_slots_displace_idle_ones_and_one_is_always_granted() {
        let slots = Slots::new(4 << 20, 256 << 10);
        slots.give(slots.take(1, 1).expect("open"));
        let large = slots.take(8 << 20, 8 << 20).expect("open");
        assert_eq!(slots.lock().charged_bytes, 16 << 20);
        slots.give(large);
        slots.take(1, 1).expect("open");
        slots.close();
        assert!(slots.take(1, 1).is_none());
    }
}
