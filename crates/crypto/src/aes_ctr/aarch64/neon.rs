//! The bitsliced form with NEON, which every 64-bit ARM has: for those without cryptographic extensions, the Pi 3 and 4
//! among them.
#![allow(unsafe_code)]

use core::arch::aarch64::{
    uint8x16_t, vandq_u8, vbslq_u8, vdupq_n_u8, veorq_u8, vld1q_u8, vqtbl1q_u8, vshlq_n_u8, vshrq_n_u8, vsliq_n_u8,
    vsriq_n_u8, vst1q_u8,
};
use core::ops::{BitAnd, BitXor};

use crate::aes_ctr::bitsliced::Vector;

#[derive(Clone, Copy)]
pub(super) struct Neon(uint8x16_t);

// SAFETY of every block below: NEON is part of the architecture, and loads and stores need no alignment.
impl Vector for Neon {
    #[inline(always)]
    fn load(bytes: &[u8; 16]) -> Self {
        // SAFETY: sixteen readable bytes.
        Self(unsafe { vld1q_u8(bytes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, bytes: &mut [u8; 16]) {
        // SAFETY: sixteen writable bytes.
        unsafe { vst1q_u8(bytes.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    fn exchange<const BITS: i32>(low: Self, high: Self) -> (Self, Self) {
        // SAFETY: as above.
        unsafe {
            let (low, high) = (low.0, high.0);
            match BITS {
                4 => (Self(vsliq_n_u8::<4>(low, high)), Self(vsriq_n_u8::<4>(high, low))),
                2 => {
                    let lower_half = vdupq_n_u8(0x33);
                    let exchanged = vbslq_u8(lower_half, low, vshlq_n_u8::<2>(high));
                    (Self(exchanged), Self(vbslq_u8(lower_half, vshrq_n_u8::<2>(low), high)))
                }
                _ => {
                    let lower_half = vdupq_n_u8(0x55);
                    let exchanged = vbslq_u8(lower_half, low, vshlq_n_u8::<1>(high));
                    (Self(exchanged), Self(vbslq_u8(lower_half, vshrq_n_u8::<1>(low), high)))
                }
            }
        }
    }

    #[inline(always)]
    fn turn<const ROWS: u32, const COLUMNS: u32>(self) -> Self {
        let mut from = [0; 16];
        for (position, from) in (0..).zip(&mut from) {
            *from = ((position + ROWS) % 4 + (position / 4 + COLUMNS) % 4 * 4) as u8;
        }
        // SAFETY: as above; all of `from` are below 16.
        Self(unsafe { vqtbl1q_u8(self.0, vld1q_u8(from.as_ptr())) })
    }
}

impl BitAnd for Neon {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vandq_u8(self.0, other.0) })
    }
}

impl BitXor for Neon {
    type Output = Self;

    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { veorq_u8(self.0, other.0) })
    }
}
