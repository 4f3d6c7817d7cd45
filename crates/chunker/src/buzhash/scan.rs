//! The kernel described in the parent module: the ring of D's, filled and tested a tile at a time.

use super::{BuzhashForm, GROUP};

/// Hashes made before their positions are tested.
const TILE: usize = 1024;

/// The longest window the ring can serve: Borg's default.
pub(super) const LONGEST_WINDOW: usize = 4095;

/// D(n+1) stands at n modulo this; a tile never overwrites what its own tests need.
const RING: usize = LONGEST_WINDOW + 1 + TILE;

const _: () = assert!(RING.is_multiple_of(TILE) && TILE.is_multiple_of(GROUP));

pub(super) struct Scan {
    form: BuzhashForm,
    window: usize,
    /// The mask as it is turned at the positions of a group.
    masks: [u32; GROUP],
    /// The last D's. The first group is repeated behind the end, so that a group can be read from any place.
    ring: [u32; RING + GROUP],
    /// Bytes hashed, n.
    pub(super) hashed: usize,
    /// D(n).
    last: u32,
}

impl Scan {
    pub(super) fn new(form: BuzhashForm, window: usize, mask: u32) -> Self {
        let masks = core::array::from_fn(|index| mask.rotate_right(index as u32 + 1));
        Self { form, window, masks, ring: [0; RING + GROUP], hashed: 0, last: 0 }
    }

    pub(super) fn restart(&mut self) {
        self.hashed = 0;
        self.last = 0;
        // D(0), which stands before n = 0.
        self.ring[RING - 1] = 0;
    }

    /// The first position that is a cut, with its window wholly inside `bytes`; goes on after what was hashed before.
    pub(super) fn find(&mut self, bytes: &[u8], table: &[u32; 256]) -> Option<usize> {
        while self.hashed < bytes.len() {
            let start = self.hashed;
            let end = bytes.len().min((start / TILE + 1) * TILE);
            self.hash(&bytes[start..end], table);
            // The windows that end in this tile.
            let first = start.max(self.window - 1);
            if first < end
                && let Some(last_byte) = self.test(first, end)
            {
                return Some(last_byte + 1 - self.window);
            }
        }
        None
    }

    /// Makes the D's of `bytes`, which lie within one tile.
    fn hash(&mut self, bytes: &[u8], table: &[u32; 256]) {
        let first_slot = self.hashed % RING;
        let (head, rest) = bytes.split_at(bytes.len().min(self.hashed.next_multiple_of(GROUP) - self.hashed));
        self.hash_singly(head, table);
        let (groups, tail) = rest.as_chunks::<GROUP>();
        let (slots, _) = self.ring[self.hashed % RING..].as_chunks_mut::<GROUP>();
        self.last = self.form.hash(groups, slots, self.last, table);
        self.hashed += groups.len() * GROUP;
        self.hash_singly(tail, table);
        if first_slot < GROUP {
            self.ring.copy_within(..GROUP, RING);
        }
    }

    fn hash_singly(&mut self, bytes: &[u8], table: &[u32; 256]) {
        for &byte in bytes {
            self.last ^= table[usize::from(byte)].rotate_right((self.hashed + 1) as u32 % 32);
            self.ring[self.hashed % RING] = self.last;
            self.hashed += 1;
        }
    }

    /// The first n of `start..end`, which lie within one tile, whose byte is the last of a window that is a cut.
    fn test(&self, start: usize, end: usize) -> Option<usize> {
        let aligned = end.min(start.next_multiple_of(GROUP));
        if let Some(found) = self.test_singly(start, aligned) {
            return Some(found);
        }
        let mut at = aligned;
        while end - at >= GROUP {
            let (new, old) = (at % RING, self.old_slot(at));
            // As many groups as stand in one piece.
            let groups = ((end - at) / GROUP).min((RING - old).div_ceil(GROUP));
            let (new, _) = self.ring[new..new + groups * GROUP].as_chunks();
            let (old, _) = self.ring[old..old + groups * GROUP].as_chunks();
            if let Some(group) = self.form.test(new, old, &self.masks) {
                at += group * GROUP;
                return self.test_singly(at, at + GROUP);
            }
            at += groups * GROUP;
        }
        self.test_singly(at, end)
    }

    fn test_singly(&self, start: usize, end: usize) -> Option<usize> {
        (start..end).find(|&at| (self.ring[at % RING] ^ self.ring[self.old_slot(at)]) & self.masks[at % GROUP] == 0)
    }

    /// Where the D stands that came a window before that of `at`.
    fn old_slot(&self, at: usize) -> usize {
        (at + RING - self.window) % RING
    }
}
