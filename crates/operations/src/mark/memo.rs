//! Which chunks were told, and how many of their bytes were left over: a table of fixed size, open-addressed.
//!
//! What does not fit is not remembered, and told again when it comes again.

use nanoprobe_format::Id;

/// No more of the slots are filled, out of eight.
const FILLED_EIGHTHS: usize = 7;
/// Left over: the chunk lies within one item.
const WITHIN_ONE_ITEM: u32 = u32::MAX;

/// A table for tallies of one kind.
pub(super) struct Memo<T> {
    slots: Vec<Slot<T>>,
    filled: usize,
}

#[derive(Clone, Copy)]
struct Slot<T> {
    /// Half of the key; zero: empty.
    key: [u64; 2],
    carried: u32,
    tally: T,
}

impl<T: Copy + Default> Memo<T> {
    /// A table of so many bytes; one slot at least.
    pub(super) fn new(bytes: usize) -> Self {
        let slots = (bytes / size_of::<Slot<T>>()).max(2);
        Self { slots: vec![Slot { key: [0; 2], carried: 0, tally: T::default() }; slots], filled: 0 }
    }

    /// What was remembered: bytes left over (`None` within one item), and the tally.
    pub(super) fn find(&self, key: &Id) -> Option<(Option<u32>, T)> {
        let key = half(key);
        let slot = &self.slots[self.place(key)];
        (slot.key == key).then_some(((slot.carried != WITHIN_ONE_ITEM).then_some(slot.carried), slot.tally))
    }

    /// Remembers, while there is room.
    pub(super) fn insert(&mut self, key: &Id, carried: Option<u32>, tally: T) {
        let key = half(key);
        let place = self.place(key);
        if self.slots[place].key == [0; 2] {
            if (self.filled + 1) * 8 > (self.slots.len() * FILLED_EIGHTHS).max(8) {
                return;
            }
            self.filled += 1;
        }
        self.slots[place] = Slot { key, carried: carried.unwrap_or(WITHIN_ONE_ITEM), tally };
    }

    /// The slot that holds the key, or would. One slot is always empty.
    fn place(&self, key: [u64; 2]) -> usize {
        let mut place = (key[0] % self.slots.len() as u64) as usize;
        while self.slots[place].key != [0; 2] && self.slots[place].key != key {
            place = (place + 1) % self.slots.len();
        }
        place
    }
}

/// 128 bits of the key; never zero.
fn half(key: &Id) -> [u64; 2] {
    let number = |start: usize| key.0[start..start + 8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    [number(0), number(8) | 1]
}
