//! The kernel in plain Rust, for every CPU. Most other forms take `hash` from here: what bounds it is one look-up and one
//! store a byte, which no instruction set has wider. Only 64-bit ARM has its own, for small cores that keep to the order.

use super::GROUP;

/// Makes the D's of whole groups, of which the first begins at a multiple of `GROUP`. `last` is the D before them.
pub(super) fn hash(groups: &[[u8; GROUP]], slots: &mut [[u32; GROUP]], mut last: u32, table: &[u32; 256]) -> u32 {
    for (group, slots) in groups.iter().zip(slots) {
        last = eight::<0>(group, slots, last, table);
        last = eight::<8>(group, slots, last, table);
        last = eight::<16>(group, slots, last, table);
        last = eight::<24>(group, slots, last, table);
    }
    last
}

/// Eight steps of a group. Written out, because a rotation by a number that the compiler knows is part of another
/// instruction on ARM.
#[inline(always)]
fn eight<const FIRST: usize>(group: &[u8; GROUP], slots: &mut [u32; GROUP], mut last: u32, table: &[u32; 256]) -> u32 {
    for index in FIRST..FIRST + 8 {
        last ^= table[usize::from(group[index])].rotate_right((index as u32 + 1) % 32);
        slots[index] = last;
    }
    last
}

/// The first group of `new` in which some position is a cut; `old` are the D's a window before them.
pub(super) fn test(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    new.iter().zip(old).position(|(new, old)| {
        let mut any = false;
        for index in 0..GROUP {
            any |= (new[index] ^ old[index]) & masks[index] == 0;
        }
        any
    })
}
