//! What may be deleted: fingerprints of ids in a table of fixed size, open-addressed.
//!
//! A fingerprint is 60 bits of the id. When the table is full it forgets the upper half of the fingerprints it takes; those get
//! a round of their own. Two ids of one fingerprint stand or fall together: both stay as soon as one is referred to, and at
//! worst an object stays that nobody needs.

use nanoprobe_format::Id;

/// An archive that stays refers to it, or it was deleted.
const TAKEN: u64 = 1;
/// An archive's metadata: read to the end, so deleted last.
const METADATA: u64 = 2;
/// An item that is no part file refers to it.
const WHOLE: u64 = 4;
/// Room for four flags.
const FLAGS: u64 = 15;
/// No more of the slots are filled, out of eight.
const FILLED_EIGHTHS: usize = 7;

/// What refers to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A list of chunks as it was before a repair, or that of a part file.
    Part,
    /// A file's list of chunks.
    File,
    /// An archive: its own object, or its item stream.
    Metadata,
}

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays, or is gone already, or its turn is in another round.
    Stays,
    /// It is deleted now; whether it counts as a file's own.
    Goes {
        /// Some item that is no part file refers to it.
        whole: bool,
    },
}

/// The table of one round.
pub(super) struct Candidates {
    slots: Vec<u64>,
    filled: usize,
    /// Fingerprints of this round.
    first: u64,
    last: u64,
}

impl Candidates {
    /// A table of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { slots: vec![0; (bytes / size_of::<u64>()).max(2)], filled: 0, first: 0, last: u64::MAX }
    }

    /// True when nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Gets ready for the fingerprints that had no room; false when all had their turn.
    pub(super) fn next_round(&mut self) -> bool {
        let Some(first) = self.last.checked_add(1) else { return false };
        (self.first, self.last) = (first, u64::MAX);
        self.slots.fill(0);
        self.filled = 0;
        true
    }

    /// Takes an id.
    pub(super) fn insert(&mut self, id: &Id, reference: Reference) {
        let flag = match reference {
            Reference::Part => 0,
            Reference::File => WHOLE,
            Reference::Metadata => METADATA | WHOLE,
        };
        let fingerprint = fingerprint(id);
        loop {
            if fingerprint < self.first || fingerprint > self.last {
                return;
            }
            let place = self.place(fingerprint);
            let room = (self.filled + 1) * 8 <= (self.slots.len() * FILLED_EIGHTHS).max(8);
            if self.slots[place] != 0 {
                self.slots[place] |= flag;
            } else if room {
                self.filled += 1;
                self.slots[place] = fingerprint | flag;
            } else {
                self.forget_upper_half();
                continue;
            }
            return;
        }
    }

    /// Somebody needs this id.
    pub(super) fn strike(&mut self, id: &Id) {
        self.update(id, |slot| *slot |= TAKEN);
    }

    /// Whether to delete an object that a file refers to; says so once.
    pub(super) fn take_content(&mut self, id: &Id) -> Fate {
        self.take(id, 0)
    }

    /// Whether to delete a metadata object; says so once.
    pub(super) fn take_metadata(&mut self, id: &Id) -> Fate {
        self.take(id, METADATA)
    }

    fn take(&mut self, id: &Id, metadata: u64) -> Fate {
        let mut fate = Fate::Stays;
        self.update(id, |slot| {
            if *slot & (TAKEN | METADATA) == metadata {
                fate = Fate::Goes { whole: *slot & WHOLE != 0 };
                *slot |= TAKEN;
            }
        });
        fate
    }

    fn update(&mut self, id: &Id, change: impl FnOnce(&mut u64)) {
        let place = self.place(fingerprint(id));
        if self.slots[place] != 0 {
            change(&mut self.slots[place]);
        }
    }

    /// Half of the fingerprints wait for another round.
    fn forget_upper_half(&mut self) {
        self.last = self.first + (self.last - self.first) / 2;
        // Behind an empty slot, each entry may be put anew before the next is looked at: none has to move over a later one.
        let count = self.slots.len();
        let Some(empty) = self.slots.iter().position(|&slot| slot == 0) else { return };
        for step in 1..count {
            let slot = std::mem::take(&mut self.slots[(empty + step) % count]);
            if slot == 0 {
                continue;
            }
            if slot & !FLAGS > self.last {
                self.filled -= 1;
                continue;
            }
            let place = self.place(slot & !FLAGS);
            self.slots[place] = slot;
        }
    }

    /// The slot that holds the fingerprint, or would. One slot is always empty.
    fn place(&self, fingerprint: u64) -> usize {
        let count = self.slots.len();
        // Fingerprints of a round lie side by side; this spreads them.
        let spread = fingerprint.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut place = ((u128::from(spread) * count as u128) >> 64) as usize;
        while self.slots[place] != 0 && self.slots[place] & !FLAGS != fingerprint {
            place = if place + 1 == count { 0 } else { place + 1 };
        }
        place
    }
}

/// 60 bits of an id; never zero, so that an empty slot is no fingerprint.
fn fingerprint(id: &Id) -> u64 {
    let number = id.0[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    (number & !FLAGS).max(FLAGS + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn id(number: u64) -> Id {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.wrapping_mul(0xd6e8_feb8_6659_fd93).to_be_bytes());
        Id(id)
    }

    /// Every id goes exactly once, whatever the table's size, and none that is struck.
    #[test]
    fn rounds_cover_everything_once() {
        for slots in [2, 3, 10, 1000] {
            let mut candidates = Candidates::new(slots * 8);
            let (mut gone, mut rounds) = (BTreeSet::new(), 0);
            loop {
                for _ in 0..2 {
                    (0..300).for_each(|number| candidates.insert(&id(number), Reference::File));
                }
                (0..300).step_by(3).for_each(|number| candidates.strike(&id(number)));
                for number in 0..300 {
                    if candidates.take_content(&id(number)) == (Fate::Goes { whole: true }) {
                        assert!(gone.insert(number), "{number} twice");
                    }
                }
                rounds += 1;
                if !candidates.next_round() {
                    break;
                }
            }
            assert!(gone.iter().copied().eq((0..300).filter(|number| number % 3 != 0)), "{slots} slots");
            assert!((rounds == 1) == (slots == 1000) && rounds <= 4 * (300 / slots).max(1) + 1, "{rounds} rounds");
        }
    }

    #[test]
    fn metadata_goes_as_metadata_only() {
        let mut candidates = Candidates::new(800);
        candidates.insert(&id(1), Reference::Part);
        candidates.insert(&id(2), Reference::File);
        candidates.insert(&id(2), Reference::Metadata);
        assert_eq!(candidates.take_content(&id(1)), Fate::Goes { whole: false });
        assert_eq!(candidates.take_content(&id(2)), Fate::Stays);
        assert_eq!(candidates.take_metadata(&id(2)), Fate::Goes { whole: true });
        assert_eq!(candidates.take_metadata(&id(2)), Fate::Stays);
        assert_eq!(candidates.take_content(&id(3)), Fate::Stays);
    }
}
