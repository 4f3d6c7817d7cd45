//! BLAKE2b's compression for any CPU.
//!
//! Where registers have 64 bits all rounds are written out, so that each word of the message is an operand at a known place.
//! Where they have 32, that would be 20 KiB of instructions, more than the instruction cache of the oldest boxes has: there
//! one round is written out.

use super::message::Step;
use super::{BLOCK_BYTES, INITIAL, SCHEDULE};

/// The rounds of the list.
macro_rules! rounds {
    ($v:ident, $message:ident, $($number:literal)*) => {
        $(round(&mut $v, &$message, &SCHEDULE[$number]);)*
    };
}

/// Absorbs blocks into one state; `counter` counts the bytes absorbed.
pub(super) fn compress(state: &mut [u64; 8], counter: &mut u64, blocks: &[[u8; BLOCK_BYTES]], step: Step) {
    for block in blocks {
        *counter = counter.wrapping_add(step.added);
        let (bytes, _) = block.as_chunks::<8>();
        let message: [u64; 16] = core::array::from_fn(|index| u64::from_le_bytes(bytes[index]));
        let [a, b, c, d, e, f, g, h] = *state;
        let [i, j, k, l, m, n, o, p] = INITIAL;
        let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, m ^ *counter, n, o ^ step.last, p];
        if cfg!(target_pointer_width = "64") {
            rounds!(v, message, 0 1 2 3 4 5 6 7 8 9 0 1);
        } else {
            for order in SCHEDULE.iter().chain(&SCHEDULE[..2]) {
                round(&mut v, &message, order);
            }
        }
        for (index, word) in state.iter_mut().enumerate() {
            *word ^= v[index] ^ v[index + 8];
        }
    }
}

/// One round, with the words of the message in this order.
#[inline(always)]
fn round(v: &mut [u64; 16], message: &[u64; 16], order: &[usize; 16]) {
    let word = |place: usize| message[order[place] % 16];
    mix(v, [0, 4, 8, 12], word(0), word(1));
    mix(v, [1, 5, 9, 13], word(2), word(3));
    mix(v, [2, 6, 10, 14], word(4), word(5));
    mix(v, [3, 7, 11, 15], word(6), word(7));
    mix(v, [0, 5, 10, 15], word(8), word(9));
    mix(v, [1, 6, 11, 12], word(10), word(11));
    mix(v, [2, 7, 8, 13], word(12), word(13));
    mix(v, [3, 4, 9, 14], word(14), word(15));
}

#[inline(always)]
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4], x: u64, y: u64) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}
