//! ARMv8's cryptographic extension in 32-bit programs, which many systems on 64-bit boards are made of. Eight blocks side by
//! side; assembly, because its intrinsics for 32-bit ARM are not stable Rust.
#![allow(unsafe_code)]

use core::array;

use nanoprobe_cpu::{Feature, Features};

use crate::aes_ctr::Counter;
use crate::aes_ctr::kernel::Kernel;
use crate::aes_ctr::kernel::round_keys::RoundKeys;

// r0: round keys. r1: 128 bytes. r2: counters.
core::arch::global_asm!(
    "
    .syntax unified
    .arch armv8-a
    .fpu crypto-neon-fp-armv8
    .text
    .arm

@ The two instructions of a block stand together, because most cores make one of them.
.macro nanoprobe_aes_round state
    aese.8 \\state, q8
    aesmc.8 \\state, \\state
.endm

@ The last round, and two blocks of bytes.
.macro nanoprobe_aes_last one, other
    vld1.8 {{q10, q11}}, [r1]
    aese.8 \\one, q8
    aese.8 \\other, q8
    veor q10, q10, q9
    veor q11, q11, q9
    veor q10, q10, \\one
    veor q11, q11, \\other
    vst1.8 {{q10, q11}}, [r1]!
.endm

    .balign 16
    .globl nanoprobe_aes256_ctr_armv8
    .hidden nanoprobe_aes256_ctr_armv8
    .type nanoprobe_aes256_ctr_armv8, %function
nanoprobe_aes256_ctr_armv8:
    vpush {{d8-d15}}
    vldmia r2, {{d0-d15}}
    mov r3, #13
1:
    vld1.8 {{q8}}, [r0:128]!
    subs r3, r3, #1
    nanoprobe_aes_round q0
    nanoprobe_aes_round q1
    nanoprobe_aes_round q2
    nanoprobe_aes_round q3
    nanoprobe_aes_round q4
    nanoprobe_aes_round q5
    nanoprobe_aes_round q6
    nanoprobe_aes_round q7
    bne 1b
    vld1.8 {{q8, q9}}, [r0:128]
    nanoprobe_aes_last q0, q1
    nanoprobe_aes_last q2, q3
    nanoprobe_aes_last q4, q5
    nanoprobe_aes_last q6, q7
    vpop {{d8-d15}}
    bx lr
    .size nanoprobe_aes256_ctr_armv8, . - nanoprobe_aes256_ctr_armv8
    "
);

unsafe extern "C" {
    /// XORs the key stream of eight counters over as many blocks.
    fn nanoprobe_aes256_ctr_armv8(keys: *const RoundKeys, batch: *mut [u8; BATCH], counters: *const [[u8; 16]; 8]);
}

/// How many blocks go together, in bytes.
const BATCH: usize = 128;

#[derive(Clone)]
pub(crate) struct Aes(RoundKeys);

// SAFETY: the assembly uses NEON and AES.
unsafe impl Kernel<BATCH> for Aes {
    const NEEDS: Features = Features::NONE.with(Feature::Aes).with(Feature::Neon);

    fn new(key: &[u8; 32]) -> Self {
        Self(RoundKeys::new(key))
    }

    unsafe fn apply(&self, mut counter: Counter, batches: &mut [[u8; BATCH]]) {
        for batch in batches {
            let counters = array::from_fn(|number| counter.plus(number as u64).block());
            // SAFETY: the caller vouches for the instructions; all three live through the call, and the keys are aligned.
            unsafe { nanoprobe_aes256_ctr_armv8(&self.0, batch, &counters) };
            counter = counter.plus(8);
        }
    }
}
