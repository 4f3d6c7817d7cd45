//! CRC-32 with the instructions every ARMv8.1 core and nearly every ARMv8.0 core has, the Pi 3 included: eight bytes a
//! step, at about the speed of memory there.
#![allow(unsafe_code)]

use core::arch::aarch64::{__crc32b, __crc32d};
use core::sync::atomic::{AtomicU8, Ordering};

/// The auxiliary vector's entry of capability bits, and the bit for CRC-32 in it (Linux's arm64 ABI).
const CAPABILITIES: usize = 16;
const CAPABILITY_CRC32: usize = 1 << 7;

unsafe extern "C" {
    /// Of the C library that every Linux program is linked with.
    fn getauxval(kind: usize) -> usize;
}

/// Whether this CPU has what the kernel needs; asked once.
pub(super) fn available() -> bool {
    static FOUND: AtomicU8 = AtomicU8::new(0);
    match FOUND.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: takes and returns plain numbers; unsigned long is 64 bits wide here, as usize is.
            let found = unsafe { getauxval(CAPABILITIES) } & CAPABILITY_CRC32 != 0;
            FOUND.store(if found { 2 } else { 1 }, Ordering::Relaxed);
            found
        }
        found => found == 2,
    }
}

/// Continues a CRC-32. Call it only where [`available`] says so.
pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
    if !available() {
        return super::portable::update(crc, bytes);
    }
    // SAFETY: `available` has just found the target feature.
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
