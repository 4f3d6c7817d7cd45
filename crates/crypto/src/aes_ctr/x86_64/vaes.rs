//! VAES: two blocks an instruction, sixteen side by side.
#![allow(unsafe_code)]

use core::arch::asm;
use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi64, _mm256_aesenclast_epi128, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_set_epi64x, _mm256_shuffle_epi8, _mm256_storeu_si256, _mm256_xor_si256,
};

use nanoprobe_cpu::{Feature, Features};

use crate::aes_ctr::Counter;
use crate::aes_ctr::kernel::Kernel;
use crate::aes_ctr::kernel::round_keys::RoundKeys;

/// How many blocks go together, in bytes.
const BATCH: usize = 256;

#[derive(Clone)]
pub(crate) struct Vaes(RoundKeys);

// SAFETY: VAES is believed only with AVX2.
unsafe impl Kernel<BATCH> for Vaes {
    const NEEDS: Features = Features::NONE.with(Feature::Vaes);

    fn new(key: &[u8; 32]) -> Self {
        Self(RoundKeys::new(key))
    }

    #[target_feature(enable = "vaes,avx2")]
    unsafe fn apply(&self, counter: Counter, batches: &mut [[u8; BATCH]]) {
        let Self(RoundKeys(keys)) = self;
        let big_endian = broadcast(&[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        let (high, low) = (counter.high as i64, counter.low as i64);
        let mut next = _mm256_set_epi64x(high, low.wrapping_add(1), high, low);
        for batch in batches {
            let first_key = broadcast(&keys[0]);
            let mut state = [next; 8];
            for (pair, blocks) in (0..).zip(&mut state) {
                let counters = _mm256_add_epi64(next, _mm256_set_epi64x(0, 2 * pair, 0, 2 * pair));
                *blocks = _mm256_xor_si256(_mm256_shuffle_epi8(counters, big_endian), first_key);
            }
            next = _mm256_add_epi64(next, _mm256_set_epi64x(0, 16, 0, 16));
            for key in &keys[1..14] {
                round(&mut state, broadcast(key));
            }
            let last_key = broadcast(&keys[14]);
            let (pairs, _) = batch.as_chunks_mut::<32>();
            for (pair, state) in pairs.iter_mut().zip(state) {
                // The last round adds its key last: what is added to the key is added to its outcome.
                // SAFETY: thirty-two readable and writable bytes; neither needs an alignment.
                unsafe {
                    let bytes = _mm256_loadu_si256(pair.as_ptr().cast());
                    let sum = _mm256_aesenclast_epi128(state, _mm256_xor_si256(last_key, bytes));
                    _mm256_storeu_si256(pair.as_mut_ptr().cast(), sum);
                }
            }
        }
    }
}

/// One round of all blocks. The compiler would do several rounds of few blocks, which then wait.
#[inline]
#[target_feature(enable = "vaes,avx2")]
fn round([a, b, c, d, e, f, g, h]: &mut [__m256i; 8], key: __m256i) {
    // SAFETY: the instruction, which the target features include, reads and changes the named registers only.
    unsafe {
        asm!(
            "vaesenc {a}, {a}, {key}", "vaesenc {b}, {b}, {key}", "vaesenc {c}, {c}, {key}", "vaesenc {d}, {d}, {key}",
            "vaesenc {e}, {e}, {key}", "vaesenc {f}, {f}, {key}", "vaesenc {g}, {g}, {key}", "vaesenc {h}, {h}, {key}",
            key = in(ymm_reg) key,
            a = inout(ymm_reg) *a, b = inout(ymm_reg) *b, c = inout(ymm_reg) *c, d = inout(ymm_reg) *d,
            e = inout(ymm_reg) *e, f = inout(ymm_reg) *f, g = inout(ymm_reg) *g, h = inout(ymm_reg) *h,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}
