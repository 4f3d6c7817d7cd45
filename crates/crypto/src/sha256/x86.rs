//! SHA-256's compression with x86's SHA extensions.
//!
//! One instruction makes two rounds, and a message is a single chain of them, which leaves the unit for it idle half the
//! time: so the same kernel also takes two messages side by side.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x, _mm_setzero_si128,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
    _mm_storeu_si128,
};

use nanoprobe_cpu::{Feature, Features, detected};

use super::{BLOCK_BYTES, CONSTANTS, portable};

/// What the kernel uses beyond the baseline (SHA-NI is believed only with SSSE3 and SSE4.1).
pub(super) const NEEDS: Features = Features::NONE.with(Feature::ShaNi);

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
    ($abef:ident, $cdgh:ident, $words:ident, $constants:ident, $($four:literal)*) => {$(
        let constants = load_words(&$constants[$four]);
        for message in 0..MESSAGES {
            let words = &mut $words[message];
            if $four >= 4 {
                let expanded = _mm_sha256msg1_epu32(words[$four % 4], words[($four + 1) % 4]);
                let (third, fourth) = (words[($four + 2) % 4], words[($four + 3) % 4]);
                let expanded = _mm_add_epi32(expanded, _mm_alignr_epi8::<4>(fourth, third));
                words[$four % 4] = _mm_sha256msg2_epu32(expanded, fourth);
            }
            let added = _mm_add_epi32(words[$four % 4], constants);
            $cdgh[message] = _mm_sha256rnds2_epu32($cdgh[message], $abef[message], added);
            let added = _mm_shuffle_epi32::<0b00_00_11_10>(added);
            $abef[message] = _mm_sha256rnds2_epu32($abef[message], $cdgh[message], added);
        }
    )*};
}

#[target_feature(enable = "sha,sse4.1,ssse3")]
fn absorb<const MESSAGES: usize>(states: [&mut [u32; 8]; MESSAGES], blocks: [&[[u8; BLOCK_BYTES]]; MESSAGES]) {
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let (constants, _) = CONSTANTS.as_chunks::<4>();
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // The order of the instructions: A B E F and C D G H, the first in the highest lane.
    let mut abef = [_mm_setzero_si128(); MESSAGES];
    let mut cdgh = abef;
    for message in 0..MESSAGES {
        (abef[message], cdgh[message]) = load_state(states[message]);
    }
    #[allow(clippy::needless_range_loop, reason = "the index is of each message's own blocks")]
    for index in 0..count {
        let (abef_before, cdgh_before) = (abef, cdgh);
        let mut words = [[_mm_setzero_si128(); 4]; MESSAGES];
        for message in 0..MESSAGES {
            let (quarters, _) = blocks[message][index].as_chunks::<16>();
            for quarter in 0..4 {
                words[message][quarter] = _mm_shuffle_epi8(load(&quarters[quarter]), big_endian);
            }
        }
        four_rounds!(abef, cdgh, words, constants, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        for message in 0..MESSAGES {
            abef[message] = _mm_add_epi32(abef[message], abef_before[message]);
            cdgh[message] = _mm_add_epi32(cdgh[message], cdgh_before[message]);
        }
    }
    for message in 0..MESSAGES {
        store_state(states[message], abef[message], cdgh[message]);
    }
}

#[inline]
#[target_feature(enable = "sse4.1,ssse3")]
fn load_state(state: &[u32; 8]) -> (__m128i, __m128i) {
    let (halves, _) = state.as_chunks::<4>();
    let dcba = _mm_shuffle_epi32::<0b10_11_00_01>(load_words(&halves[0]));
    let hgfe = _mm_shuffle_epi32::<0b00_01_10_11>(load_words(&halves[1]));
    (_mm_alignr_epi8::<8>(dcba, hgfe), _mm_blend_epi16::<0b1111_0000>(hgfe, dcba))
}

#[inline]
#[target_feature(enable = "sse4.1,ssse3")]
fn store_state(state: &mut [u32; 8], abef: __m128i, cdgh: __m128i) {
    let feba = _mm_shuffle_epi32::<0b00_01_10_11>(abef);
    let dchg = _mm_shuffle_epi32::<0b10_11_00_01>(cdgh);
    let (halves, _) = state.as_chunks_mut::<4>();
    store_words(&mut halves[0], _mm_blend_epi16::<0b1111_0000>(feba, dchg));
    store_words(&mut halves[1], _mm_alignr_epi8::<8>(dchg, feba));
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[u32; 4]) -> __m128i {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_words(words: &mut [u32; 4], vector: __m128i) {
    // SAFETY: sixteen writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), vector) }
}
