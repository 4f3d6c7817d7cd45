//! The bitsliced form with NEON on 32-bit ARM: for the Pi 2 and most NAS with ARMv7. Also in binaries for older ARM, which
//! then use it where they find NEON.
#![allow(unsafe_code)]

use nanoprobe_cpu::{Feature, Features};

use crate::aes_ctr::Counter;
use crate::aes_ctr::kernel::Kernel;
use crate::aes_ctr::kernel::sliced_keys::{BATCH, SlicedKeys, counters};

core::arch::global_asm!(include_str!("neon.s"), options(raw));

unsafe extern "C" {
    /// XORs the key stream of eight counters over as many blocks.
    fn nanoprobe_aes256_ctr_neon(keys: *const SlicedKeys, batch: *mut [u8; BATCH], counters: *const [[u8; 16]; 8]);
}

#[derive(Clone)]
pub(crate) struct Neon(SlicedKeys);

// SAFETY: the assembly uses NEON.
unsafe impl Kernel<BATCH> for Neon {
    const NEEDS: Features = Features::NONE.with(Feature::Neon);

    fn new(key: &[u8; 32]) -> Self {
        Self(SlicedKeys::new(key, |row, column| 4 * row + column))
    }

    unsafe fn apply(&self, mut counter: Counter, batches: &mut [[u8; BATCH]]) {
        for batch in batches {
            // SAFETY: the caller vouches for NEON; all three live through the call, and the keys are aligned.
            unsafe { nanoprobe_aes256_ctr_neon(&self.0, batch, &counters(counter)) };
            counter = counter.plus(8);
        }
    }
}
