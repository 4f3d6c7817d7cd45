//! The bitsliced form with NEON on 32-bit ARM: for the Pi 2 and most NAS with ARMv7. Also in binaries for older ARM, which
//! then use it where they find NEON.
#![allow(unsafe_code)]

use nanoprobe_cpu::{Feature, Features, detected};

use super::Counter;
use super::round_keys::RoundKeys;
use super::sliced_keys::{BATCH, SlicedKeys, counters};

core::arch::global_asm!(include_str!("armv7.s"), options(raw));

unsafe extern "C" {
    /// XORs the key stream of eight counters over as many blocks.
    fn nanoprobe_aes256_ctr_neon(
        keys: *const [[[u8; 16]; 8]; 15],
        batch: *mut [u8; BATCH],
        counters: *const [[u8; 16]; 8],
    );
}

/// What the kernel uses beyond the baseline.
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Neon);

/// Round keys, which exist only where the CPU can use them.
#[derive(Clone)]
pub(super) struct Keys(SlicedKeys);

impl Keys {
    /// Arranges them where the CPU can use them.
    pub(super) fn new(keys: &RoundKeys) -> Option<Self> {
        detected().contains(NEEDS).then(|| Self(SlicedKeys::new(keys, |row, column| 4 * row + column)))
    }
}

/// XORs the key stream that starts at `counter` over batches.
pub(super) fn apply(Keys(SlicedKeys(keys)): &Keys, mut counter: Counter, batches: &mut [[u8; BATCH]]) {
    for batch in batches {
        // SAFETY: NEON was found when the keys were taken; all three live through the call, and the keys are aligned.
        unsafe { nanoprobe_aes256_ctr_neon(keys, batch, &counters(counter)) };
        counter.low = counter.low.wrapping_add(8);
    }
}
