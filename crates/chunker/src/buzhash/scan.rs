//! The kernel described in the parent module.

/// Hashes made before their positions are tested.
const TILE: usize = 1024;

/// The longest window the ring can serve: Borg's default.
pub(super) const LONGEST_WINDOW: usize = 4095;

/// D(n+1) stands at n modulo this; a tile never overwrites what its own tests need.
const RING: usize = LONGEST_WINDOW + 1 + TILE;

/// Positions tested at once; rotations repeat after as many.
const GROUP: usize = 32;

const _: () = assert!(RING.is_multiple_of(TILE) && TILE.is_multiple_of(GROUP));

pub(super) struct Scan {
    /// The last D's. The first group is repeated behind the end, so that a group can be read from any place.
    ring: [u32; RING + GROUP],
    /// Bytes hashed, n.
    pub(super) hashed: usize,
    /// D(n).
    last: u32,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self { ring: [0; RING + GROUP], hashed: 0, last: 0 }
    }

    pub(super) fn restart(&mut self) {
        self.hashed = 0;
        self.last = 0;
        // D(0), which stands before n = 0.
        self.ring[RING - 1] = 0;
    }

    /// The first position that is a cut, with its window wholly inside `bytes`; goes on after what was hashed before.
    pub(super) fn find(&mut self, bytes: &[u8], window: usize, mask: u32, table: &[u32; 256]) -> Option<usize> {
        let masks: [u32; GROUP] = core::array::from_fn(|index| mask.rotate_right(index as u32 + 1));
        while self.hashed < bytes.len() {
            let start = self.hashed;
            let end = bytes.len().min((start / TILE + 1) * TILE);
            self.hash(&bytes[start..end], table);
            // The windows that end in this tile.
            let first = start.max(window - 1);
            if first < end
                && let Some(last_byte) = self.test(first, end, window, &masks)
            {
                return Some(last_byte + 1 - window);
            }
        }
        None
    }

    /// Makes the D's of `bytes`, which lie within one tile.
    fn hash(&mut self, bytes: &[u8], table: &[u32; 256]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.hashed.next_multiple_of(GROUP) - self.hashed));
        self.hash_singly(head, table);
        let (groups, tail) = rest.as_chunks::<GROUP>();
        let slot = self.hashed % RING;
        let (slots, _) = self.ring[slot..].as_chunks_mut::<GROUP>();
        let mut last = self.last;
        for (group, slots) in groups.iter().zip(slots) {
            last = hash_group(group, slots, last, table);
        }
        self.last = last;
        self.hashed += groups.len() * GROUP;
        self.hash_singly(tail, table);
        if slot < GROUP {
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

    /// The first n of `start..end` whose byte is the last of a window that is a cut.
    fn test(&self, start: usize, end: usize, window: usize, masks: &[u32; GROUP]) -> Option<usize> {
        let mut at = start;
        while at < end {
            let new = at % RING;
            let old = (at + RING - window) % RING;
            if at.is_multiple_of(GROUP) && end - at >= GROUP {
                let (Some(new), Some(old)) = (self.ring[new..].first_chunk(), self.ring[old..].first_chunk()) else {
                    return None;
                };
                if !test_group(new, old, masks) {
                    at += GROUP;
                    continue;
                }
            }
            if (self.ring[new] ^ self.ring[old]) & masks[at % GROUP] == 0 {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

#[inline(always)]
fn hash_group(bytes: &[u8; GROUP], slots: &mut [u32; GROUP], mut last: u32, table: &[u32; 256]) -> u32 {
    for index in 0..GROUP {
        last ^= table[usize::from(bytes[index])].rotate_right((index as u32 + 1) % 32);
        slots[index] = last;
    }
    last
}

/// Whether any position of the group is a cut.
#[inline(always)]
fn test_group(new: &[u32; GROUP], old: &[u32; GROUP], masks: &[u32; GROUP]) -> bool {
    let mut any = false;
    for index in 0..GROUP {
        any |= (new[index] ^ old[index]) & masks[index] == 0;
    }
    any
}
