//! AES-NI: one instruction a round, eight blocks side by side because each waits for the one before.
#![allow(unsafe_code)]

use core::arch::asm;
use core::arch::x86_64::{
    __m128i, _mm_add_epi64, _mm_aesenclast_si128, _mm_loadu_si128, _mm_set_epi8, _mm_set_epi64x, _mm_shuffle_epi8,
    _mm_storeu_si128, _mm_xor_si128,
};

use nanoprobe_cpu::{Feature, Features};

use crate::aes_ctr::Counter;
use crate::aes_ctr::kernel::Kernel;
use crate::aes_ctr::kernel::round_keys::RoundKeys;

/// How many blocks go together, in bytes.
const BATCH: usize = 128;

#[derive(Clone)]
pub(crate) struct AesNi(RoundKeys);

// SAFETY: AES is believed only with SSE4.1.
unsafe impl Kernel<BATCH> for AesNi {
    const NEEDS: Features = Features::NONE.with(Feature::Aes);

    fn new(key: &[u8; 32]) -> Self {
        Self(RoundKeys::new(key))
    }

    #[target_feature(enable = "aes,sse4.1")]
    unsafe fn apply(&self, counter: Counter, batches: &mut [[u8; BATCH]]) {
        let Self(RoundKeys(keys)) = self;
        let big_endian = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let mut next = _mm_set_epi64x(counter.high as i64, counter.low as i64);
        for batch in batches {
            let first_key = load(&keys[0]);
            let mut state = [next; 8];
            for (number, block) in (0..).zip(&mut state) {
                let counter = _mm_add_epi64(next, _mm_set_epi64x(0, number));
                *block = _mm_xor_si128(_mm_shuffle_epi8(counter, big_endian), first_key);
            }
            next = _mm_add_epi64(next, _mm_set_epi64x(0, 8));
            for key in &keys[1..14] {
                round(&mut state, load(key));
            }
            let last_key = load(&keys[14]);
            let (blocks, _) = batch.as_chunks_mut::<16>();
            for (block, state) in blocks.iter_mut().zip(state) {
                // The last round adds its key last: what is added to the key is added to its outcome.
                store(block, _mm_aesenclast_si128(state, _mm_xor_si128(last_key, load(block))));
            }
        }
    }
}

/// One round of all blocks. The compiler would do several rounds of few blocks, which then wait.
#[inline]
#[target_feature(enable = "aes")]
fn round([a, b, c, d, e, f, g, h]: &mut [__m128i; 8], key: __m128i) {
    // SAFETY: the instruction, which the target feature includes, reads and changes the named registers only.
    unsafe {
        asm!(
            "aesenc {a}, {key}", "aesenc {b}, {key}", "aesenc {c}, {key}", "aesenc {d}, {key}",
            "aesenc {e}, {key}", "aesenc {f}, {key}", "aesenc {g}, {key}", "aesenc {h}, {key}",
            key = in(xmm_reg) key,
            a = inout(xmm_reg) *a, b = inout(xmm_reg) *b, c = inout(xmm_reg) *c, d = inout(xmm_reg) *d,
            e = inout(xmm_reg) *e, f = inout(xmm_reg) *f, g = inout(xmm_reg) *g, h = inout(xmm_reg) *h,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(bytes: &mut [u8; 16], vector: __m128i) {
    // SAFETY: sixteen writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) };
}
