//! ARMv8's cryptographic extension: two instructions a round, eight blocks side by side because each waits for the one
//! before.
#![allow(unsafe_code)]

use core::arch::aarch64::{uint8x16_t, vaeseq_u8, veorq_u8, vld1q_u8, vst1q_u8};
use core::arch::asm;

use nanoprobe_cpu::{Feature, Features};

use crate::aes_ctr::Counter;
use crate::aes_ctr::kernel::Kernel;
use crate::aes_ctr::kernel::round_keys::RoundKeys;

/// How many blocks go together, in bytes.
const BATCH: usize = 128;

#[derive(Clone)]
pub(crate) struct Aes(RoundKeys);

// SAFETY: `apply` uses this one feature.
unsafe impl Kernel<BATCH> for Aes {
    const NEEDS: Features = Features::NONE.with(Feature::Aes);

    fn new(key: &[u8; 32]) -> Self {
        Self(RoundKeys::new(key))
    }

    #[target_feature(enable = "aes")]
    unsafe fn apply(&self, mut counter: Counter, batches: &mut [[u8; BATCH]]) {
        let Self(RoundKeys(keys)) = self;
        for batch in batches {
            let mut state = [load(&[0; 16]); 8];
            for (number, block) in (0..).zip(&mut state) {
                *block = load(&counter.plus(number).block());
            }
            // The instruction adds the key before the round, and the last round has no MixColumns.
            for key in &keys[..13] {
                round(&mut state, load(key));
            }
            let (before_last, last) = (load(&keys[13]), load(&keys[14]));
            let (blocks, _) = batch.as_chunks_mut::<16>();
            for (block, state) in blocks.iter_mut().zip(state) {
                store(block, veorq_u8(vaeseq_u8(state, before_last), veorq_u8(last, load(block))));
            }
            counter = counter.plus(8);
        }
    }
}

/// One round of all blocks. The compiler would do several rounds of few blocks, which then wait; and the two instructions
/// of a block must stand together, because most cores make one of them.
#[inline]
#[target_feature(enable = "aes")]
fn round([a, b, c, d, e, f, g, h]: &mut [uint8x16_t; 8], key: uint8x16_t) {
    // SAFETY: the instructions, which the target feature includes, read and change the named registers only.
    unsafe {
        asm!(
            "aese {a:v}.16b, {key:v}.16b", "aesmc {a:v}.16b, {a:v}.16b",
            "aese {b:v}.16b, {key:v}.16b", "aesmc {b:v}.16b, {b:v}.16b",
            "aese {c:v}.16b, {key:v}.16b", "aesmc {c:v}.16b, {c:v}.16b",
            "aese {d:v}.16b, {key:v}.16b", "aesmc {d:v}.16b, {d:v}.16b",
            "aese {e:v}.16b, {key:v}.16b", "aesmc {e:v}.16b, {e:v}.16b",
            "aese {f:v}.16b, {key:v}.16b", "aesmc {f:v}.16b, {f:v}.16b",
            "aese {g:v}.16b, {key:v}.16b", "aesmc {g:v}.16b, {g:v}.16b",
            "aese {h:v}.16b, {key:v}.16b", "aesmc {h:v}.16b, {h:v}.16b",
            key = in(vreg) key,
            a = inout(vreg) *a, b = inout(vreg) *b, c = inout(vreg) *c, d = inout(vreg) *d,
            e = inout(vreg) *e, f = inout(vreg) *f, g = inout(vreg) *g, h = inout(vreg) *h,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: sixteen readable bytes; the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(bytes: &mut [u8; 16], vector: uint8x16_t) {
    // SAFETY: sixteen writable bytes; the store needs no alignment.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) };
}
