//! CRC-32 with the instructions every ARMv8.1 core and nearly every ARMv8.0 core has, the Pi 3 included: eight bytes a
//! step, at about the speed of memory there.
#![allow(unsafe_code)]

use core::arch::aarch64::{__crc32b, __crc32d};

use nanoprobe_cpu::{Feature, Features, detected};

/// What the kernel uses beyond the baseline.
pub(super) const NEEDS: Features = Features::NONE.with(Feature::Crc32);

/// Continues a CRC-32.
pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
    if !detected().contains(NEEDS) {
        return super::portable::update(crc, bytes);
    }
    // SAFETY: the target feature has just been found.
    unsafe { hash(crc, bytes) }
}

#[target_feature(enable = "crc")]
fn hash(crc: u32, bytes: &[u8]) -> u32 {
    let mut remainder = !crc;
    let (groups, tail) = bytes.as_chunks::<8>();
    for group in groups {
        remainder = __crc32d(remainder, u64::from_le_bytes(*group));
    }
    for &byte in tail {
        remainder = __crc32b(remainder, byte);
    }
    !remainder
}
