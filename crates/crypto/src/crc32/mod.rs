//! CRC-32 (IEEE): every log entry Borg stores carries one, so every byte of a repository passes here when it is checked.
//!
//! One file per instruction set with equal signatures. The fastest the CPU has is chosen at first use, after it has
//! agreed with the portable form on a short message; if it does not, it is never used.

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod aarch64;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use core::sync::atomic::{AtomicU8, Ordering};

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
use aarch64 as accelerated;
#[cfg(target_arch = "x86_64")]
use x86 as accelerated;

/// Continues a CRC-32 (IEEE) that began with `crc` = 0.
pub fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    #[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_os = "linux")))]
    if chosen() == ACCELERATED {
        return accelerated::update(crc, bytes);
    }
    portable::update(crc, bytes)
}

/// The name of the form in use, for diagnostics and benchmarks.
pub fn crc32_implementation() -> &'static str {
    match chosen() {
        ACCELERATED if cfg!(target_arch = "x86_64") => "pclmulqdq",
        ACCELERATED => "crc32 instructions",
        _ => "portable",
    }
}

const UNDECIDED: u8 = 0;
const PORTABLE: u8 = 1;
const ACCELERATED: u8 = 2;

/// The choice; racing threads come to the same one.
static CHOICE: AtomicU8 = AtomicU8::new(UNDECIDED);

#[inline]
fn chosen() -> u8 {
    match CHOICE.load(Ordering::Relaxed) {
        UNDECIDED => {
            let choice = choose();
            CHOICE.store(choice, Ordering::Relaxed);
            choice
        }
        choice => choice,
    }
}

#[cold]
fn choose() -> u8 {
    #[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_os = "linux")))]
    if accelerated::available() {
        // Long enough for every loop of the kernels, with a ragged start and end.
        let mut message = [0; 411];
        for (index, byte) in message.iter_mut().enumerate() {
            *byte = ((index * 167) >> 2) as u8;
        }
        if accelerated::update(0x1234_5678, &message[3..]) == portable::update(0x1234_5678, &message[3..]) {
            return ACCELERATED;
        }
    }
    PORTABLE
}

#[cfg(test)]
mod tests;
