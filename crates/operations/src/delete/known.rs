//! Which metadata chunks the archives that stay list: whatever lies wholly within one of them stays too, so that it need not
//! become a candidate. A shortcut: what it does not know is found out by the pass over the archives that stay. `recreate`
//! keeps in such a set what it has compressed.

use nanoprobe_format::Id;

/// A set of ids, by 64 bits of each, of fixed size; what does not fit is not in it.
pub(crate) struct KnownChunks {
    slots: Vec<u64>,
    filled: usize,
}

impl KnownChunks {
    /// A set of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { slots: vec![0; (bytes / size_of::<u64>()).max(2)], filled: 0 }
    }

    pub(crate) fn insert(&mut self, id: &Id) {
        let place = self.place(id);
        if self.slots[place] == 0 && (self.filled + 1) * 8 <= self.slots.len() * 7 {
            self.slots[place] = number(id);
            self.filled += 1;
        }
    }

    pub(crate) fn contains(&self, id: &Id) -> bool {
        self.slots[self.place(id)] != 0
    }

    fn place(&self, id: &Id) -> usize {
        let number = number(id);
        let mut place = (number % self.slots.len() as u64) as usize;
        while self.slots[place] != 0 && self.slots[place] != number {
            place = (place + 1) % self.slots.len();
        }
        place
    }
}

fn number(id: &Id) -> u64 {
    id.0[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte)).max(1)
}
