//! SHA-256's compression for any CPU.
//!
//! Sixteen rounds are written out, so that the eight words of state stay in registers under changing names; the sixteen
//! words of message are replaced in place by the next sixteen. That is small enough for the 16 KiB instruction caches of
//! the oldest boxes. Rotations are nested, as ARM's shifted operands and a two-operand `ror` both want them.

use super::{BLOCK_BYTES, CONSTANTS};

/// Absorbs equally many whole blocks into each of the states, one after the other.
pub(super) fn compress<const MESSAGES: usize>(
    states: [&mut [u32; 8]; MESSAGES],
    blocks: [&[[u8; BLOCK_BYTES]]; MESSAGES],
) {
    for (state, blocks) in states.into_iter().zip(blocks) {
        absorb(state, blocks);
    }
}

fn absorb(state: &mut [u32; 8], blocks: &[[u8; BLOCK_BYTES]]) {
    for block in blocks {
        let (bytes, _) = block.as_chunks::<4>();
        let mut message: [u32; 16] = core::array::from_fn(|index| u32::from_be_bytes(bytes[index]));
        let mut working = *state;
        let (passes, _) = CONSTANTS.as_chunks::<16>();
        let mut passes = passes.iter();
        if let Some(constants) = passes.next() {
            sixteen::<false>(&mut working, &mut message, constants);
        }
        for constants in passes {
            sixteen::<true>(&mut working, &mut message, constants);
        }
        for (word, worked) in state.iter_mut().zip(working) {
            *word = word.wrapping_add(worked);
        }
    }
}

/// One round on words under their names of this round: `d` becomes the next `e`, `h` the next `a`.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $message:ident, $constants:ident, $differed:ident, $index:literal) => {
        if EXPANDS {
            expand($message, $index);
        }
        let sum_of_e = ($e ^ ($e ^ $e.rotate_right(14)).rotate_right(5)).rotate_right(6);
        let choice = $g ^ ($e & ($f ^ $g));
        $h = $h
            .wrapping_add($message[$index])
            .wrapping_add($constants[$index])
            .wrapping_add(sum_of_e)
            .wrapping_add(choice);
        $d = $d.wrapping_add($h);
        let sum_of_a = ($a ^ ($a ^ $a.rotate_right(9)).rotate_right(11)).rotate_right(2);
        // Where a and b differ, c decides; else b does. The next round needs the same of its b and c.
        let differ = $a ^ $b;
        let majority = $b ^ (differ & $differed);
        $differed = differ;
        $h = $h.wrapping_add(sum_of_a).wrapping_add(majority);
    };
}

#[inline(always)]
#[allow(unused_assignments)]
fn sixteen<const EXPANDS: bool>(state: &mut [u32; 8], message: &mut [u32; 16], constants: &[u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let mut differed = b ^ c;
    round!(a b c d e f g h, message, constants, differed, 0);
    round!(h a b c d e f g, message, constants, differed, 1);
    round!(g h a b c d e f, message, constants, differed, 2);
    round!(f g h a b c d e, message, constants, differed, 3);
    round!(e f g h a b c d, message, constants, differed, 4);
    round!(d e f g h a b c, message, constants, differed, 5);
    round!(c d e f g h a b, message, constants, differed, 6);
    round!(b c d e f g h a, message, constants, differed, 7);
    round!(a b c d e f g h, message, constants, differed, 8);
    round!(h a b c d e f g, message, constants, differed, 9);
    round!(g h a b c d e f, message, constants, differed, 10);
    round!(f g h a b c d e, message, constants, differed, 11);
    round!(e f g h a b c d, message, constants, differed, 12);
    round!(d e f g h a b c, message, constants, differed, 13);
    round!(c d e f g h a b, message, constants, differed, 14);
    round!(b c d e f g h a, message, constants, differed, 15);
    *state = [a, b, c, d, e, f, g, h];
}

/// The word of message sixteen on, in the place of the one that is not needed any more.
#[inline(always)]
fn expand(message: &mut [u32; 16], index: usize) {
    let near = message[(index + 1) % 16];
    let near = near.rotate_right(7) ^ near.rotate_right(18) ^ (near >> 3);
    let far = message[(index + 14) % 16];
    let far = far.rotate_right(17) ^ far.rotate_right(19) ^ (far >> 10);
    message[index] = message[index].wrapping_add(near).wrapping_add(message[(index + 9) % 16]).wrapping_add(far);
}
