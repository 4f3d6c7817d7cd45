//! CRC-32 by carry-less multiplication (PCLMULQDQ): four 128-bit accumulators are folded over the message, then into
//! one, then reduced to 32 bits by Barrett's method.
//!
//! All in the reflected domain. Multiplying by x^n mod P moves an accumulator n bits on; the two halves of 128 bits need
//! one constant each. Constants are x^n mod P reflected and shifted left by one, for the n in their names.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_clmulepi64_si128, _mm_cvtsi32_si128, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32,
    _mm_set_epi64x, _mm_srli_si128, _mm_xor_si128,
};

use nanoprobe_cpu::{Feature, Features, detected};

use super::portable;

/// What the kernel uses beyond the baseline (pclmulqdq is believed only with SSE4.1).
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Pclmulqdq);

/// A message shorter than this goes to the portable form.
const SHORTEST: usize = 64;

const FOLD_512_PLUS_32: i64 = 0x0001_5444_2bd4;
const FOLD_512_MINUS_32: i64 = 0x0001_c6e4_1596;
const FOLD_128_PLUS_32: i64 = 0x0001_7519_97d0;
const FOLD_128_MINUS_32: i64 = 0x0000_ccaa_009e;
const FOLD_64: i64 = 0x0001_63cd_6124;
/// P itself, reflected, with its leading term.
const POLYNOMIAL: i64 = 0x0001_db71_0641;
/// The quotient of x^64 by P, reflected.
const QUOTIENT: i64 = 0x0001_f701_1641;

/// Continues a CRC-32.
pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
    let whole = bytes.len() & !15;
    if whole < SHORTEST || !detected().contains(NEEDS) {
        return portable::update(crc, bytes);
    }
    let (blocks, tail) = bytes.split_at(whole);
    // SAFETY: both target features have just been found.
    let crc = unsafe { fold(crc, blocks) };
    portable::update(crc, tail)
}

/// `bytes`: at least 64, a multiple of 16.
#[target_feature(enable = "pclmulqdq,sse4.1")]
fn fold(crc: u32, bytes: &[u8]) -> u32 {
    let (blocks, _) = bytes.as_chunks::<16>();
    let (head, rest) = blocks.split_at(4);
    let mut lanes = [load(&head[0]), load(&head[1]), load(&head[2]), load(&head[3])];
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(!crc as i32));

    let by_512 = _mm_set_epi64x(FOLD_512_MINUS_32, FOLD_512_PLUS_32);
    let (groups, rest) = rest.as_chunks::<4>();
    for group in groups {
        for (lane, block) in lanes.iter_mut().zip(group) {
            *lane = advance(*lane, by_512, load(block));
        }
    }

    let by_128 = _mm_set_epi64x(FOLD_128_MINUS_32, FOLD_128_PLUS_32);
    let [first, second, third, fourth] = lanes;
    let mut state = advance(first, by_128, second);
    state = advance(state, by_128, third);
    state = advance(state, by_128, fourth);
    for block in rest {
        state = advance(state, by_128, load(block));
    }

    // 128 bits to 96, to 64, to 32.
    let low_32 = _mm_set_epi32(0, 0, 0, !0);
    state = _mm_xor_si128(_mm_clmulepi64_si128::<0x10>(state, by_128), _mm_srli_si128::<8>(state));
    let by_64 = _mm_set_epi64x(0, FOLD_64);
    state =
        _mm_xor_si128(_mm_clmulepi64_si128::<0x00>(_mm_and_si128(state, low_32), by_64), _mm_srli_si128::<4>(state));
    let barrett = _mm_set_epi64x(QUOTIENT, POLYNOMIAL);
    let multiple = _mm_clmulepi64_si128::<0x10>(_mm_and_si128(state, low_32), barrett);
    let product = _mm_clmulepi64_si128::<0x00>(_mm_and_si128(multiple, low_32), barrett);
    !(_mm_extract_epi32::<1>(_mm_xor_si128(state, product)) as u32)
}

/// Moves `lane` on by the distance of `constants` and adds `block`.
#[inline]
#[target_feature(enable = "pclmulqdq,sse4.1")]
fn advance(lane: __m128i, constants: __m128i, block: __m128i) -> __m128i {
    let low = _mm_clmulepi64_si128::<0x00>(lane, constants);
    let high = _mm_clmulepi64_si128::<0x11>(lane, constants);
    _mm_xor_si128(_mm_xor_si128(low, high), block)
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn load(block: &[u8; 16]) -> __m128i {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}
