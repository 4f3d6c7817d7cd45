//! SHA-256's compression with ARMv8's cryptographic extension: four rounds an instruction.
//!
//! A message is a single chain of these instructions, each of which waits for the one before: so the same kernel also
//! takes two messages side by side.
#![allow(unsafe_code)]

use core::arch::aarch64::{
    uint32x4_t, vaddq_u32, vdupq_n_u32, vld1q_u8, vld1q_u32, vreinterpretq_u32_u8, vrev32q_u8, vsha256h2q_u32,
    vsha256hq_u32, vsha256su0q_u32, vsha256su1q_u32, vst1q_u32,
};

use nanoprobe_cpu::{Feature, Features, detected};

use super::{BLOCK_BYTES, CONSTANTS, portable};

/// What the kernel uses beyond the baseline.
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Sha2);

/// Absorbs equally many whole blocks into each of the states; the portable form does where the CPU cannot.
pub(super) fn compress<const MESSAGES: usize>(
    states: [&mut [u32; 8]; MESSAGES],
    blocks: [&[[u8; BLOCK_BYTES]]; MESSAGES],
) {
    if !detected().contains(NEEDS) {
        return portable::compress(states, blocks);
    }
    // SAFETY: the target features have just been found.
    unsafe { absorb(states, blocks) }
}

/// Four rounds for each group of constants in the list, all messages in one group before the next.
macro_rules! four_rounds {
    ($abcd:ident, $efgh:ident, $words:ident, $constants:ident, $($four:literal)*) => {$(
        let constants = load_words(&$constants[$four]);
        for message in 0..MESSAGES {
            let words = &mut $words[message];
            let added = vaddq_u32(words[$four % 4], constants);
            // What the last four groups would be expanded into is not needed.
            if $four < 12 {
                let expanded = vsha256su0q_u32(words[$four % 4], words[($four + 1) % 4]);
                words[$four % 4] = vsha256su1q_u32(expanded, words[($four + 2) % 4], words[($four + 3) % 4]);
            }
            let before = $abcd[message];
            $abcd[message] = vsha256hq_u32(before, $efgh[message], added);
            $efgh[message] = vsha256h2q_u32($efgh[message], before, added);
        }
    )*};
}

#[target_feature(enable = "sha2")]
fn absorb<const MESSAGES: usize>(states: [&mut [u32; 8]; MESSAGES], blocks: [&[[u8; BLOCK_BYTES]]; MESSAGES]) {
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let (constants, _) = CONSTANTS.as_chunks::<4>();
    let mut abcd = [vdupq_n_u32(0); MESSAGES];
    let mut efgh = abcd;
    for message in 0..MESSAGES {
        let (halves, _) = states[message].as_chunks::<4>();
        (abcd[message], efgh[message]) = (load_words(&halves[0]), load_words(&halves[1]));
    }
    #[allow(clippy::needless_range_loop, reason = "the index is of each message's own blocks")]
    for index in 0..count {
        let (abcd_before, efgh_before) = (abcd, efgh);
        let mut words = [[vdupq_n_u32(0); 4]; MESSAGES];
        for message in 0..MESSAGES {
            let (quarters, _) = blocks[message][index].as_chunks::<16>();
            for quarter in 0..4 {
                words[message][quarter] = load_big_endian(&quarters[quarter]);
            }
        }
        four_rounds!(abcd, efgh, words, constants, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        for message in 0..MESSAGES {
            abcd[message] = vaddq_u32(abcd[message], abcd_before[message]);
            efgh[message] = vaddq_u32(efgh[message], efgh_before[message]);
        }
    }
    for message in 0..MESSAGES {
        let (halves, _) = states[message].as_chunks_mut::<4>();
        store_words(&mut halves[0], abcd[message]);
        store_words(&mut halves[1], efgh[message]);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_big_endian(bytes: &[u8; 16]) -> uint32x4_t {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    vreinterpretq_u32_u8(vrev32q_u8(unsafe { vld1q_u8(bytes.as_ptr()) }))
}

#[inline]
#[target_feature(enable = "neon")]
fn load_words(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: four readable words.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_words(words: &mut [u32; 4], vector: uint32x4_t) {
    // SAFETY: four writable words.
    unsafe { vst1q_u32(words.as_mut_ptr(), vector) }
}
