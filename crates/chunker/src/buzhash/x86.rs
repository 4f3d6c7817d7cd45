//! The test with AVX2: eight positions an instruction.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi32, _mm256_loadu_si256, _mm256_min_epu32, _mm256_movemask_epi8,
    _mm256_setzero_si256, _mm256_xor_si256,
};

use nanoprobe_cpu::{Feature, Features, detected};

use super::{GROUP, portable};

/// Numbers in a register.
const LANES: usize = 8;

pub(super) const NEEDS: Features = Features::NONE.with(Feature::Avx2);

/// As [`portable::test`].
pub(super) fn test(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    if !detected().contains(NEEDS) {
        return portable::test(new, old, masks);
    }
    // SAFETY: AVX2 was detected.
    unsafe { test_avx2(new, old, masks) }
}

#[target_feature(enable = "avx2")]
fn test_avx2(new: &[[u32; GROUP]], old: &[[u32; GROUP]], masks: &[u32; GROUP]) -> Option<usize> {
    let masks = registers(masks);
    new.iter().zip(old).position(|(new, old)| {
        let (new, old) = (registers(new), registers(old));
        let bits = |index: usize| _mm256_and_si256(_mm256_xor_si256(new[index], old[index]), masks[index]);
        // The smallest number of a lane is zero exactly when one of them is.
        let smallest = _mm256_min_epu32(_mm256_min_epu32(bits(0), bits(1)), _mm256_min_epu32(bits(2), bits(3)));
        _mm256_movemask_epi8(_mm256_cmpeq_epi32(smallest, _mm256_setzero_si256())) != 0
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn registers(group: &[u32; GROUP]) -> [__m256i; GROUP / LANES] {
    let (lanes, _) = group.as_chunks::<LANES>();
    // SAFETY: each chunk is eight numbers, 32 bytes, and the load asks for no alignment.
    core::array::from_fn(|index| unsafe { _mm256_loadu_si256(lanes[index].as_ptr().cast()) })
}
